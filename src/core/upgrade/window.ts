import { wallClock } from '../time.ts'

/** A time of the week in which nodes may be upgraded, by the wall clock of a time zone. */
export interface Window {
  /** The days on which it opens. */
  readonly days: readonly Day[]
  /** `02:00`. */
  readonly from: string
  /** `06:00`; at or before `from` it is on the next day, so that `sat 22:00–04:00` ends on Sunday. */
  readonly to: string
}

/** A blackout: no node is touched, whatever the windows say. Times in ms since the epoch. */
export interface Blackout {
  readonly from: number
  readonly to: number
  readonly reason: string
}

export const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Day = (typeof days)[number]

export type WindowState =
  | { readonly open: true; /** Undefined: it never closes. */ readonly closesAt: Date | undefined }
  | { readonly open: false; readonly opensAt: Date }

const oneDay = 86_400_000

/**
 * Whether a window is open. No windows at all means always. Over a change of the clock a window follows the wall clock:
 * it may be an hour longer or shorter that night, and a start that the clock skips is moved by the hour skipped.
 */
export function windowAt(windows: readonly Window[], timeZone: string, now: Date): WindowState {
  if (windows.length === 0) return { open: true, closesAt: undefined }
  const openings = windows
    .flatMap((window) => occurrences(window, timeZone, now))
    // The clock can skip a short window altogether.
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from)

  let closesAt: number | undefined
  for (const { from, to } of openings) {
    const reached = closesAt ?? now.getTime()
    // Windows that touch or overlap count as one.
    if (from <= reached && to > reached) closesAt = to
  }
  if (closesAt !== undefined) return { open: true, closesAt: new Date(closesAt) }
  const next = openings.find(({ from }) => from > now.getTime())
  return { open: false, opensAt: new Date(next!.from) }
}

function occurrences({ days: opens, from, to }: Window, timeZone: string, now: Date): { from: number; to: number }[] {
  const today = wallClock(now.getTime(), timeZone)
  const found = []
  for (let offset = -2; offset <= 15; offset++) {
    // Noon, in UTC, of the local date: arithmetic on dates without any time zone in it.
    const noon = new Date(Date.UTC(today.year, today.month, today.day, 12) + offset * oneDay)
    if (!opens.includes(days[noon.getUTCDay()]!)) continue
    const end = minutes(to) + (minutes(to) <= minutes(from) ? 1_440 : 0)
    found.push({ from: instantOf(noon, minutes(from), timeZone), to: instantOf(noon, end, timeZone) })
  }
  return found
}

function minutes(time: string): number {
  const [hours, rest] = time.split(':').map(Number)
  return hours! * 60 + rest!
}

/**
 * The instant at which the zone's clocks show that date (of UTC) and minute of the day. Where they show it twice, the
 * second one; where they skip it, as much later as they skip.
 */
function instantOf(date: Date, minute: number, timeZone: string): number {
  const asIfUtc = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), 0, minute)
  const candidates = [-oneDay, oneDay].map((aside) => asIfUtc - offsetAt(asIfUtc + aside, timeZone))
  const shown = candidates.filter((instant) => instant + offsetAt(instant, timeZone) === asIfUtc)
  return Math.max(...(shown.length > 0 ? shown : candidates))
}

function offsetAt(instant: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = wallClock(instant, timeZone)
  return Date.UTC(year, month, day, hour, minute, second) - Math.floor(instant / 1_000) * 1_000
}
