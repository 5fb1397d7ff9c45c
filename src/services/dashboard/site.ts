import { printableMarkup } from '../../core/printable.ts'
import { isEnough } from '../../core/access/token.ts'
import type { Markup } from '../../http/markup/parts.ts'
import type { PageRequest, PageSpec } from '../../operations/pages.ts'
import type { Visit, WebCaller } from '../../operations/web.ts'
import { openAssets } from './assets.ts'
import { answerView, confirmView } from './confirm.ts'
import { barePage, type Frame, type Framed, livePart, wholePage } from './frame.ts'
import { givenIn, readForm } from './given.ts'
import { createReader, type Entered, type Reader, readWithin, sharedFor, type SiteContext } from './reader.ts'
import { lostView } from './states.ts'
import { signInView } from './sign-in.ts'
import { judge } from './verdict.ts'

export interface Site {
  answer(visit: Visit): Promise<Response>
}

/** All pages, and what they load. @throws where the assets can't be read */
export async function openSite(context: SiteContext, folder: URL): Promise<Site> {
  const { config, pages } = context
  const assets = await openAssets(folder)
  const reader = createReader(context)
  /** The parts that were drawn last, by what stands in them: it is one and the same for all who ask in the same moment. */
  const parts = new WeakMap<object, { readonly at: number; readonly text: Promise<string> }>()

  async function frameFor(caller: WebCaller): Promise<Frame> {
    // Where it can't be read a page says so itself, and the rest of it is shown.
    const status = await reader.status().catch(() => undefined)
    const { name: homelab } = config().cluster
    const verdict = status && judge(status)
    return { homelab, version: status?.version ?? '', pages, assets, caller, verdict, now: context.now() }
  }

  /** Whole, or the part of it that a page already shown asks for. */
  async function show(visit: Entered, framed: Framed, status = 200): Promise<Response> {
    if (!visit.request.headers.has('hx-request')) return markup(wholePage(await frameFor(visit.caller), framed), status)
    const { content } = framed
    const known = content instanceof Object ? parts.get(content) : undefined
    const at = performance.now()
    // What never changes stands in a frame that does.
    if (known && at - known.at < sharedFor) return markup(await known.text, status)
    const text = frameFor(visit.caller).then(async (frame) => String(await livePart(frame, framed)))
    if (content instanceof Object) parts.set(content, { at, text })
    return markup(await text, status)
  }

  /** A page's request by its name: asked for by GET, done by POST. */
  async function handleRequest(spec: PageSpec, name: string, visit: Entered): Promise<Response> {
    const { requests = {} } = (await spec.load()).default
    const asked = Object.hasOwn(requests, name) ? requests[name] : undefined
    if (!asked) return lost(visit)
    const handle = visit.request.method === 'POST' ? perform : confirm
    const content = await handle({ spec, asked, visit, reader })
    if (visit.request.headers.has('hx-request')) return markup(content)
    return show(visit, { path: spec.path, title: asked.title, content, isStill: true })
  }

  async function giveFile(spec: PageSpec, name: string, visit: Entered): Promise<Response> {
    const { files = {} } = (await spec.load()).default
    const file = Object.hasOwn(files, name) ? files[name] : undefined
    if (!file) return lost(visit)
    try {
      const text = await file.read(reader.askingOf(visit.url.searchParams, visit.request.signal))
      return new Response(text, { headers: { 'content-type': file.type } })
    } catch (error) {
      return new Response(`${reader.explain(error, visit)}\n`, {
        status: 404,
        headers: { 'content-type': 'text/plain' },
      })
    }
  }

  const lost = (visit: Entered) =>
    show(visit, { path: '', title: 'Not found', content: lostView(), isStill: true }, 404)

  async function enter(visit: Entered): Promise<Response> {
    const { pathname } = visit.url
    const spec = pages.find(({ path }) => path === pathname)
    if (spec) {
      const { path, title } = spec
      return show(visit, { path, title, ...(await reader.draw(spec, visit)) })
    }
    const below = pages.find(({ path }) => path !== '/' && pathname.startsWith(`${path}/`))
    const rest = below && pathname.slice(below.path.length + 1)
    if (!below || rest === undefined) return lost(visit)
    return rest.startsWith('do/') ? handleRequest(below, rest.slice(3), visit) : giveFile(below, rest, visit)
  }

  return {
    answer: async ({ request, caller }) => {
      const asset = assets.answer(request)
      if (asset) return asset
      const url = new URL(request.url)
      const { pathname, search, searchParams } = url
      if (pathname === '/sign-in') {
        if (caller?.via === 'session') return leadTo('/')
        const shown = { next: searchParams.get('next') ?? '/', why: searchParams.get('why') }
        return markup(barePage(assets, 'Sign in · Caretaker', signInView(shown)))
      }
      if (caller) return enter({ request, url, caller })
      if (request.headers.has('hx-request')) return new Response(null, { status: 401 })
      return leadTo(`/sign-in?next=${encodeURIComponent(`${pathname}${search}`)}`)
    },
  }
}

/** A request of a page, and who is about to make it. */
interface Requested {
  readonly spec: PageSpec
  readonly asked: PageRequest
  readonly visit: Entered
  readonly reader: Reader
}

/** Says what will happen, and does nothing. */
async function confirm({ spec, asked, visit, reader }: Requested): Promise<Markup> {
  const { url, caller } = visit
  const sent = givenIn(asked, url.searchParams)
  const question = { request: asked, action: url.pathname, back: spec.path, given: sent }
  if (!isEnough(caller.scope, asked.scope))
    return confirmView({ ...question, will: { refused: whyNot(caller, asked) } })
  try {
    const asking = reader.askingOf(url.searchParams, AbortSignal.timeout(readWithin))
    const given = { ...sent, ...(await asked.shown?.(sent, asking)) }
    const will = await asked.preview(given, asking)
    return await confirmView({ ...question, given, will, text: await asked.text?.(given, asking) })
  } catch (error) {
    return confirmView({ ...question, will: { refused: reader.explain(error, visit) } })
  }
}

async function perform({ spec, asked, visit, reader }: Requested): Promise<Markup> {
  const { request, url, caller } = visit
  if (!isEnough(caller.scope, asked.scope)) return answerView(asked.title, whyNot(caller, asked), spec.path, true)
  try {
    const given = givenIn(asked, await readForm(request))
    const { signal } = request
    const said = await asked.perform(given, reader.askingOf(url.searchParams, signal), {
      by: caller.requester,
      signal,
    })
    return await answerView(asked.title, said, spec.path)
  } catch (error) {
    return answerView(asked.title, reader.explain(error, visit), spec.path, true)
  } finally {
    reader.forget()
  }
}

function whyNot({ requester, scope }: WebCaller, { scope: needed }: PageRequest): string {
  return `${requester.name} has the scope ${scope}, and this needs ${needed}`
}

const leadTo = (path: string) => new Response(null, { status: 303, headers: { location: path } })

async function markup(content: Markup | string, status = 200): Promise<Response> {
  return new Response(printableMarkup(String(await content)), {
    status,
    // Forms over plain HTTP are known by their Origin, which browsers send only where a page has a referrer.
    headers: { 'content-type': 'text/html; charset=utf-8', 'referrer-policy': 'same-origin', vary: 'hx-request' },
  })
}
