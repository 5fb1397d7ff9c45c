import { counted } from '../count.ts'
import { describeDuration } from '../duration.ts'
import type { Evidence } from './tokens.ts'

/** How often mains power has failed since it last held for a while. Times in ms of a monotonic clock. */
export interface MainsFailures {
  readonly count: number
  /** When it failed first. */
  readonly since: number
  /** Since when it has been back; absent while it is not. */
  readonly backAt?: number
}

/** Mains power that has been on for so long has held: a failure after that is another matter. In ms. */
export const holdsAfter = 10 * 60_000
/** Mains power that has failed so often in a row flaps. */
const flapsAt = 3

/**
 * The failures with one more look at the UPS. Each moment on battery counts, however short; a status that says nothing of
 * mains power, or a battery that is in use on purpose, changes nothing. Undefined once mains power has held.
 */
export function nextFailures(
  before: MainsFailures | undefined,
  at: number,
  evidence: Evidence,
): MainsFailures | undefined {
  switch (evidence) {
    case 'battery': {
      if (before === undefined) return { count: 1, since: at }
      const { count, since, backAt } = before
      return backAt === undefined ? before : { count: count + 1, since }
    }
    case 'mains': {
      if (before === undefined) return undefined
      const { backAt = at } = before
      return at - backAt >= holdsAfter ? undefined : { ...before, backAt }
    }
    case 'likely-mains':
    case 'unclear':
    case 'no-data':
      return before
    default:
      return evidence satisfies never
  }
}

/** `mains power has failed 7 times in 10 min`; undefined where it does not flap. */
export function describeFlapping(failures: MainsFailures | undefined, at: number): string | undefined {
  if (failures === undefined || failures.count < flapsAt) return undefined
  return `mains power has failed ${counted(failures.count, 'time')} in ${describeDuration(at - failures.since)}`
}
