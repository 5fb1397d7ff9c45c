import { AgentError } from '../../core/errors.ts'
import type { NutConnection } from './connection.ts'
import { isRefusal, outOfOrder } from './refusal.ts'

/** The protocol can't call a command off: who is in a hurry closes the connection, with the error of `giveUp`. */
export async function closedOnAbort<T>(
  nut: NutConnection,
  signal: AbortSignal,
  giveUp: (nut: NutConnection) => AgentError,
  action: () => Promise<T>,
): Promise<T> {
  const close = () => nut.close(giveUp(nut))
  if (signal.aborted) close()
  signal.addEventListener('abort', close, { once: true })
  try {
    return await action()
  } catch (error) {
    // An answer to something else means that question and answer are out of step, and stay so.
    if (error instanceof AgentError && (error.code === 'malformed' || isRefusal(error, ...outOfOrder))) nut.close(error)
    throw error
  } finally {
    signal.removeEventListener('abort', close)
  }
}

/** What an attempt under way comes to: undefined where it fails. Its owner's patience may be longer than ours. */
export function settled<T>(
  attempt: Promise<T>,
  signal: AbortSignal,
  tooLate: () => AgentError,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(tooLate())
    signal.addEventListener('abort', stop, { once: true })
    const settle = (outcome?: T) => {
      signal.removeEventListener('abort', stop)
      resolve(outcome)
    }
    attempt.then(settle, () => settle())
  })
}
