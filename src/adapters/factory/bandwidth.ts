import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../../core/errors.ts'
import type { Factory } from '../../core/release/ports.ts'

/** What passes time; in ms. */
export interface Pace {
  readonly now: () => number
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

const clock: Pace = {
  now: () => performance.now(),
  wait: async (ms, signal) => {
    await sleep(ms, undefined, { signal }).catch((error: unknown) => {
      throw new AgentError('unreachable', 'the download was called off', error)
    })
  },
}

/**
 * The Factory, whose downloads take no more of the line than so many bytes a second, all of them together. The rate is
 * looked up with each piece; without one nothing waits.
 */
export function withBandwidth<Limited extends Pick<Factory, 'open'>>(
  factory: Limited,
  rate: () => number | undefined,
  { now, wait }: Pace = clock,
): Limited {
  /** Until when the line is taken by what has come. */
  let takenUntil = 0

  async function* slowly(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      const most = rate()
      if (most !== undefined) {
        const from = Math.max(now(), takenUntil)
        takenUntil = from + (chunk.length / most) * 1_000
        if (from > now()) await wait(from - now(), signal)
      }
      yield chunk
    }
  }

  return {
    ...factory,
    open: async (image, resume, signal) => {
      const download = await factory.open(image, resume, signal)
      return { ...download, body: slowly(download.body, signal) }
    },
  }
}
