/**
 * Times for people: local, in one format, with their zone. JSON has ISO 8601 in UTC instead.
 *
 * UTC needs no Intl, whose first use makes the process hold 7 MB for good.
 */

/** English abbreviations differ by country: Europe's are in en-GB, America's in en-US, Australia's in en-AU. */
const locales = ['en-GB', 'en-US', 'en-AU']

const utc = 'UTC'

const clocks = new Map<string, Intl.DateTimeFormat>()
const abbreviations = new Map<string, readonly Intl.DateTimeFormat[]>()

/** Kept, because making one takes longer than using it a hundred times. */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  clocks.set(timeZone, format)
  return format
}

/** What the clocks of a zone show at an instant, which is in ms since the epoch. `month` counts from 0. */
export function wallClock(instant: number, timeZone: string) {
  if (timeZone === utc) return utcClock(new Date(instant))
  const parts = clockOf(timeZone).formatToParts(instant)
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)!.value)
  return {
    year: part('year'),
    month: part('month') - 1,
    day: part('day'),
    hour: part('hour'),
    minute: part('minute'),
    second: part('second'),
  }
}

function utcClock(date: Date) {
  // As Intl does.
  if (Number.isNaN(date.getTime())) throw new RangeError('Invalid time value')
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  }
}

/** `CET`, `EST`, `UTC`; `UTC+9` where English has no abbreviation. */
function zoneNameAt(instant: number, timeZone: string): string {
  if (timeZone === utc) return utc
  const formats =
    abbreviations.get(timeZone) ??
    locales.map((locale) => new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }))
  abbreviations.set(timeZone, formats)
  const names = formats.map(
    (format) => format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? timeZone,
  )
  return names.find((name) => !/^GMT[+-]/.test(name)) ?? names[0]!.replace('GMT', 'UTC')
}

/** A time as JSON and `Date` have it: ISO 8601, ms since the epoch, or a Date. */
export type Instant = string | number | Date

const toMs = (at: Instant) => (typeof at === 'number' ? at : new Date(at).getTime())
const two = (value: number) => String(value).padStart(2, '0')

function dateOf(at: Instant, timeZone: string): string {
  const { year, month, day } = wallClock(toMs(at), timeZone)
  return `${year}-${two(month + 1)}-${two(day)}`
}

/** `14:05:33`: a time on a day that is named beside it. */
export function describeClock(at: Instant, timeZone: string): string {
  const { hour, minute, second } = wallClock(toMs(at), timeZone)
  return `${two(hour)}:${two(minute)}:${two(second)}`
}

/** `2026-11-26 14:05 CET`. */
export function describeTime(at: Instant, timeZone: string): string {
  return `${dateOf(at, timeZone)} ${describeClock(at, timeZone).slice(0, 5)} ${zoneNameAt(toMs(at), timeZone)}`
}

/** `2026-11-26 14:05:33 CET`: the same to the second, for the order of events. */
export function describeMoment(at: Instant, timeZone: string): string {
  return `${dateOf(at, timeZone)} ${describeClock(at, timeZone)} ${zoneNameAt(toMs(at), timeZone)}`
}

/** The zone of times that people read: what `TZ` says, else the configured one. */
export function chooseTimeZone(tz: string | undefined, configured: string): string {
  return tz !== undefined && tz !== '' && isTimeZone(tz) ? tz : configured
}

/** Whether it is a name of the time zone database; a POSIX rule such as `CET-1CEST` is not. */
export function isTimeZone(name: string): boolean {
  if (name === utc) return true
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}
