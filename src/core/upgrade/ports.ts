import type { Blackout } from './window.ts'

/** A calendar of days on which nothing is to be touched. */
export interface Calendar {
  /** Of the next weeks. Rejects where it can't be read. */
  blackouts(now: Date, signal: AbortSignal): Promise<readonly Blackout[]>
}
