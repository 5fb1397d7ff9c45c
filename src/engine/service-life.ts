import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../core/errors.ts'
import type { RunningService } from '../core/service.ts'

/**
 * Waits for a service to start, so many ms and no longer, and only while it is wanted. One that starts after that is ended
 * as soon as it has.
 *
 * @throws AgentError `timed-out`, or what the service rejects with
 */
export async function startWithin(
  ms: number,
  starting: Promise<RunningService>,
  interrupted: AbortSignal,
): Promise<RunningService> {
  const limit = new AbortController()
  const late = sleep(ms, undefined, { signal: limit.signal }).then(
    () => `it has not started within ${ms / 1_000} s`,
    () => '',
  )
  const off = whenAborted(interrupted).then(() => 'it is no longer needed')
  const first = await Promise.race([starting, late, off]).finally(() => limit.abort())
  if (typeof first !== 'string') return first
  void starting.then(endService).catch(() => {})
  throw new AgentError('timed-out', first)
}

/** Ends a service that has started. Whatever goes wrong is a rejection. */
export async function endService(running: RunningService): Promise<void> {
  await running[Symbol.asyncDispose]()
}

export function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** Whether a promise settles within so many ms. */
export async function isWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController()
  const late = sleep(ms, false, { signal: limit.signal }).catch(() => false)
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    limit.abort()
  }
}
