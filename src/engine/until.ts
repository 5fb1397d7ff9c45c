import { describeClosely } from '../core/duration.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../core/errors.ts'

export interface WaitOptions {
  /** The longest wait, in ms. */
  readonly within: number
  /** Poll interval, in ms. */
  readonly pollEvery: number
  readonly signal: AbortSignal
}

/** The result of one poll: true, or why not yet, for the message of the timeout. */
export type Probe = true | string

/**
 * Polls until it is so. `what` is read by a person: `waited 600 s for cp-1 to run v1.14.0: …`. A poll
 * that fails with a retryable error counts as not yet; any other failure ends the wait.
 *
 * @throws AgentError `timed-out`
 */
export async function until(
  what: string,
  { within, pollEvery, signal }: WaitOptions,
  probe: (signal: AbortSignal) => Promise<Probe>,
): Promise<void> {
  const limit = timeLimit(within)
  const either = AbortSignal.any([signal, limit])
  let last: Probe = ''
  while (true) {
    last = await probe(either).catch((error: unknown) => {
      if (error instanceof AgentError && !error.retryable && !either.aborted) throw error
      return either.aborted ? last : messageOf(error)
    })
    if (last === true) return
    if (!either.aborted) await sleep(pollEvery, undefined, { signal: either }).catch(() => {})
    signal.throwIfAborted()
    if (limit.aborted) {
      throw new AgentError('timed-out', `waited ${describeClosely(within)} for ${what}${last ? `: ${last}` : ''}`)
    }
  }
}

/**
 * Gives an action `within` ms. Then its signal aborts, and what it throws becomes a `timed-out`; its own
 * words are kept where it has any, because they name the culprit.
 */
export async function withDeadline<T>(
  within: number,
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = timeLimit(within)
  try {
    return await action(AbortSignal.any([signal, limit]))
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.aborted) throw error
    const words = error instanceof AgentError ? `: ${error.message}` : ''
    throw new AgentError('timed-out', `not done within ${describeClosely(within)}${words}`, error)
  }
}

/** Node's timers take whole ms, at most 24 days: longer limits are cut to that. */
function timeLimit(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.min(2 ** 31 - 1, Math.round(ms))))
}
