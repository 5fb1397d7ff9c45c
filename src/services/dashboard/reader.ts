import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, isUnexpected } from '../../core/errors.ts'
import type { Scope } from '../../core/access/token.ts'
import type { StatusAnswer } from '../../core/operator.ts'
import type { Markup } from '../../http/markup/parts.ts'
import type { AnyPage, Asking, PageSpec, Viewing } from '../../operations/pages.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { WebCaller } from '../../operations/web.ts'
import type { Framed } from './frame.ts'
import { failureView, loadingView } from './states.ts'

export type SiteContext = Pick<ServiceContext<unknown>, 'operator' | 'config' | 'settings' | 'pages' | 'log' | 'now'>

/** A visit of somebody who may read. */
export interface Entered {
  readonly request: Request
  readonly url: URL
  readonly caller: WebCaller
}

/** What a page shows, and how it was drawn for those who may do the same. */
interface Read {
  readonly at: number
  readonly data: Promise<unknown>
  readonly drawn: Map<Scope | undefined, Markup>
}

/** How long a page is waited for before something else is shown meanwhile, and how long at all; in ms. */
const shownWithin = 1_500
export const readWithin = 30_000
/** What was read and drawn is shown to everybody who asks within this, in ms: `readAnewAfter` in dashboard.js is longer. */
export const sharedFor = 400
/** In s: where scripts are off, pages are loaded again after so long while something counts down. */
const reloadsAfter = 5

export type Reader = ReturnType<typeof createReader>

/** Reads and draws pages: each once for all who ask in the same moment, and none for longer than people wait. */
export function createReader(context: SiteContext) {
  const { operator, config, settings, log } = context
  const reads = new Map<string, Read>()

  let present: { readonly at: number; readonly isFollowed: boolean; readonly answer: Promise<StatusAnswer> } | undefined

  function askingOf(query: URLSearchParams, signal: AbortSignal): Asking {
    return { operator, status, config, settings, query, now: context.now, signal }
  }

  function read(path: string, page: AnyPage, query: URLSearchParams): Read {
    const key = `${path}?${query.toString()}`
    const now = performance.now()
    const shared = reads.get(key)
    if (shared && now - shared.at < sharedFor) return shared
    for (const [other, { at }] of reads) if (now - at >= sharedFor) reads.delete(other)
    // Nobody's leaving ends it: what was looked at is known to the next one.
    const data = Promise.try(() => page.read(askingOf(query, AbortSignal.timeout(readWithin))))
    data.catch(() => {})
    const own: Read = { at: now, data, drawn: new Map() }
    reads.set(key, own)
    return own
  }

  function viewingFor({ scope }: WebCaller, query: URLSearchParams): Viewing {
    return { now: context.now(), zone: config().upgrade.shownZone, scope, query }
  }

  /** What is told of an error: its own words where somebody expected it, else where it is found in the log. */
  function explain(error: unknown, { request, url }: Entered): string {
    if (error instanceof AgentError && !isUnexpected(error)) return error.message
    const id = randomUUID().slice(0, 8)
    log.error({ err: error, id, request: `${request.method} ${url.pathname}` }, 'a page could not be drawn')
    return `internal error; please report it with what the daemon's log says about ${id}`
  }

  /** The page, or what takes its place for now. */
  async function draw(spec: PageSpec, visit: Entered): Promise<Omit<Framed, 'path' | 'title'>> {
    const { request, url, caller } = visit
    const { default: page } = await spec.load()
    const hasCharts = page.hasCharts === true
    // A page that is shown already loses nothing while it waits.
    const isPatient = request.headers.has('hx-request')
    using soon = createPatience(isPatient ? readWithin : shownWithin)
    try {
      const own = read(spec.path, page, url.searchParams)
      const known = await Promise.race([own.data, soon.over])
      if (known === tooLate) return { content: loadingView(spec.title), isLoading: true, reloadsAfter: 1, hasCharts }
      const drawn = own.drawn.get(caller.scope) ?? page.view(known, viewingFor(caller, url.searchParams))
      own.drawn.set(caller.scope, drawn)
      const content = await drawn
      const isStill = page.isStill?.(url.searchParams) === true ? { isStill: true as const } : {}
      return { content, hasCharts, ...isStill, ...(content.includes(' data-until') ? { reloadsAfter } : {}) }
    } catch (error) {
      return { content: failureView(explain(error, visit)), hasCharts, reloadsAfter }
    }
  }

  /** How everything is: one answer for the frame of every page and for what stands in it. */
  function status(freshness: 'known' | 'followed' = 'known'): Promise<StatusAnswer> {
    const now = performance.now()
    const isFollowed = freshness === 'followed'
    if (!present || now - present.at >= sharedFor || (isFollowed && !present.isFollowed)) {
      const answer = operator.status(AbortSignal.timeout(readWithin), freshness)
      answer.catch(() => {})
      present = { at: now, isFollowed, answer }
    }
    return present.answer
  }

  return {
    draw,
    status,
    explain,
    askingOf,
    /** Something has changed: what was read before is not shown any more. */
    forget: () => {
      reads.clear()
      present = undefined
    },
  }
}

const tooLate = Symbol('too late')

/** @param within in ms */
function createPatience(within: number): Disposable & { readonly over: Promise<typeof tooLate | undefined> } {
  const stop = new AbortController()
  const over = sleep(within, tooLate, { signal: stop.signal, ref: false }).catch(() => undefined)
  return { over, [Symbol.dispose]: () => stop.abort() }
}
