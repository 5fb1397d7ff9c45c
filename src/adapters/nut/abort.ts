import { AgentError } from '../../core/errors.ts'
import type { NutConnection } from './connection.ts'
import { isRefusal, outOfOrder, UnclearAnswer } from './refusal.ts'

/** NUT's protocol can't cancel a command: on abort the connection is closed, with the error of `giveUp`. */
export async function closedOnAbort<T>(
  nut: NutConnection,
  signal: AbortSignal,
  giveUp: (nut: NutConnection, signal: AbortSignal) => AgentError,
  action: () => Promise<T>,
): Promise<T> {
  const close = () => nut.close(giveUp(nut, signal))
  if (signal.aborted) close()
  signal.addEventListener('abort', close, { once: true })
  try {
    return await action()
  } catch (error) {
    // An answer to another command means that commands and answers are out of step, and stay so.
    const isOutOfStep = error instanceof AgentError && error.code === 'malformed' && !(error instanceof UnclearAnswer)
    if (isOutOfStep || isRefusal(error, ...outOfOrder)) nut.close(error)
    throw error
  } finally {
    signal.removeEventListener('abort', close)
  }
}

/** The outcome of a running attempt; undefined where it fails. Its owner may have a longer time limit. */
export function settled<T>(
  attempt: Promise<T>,
  signal: AbortSignal,
  tooLate: (signal: AbortSignal) => AgentError,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(tooLate(signal))
    signal.addEventListener('abort', stop, { once: true })
    const settle = (outcome?: T) => {
      signal.removeEventListener('abort', stop)
      resolve(outcome)
    }
    attempt.then(settle, () => settle())
  })
}
