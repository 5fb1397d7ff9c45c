import { AgentError, messageOf } from '../../core/errors.ts'
import type { ChannelMeans } from './channel.ts'
import { RetryAfter } from './outgoing.ts'

/** In ms: the wait after a first failure; it doubles with each further one. */
const first = 1_000
/** In ms: the longest wait after what passes by itself, and after what does not. */
const longest = { passing: 60_000, lasting: 600_000 }
/** So many failures in a row are no longer a hiccup: half a minute. */
const worthTelling = 5

export interface Trying {
  readonly means: Pick<ChannelMeans, 'log' | 'pause' | 'buttonsFail'>
  /** For the log: `phone: listening for buttons`. */
  readonly doing: string
  readonly signal: AbortSignal
  readonly chance?: () => number
}

/**
 * Does it again whenever it ends or fails, until the signal aborts; never rejects. `works` is called by the attempt
 * once it gets through. A failure is logged when it is new, and reported when it lasts or does not pass by itself.
 */
export async function keepTrying(
  attempt: (works: () => void) => Promise<void>,
  { means, doing, signal, chance = Math.random }: Trying,
): Promise<void> {
  let failures = 0
  let told: string | undefined
  // What was reported before a restart is settled by the first success after it.
  let hasWorked = false
  const works = () => {
    failures = 0
    if (told === undefined && hasWorked) return
    if (told !== undefined) means.log.info({}, `${doing} works again`)
    told = undefined
    hasWorked = true
    means.buttonsFail?.(undefined)
  }
  const failed = (error: unknown) => {
    const why = messageOf(error)
    const passes = error instanceof AgentError && error.retryable
    failures += 1
    if (why !== told) means.log.warn({}, `${doing}: ${why}`)
    told = why
    if (!passes || failures >= worthTelling) means.buttonsFail?.(why)
    const most = passes ? longest.passing : longest.lasting
    const wait = Math.min(most, first * 2 ** Math.min(failures - 1, 20)) * (0.5 + chance() / 2)
    return error instanceof RetryAfter ? Math.max(error.after, wait) : wait
  }
  while (!signal.aborted) {
    let wait = first
    try {
      await attempt(works)
    } catch (error) {
      if (signal.aborted) return
      wait = failed(error)
    }
    await means.pause(wait, signal)
  }
}
