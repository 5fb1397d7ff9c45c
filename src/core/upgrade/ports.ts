import type { Blackout } from './window.ts'

/** A calendar of blackouts. */
export interface Calendar {
  /** Of the next weeks. Rejects where it can't be read. */
  blackouts(now: Date, signal: AbortSignal): Promise<readonly Blackout[]>
}
