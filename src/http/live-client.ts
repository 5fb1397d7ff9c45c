import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../core/errors.ts'
import { basePath } from './base-path.ts'
import { errorOf, readText } from './client.ts'
import { placeOf, type Reach, send } from './reach.ts'
import type { LiveEvents } from './schemas/live.ts'

/** One event of the stream. Those of a newer daemon may have other names. */
export type LiveEvent = {
  [E in keyof LiveEvents]: { readonly event: E; readonly data: LiveEvents[E] }
}[keyof LiveEvents]

/** Between two tries to reach the daemon again, in ms: doubled with each, up to the most. */
const retriesAfter = 1_000
const retriesAtMost = 10_000
/** In ms. A comment comes every few seconds: a stream that is silent for so long is dead. */
const silentFor = 45_000

/**
 * Everything that changes, from the state on, until the signal aborts. A connection that ends is made again, and then the
 * state comes again; `lost` is told once for each time that it is away, and why.
 *
 * @throws AgentError where trying again helps nothing: the daemon lets nobody in, or is none
 */
export async function* followLive(
  reach: Reach,
  signal: AbortSignal,
  lost: (why: string) => void,
): AsyncGenerator<LiveEvent> {
  let wait = retriesAfter
  while (!signal.aborted) {
    try {
      for await (const event of readEvents(reach, signal)) {
        wait = retriesAfter
        yield event
      }
      if (!signal.aborted) throw new AgentError('unreachable', `${placeOf(reach)} closed the connection`)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof AgentError) || !error.retryable) throw error
      if (wait === retriesAfter) lost(messageOf(error))
    }
    await sleep(wait, undefined, { signal }).catch(() => {})
    wait = Math.min(wait * 2, retriesAtMost)
  }
}

/** The events of one connection. */
async function* readEvents(reach: Reach, signal: AbortSignal): AsyncGenerator<LiveEvent> {
  const over = new AbortController()
  const headers = { accept: 'text/event-stream' }
  const both = AbortSignal.any([signal, over.signal])
  const response = await send(reach, { method: 'GET', path: `${basePath}/live`, headers, signal: both })
  if (response.statusCode !== 200) throw errorOf(response, await readText(response, reach, 'GET'), reach)
  const watchdog = setTimeout(() => over.abort(), silentFor)
  try {
    response.setEncoding('utf8')
    let rest = ''
    for await (const chunk of response as AsyncIterable<string>) {
      watchdog.refresh()
      const blocks = `${rest}${chunk}`.split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const event = parseBlock(block)
        if (event) yield event
      }
    }
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('unreachable', `${placeOf(reach)} closed the connection: was it stopped?`, error)
  } finally {
    clearTimeout(watchdog)
    response.destroy()
  }
}

/** One event as it is written; undefined for a comment. */
function parseBlock(block: string): LiveEvent | undefined {
  const fields = new Map(
    block.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(': ')
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 2)]] : []
    }),
  )
  const [event, data] = [fields.get('event'), fields.get('data')]
  return event === undefined || data === undefined ? undefined : ({ event, data: JSON.parse(data) } as LiveEvent)
}
