import { setTimeout as pause } from 'node:timers/promises'

/** The time of a machine that lives faster than a real one. */
export interface Pace {
  /** So many times faster. */
  readonly speed: number
  /** Waits for some of the machine's own seconds. Rejects when the signal aborts. */
  seconds(count: number, signal: AbortSignal): Promise<void>
  /** A signal that aborts after some of the machine's own seconds, or with the given one. */
  limit(count: number, signal: AbortSignal): AbortSignal
  /** From 0 to 1. */
  random(): number
}

export function createPace(speed: number, random: () => number = Math.random): Pace {
  return {
    speed,
    random,
    seconds: (count, signal) => pause((count * 1_000) / speed, undefined, { signal }),
    limit: (count, signal) =>
      AbortSignal.any([signal, AbortSignal.timeout(Math.max(1, Math.round((count * 1_000) / speed)))]),
  }
}

/** A controller that fails is started anew: after half a second at first, and half as much more each time (cosi-project/runtime). */
export function restartAfter(failures: number, random: number): number {
  return Math.min(60, 0.5 * 1.5 ** (failures - 1)) * (0.5 + random)
}

/** Between the tries of a download: 0, 1, 3, 7 … s, and up to a second more (siderolabs/go-retry exponential). */
export function retryAfter(tries: number, random: number): number {
  return 2 ** (tries - 1) - 1 + random
}
