import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, isUnexpected } from '../../core/errors.ts'
import type { StatusAnswer } from '../../core/operator.ts'
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

/** How long a page is waited for before something else is shown meanwhile, and how long at all; in ms. */
const shownWithin = 1_500
export const readWithin = 30_000
/** What was read is drawn for everybody who asks within this, in ms. */
const sharedFor = 400
/** In s: where scripts are off, pages are loaded again after so long while something counts down. */
const reloadsAfter = 5

export type Reader = ReturnType<typeof createReader>

/** Reads and draws pages: each once for all who ask in the same moment, and none for longer than people wait. */
export function createReader(context: SiteContext) {
  const { operator, config, settings, log } = context
  const reads = new Map<string, { readonly at: number; readonly data: Promise<unknown> }>()

  let frame: { readonly at: number; readonly answer: Promise<StatusAnswer | undefined> } | undefined

  function askingOf(query: URLSearchParams, signal: AbortSignal): Asking {
    return { operator, config, settings, query, now: context.now, signal }
  }

  function read(path: string, page: AnyPage, query: URLSearchParams): Promise<unknown> {
    const key = `${path}?${query.toString()}`
    const now = performance.now()
    const shared = reads.get(key)
    if (shared && now - shared.at < sharedFor) return shared.data
    for (const [other, { at }] of reads) if (now - at >= sharedFor) reads.delete(other)
    // Nobody's leaving ends it: what was looked at is known to the next one.
    const data = Promise.try(() => page.read(askingOf(query, AbortSignal.timeout(readWithin))))
    data.catch(() => {})
    reads.set(key, { at: now, data })
    return data
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
      const known = await Promise.race([read(spec.path, page, url.searchParams), soon.over])
      if (known === tooLate) return { content: loadingView(spec.title), isLoading: true, reloadsAfter: 1, hasCharts }
      const content = await page.view(known, viewingFor(caller, url.searchParams))
      const isStill = page.isStill?.(url.searchParams) === true ? { isStill: true as const } : {}
      return { content, hasCharts, ...isStill, ...(content.includes(' data-until') ? { reloadsAfter } : {}) }
    } catch (error) {
      return { content: failureView(explain(error, visit)), hasCharts, reloadsAfter }
    }
  }

  /** How everything is, for the frame of every page; undefined where that can't be read. */
  function status(): Promise<StatusAnswer | undefined> {
    const now = performance.now()
    if (!frame || now - frame.at >= sharedFor) {
      const answer = operator.status(AbortSignal.timeout(readWithin), 'known').catch(() => undefined)
      frame = { at: now, answer }
    }
    return frame.answer
  }

  return {
    draw,
    status,
    explain,
    askingOf,
    /** Something has changed: what was read before is not shown any more. */
    forget: () => {
      reads.clear()
      frame = undefined
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
