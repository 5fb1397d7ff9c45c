import ICAL from 'ical.js'
import { inWords, type Component } from './text.ts'
import { knownZoneOf, zoneOf } from './zone.ts'

export type Time = InstanceType<typeof ICAL.Time>
type Property = InstanceType<typeof ICAL.Property>

/** One VEVENT (RFC 5545 section 3.6.1), with every time in a zone. */
export interface Event {
  readonly uid: string | undefined
  readonly start: Time
  /** When an occurrence that begins then ends, in ms since the epoch. */
  endOf(start: Time): number
  readonly reason: string
  /** Whether its time counts: it is neither cancelled nor marked as free. */
  readonly counts: boolean
  /** Which occurrence of the series it stands in for. */
  readonly instead: Time | undefined
  /** It stands in for all that come after it, too. */
  readonly andFuture: boolean
}

/** @throws Error in words where it is not one */
export function readEvent(component: Component, timeZone: string): Event {
  const [start] = timesOf(component, 'dtstart', timeZone)
  if (!start) throw new Error('an event has no DTSTART')
  const word = (name: string) => {
    const value: unknown = component.getFirstPropertyValue(name)
    return typeof value === 'string' ? value.trim() : ''
  }
  const [instead] = timesOf(component, 'recurrence-id', timeZone)
  const range: unknown = component.getFirstProperty('recurrence-id')?.getFirstParameter('range')
  return {
    uid: word('uid') || undefined,
    start,
    endOf: endOf(component, start, timeZone),
    reason: inWords(word('summary')) || 'an event without a title',
    counts: word('status').toUpperCase() !== 'CANCELLED' && word('transp').toUpperCase() !== 'TRANSPARENT',
    instead,
    andFuture: String(range).toUpperCase() === 'THISANDFUTURE',
  }
}

/** A DTEND is so many ms later, or for days so many days; a DURATION counts its days, and only those, by the calendar (section 3.3.6). */
function endOf(component: Component, start: Time, timeZone: string): (start: Time) => number {
  const [end] = timesOf(component, 'dtend', timeZone)
  const duration: unknown = component.getFirstPropertyValue('duration')
  if (duration instanceof ICAL.Duration) {
    const days = new ICAL.Duration({ days: duration.weeks * 7 + duration.days, isNegative: duration.isNegative })
    const rest = (duration.toSeconds() - days.toSeconds()) * 1_000
    return (from) => instantOf(later(from, days)) + rest
  }
  if (start.isDate) {
    // Some write the last day instead of the one after it.
    const days = Math.max(1, end ? Math.round(daysBetween(start, end)) : 1)
    return (from) => instantOf(later(from, new ICAL.Duration({ days })))
  }
  const lasts = end ? instantOf(end) - instantOf(start) : 0
  if (lasts < 0) throw new Error('an event ends before it starts')
  return (from) => instantOf(from) + lasts
}

function daysBetween(start: Time, end: Time): number {
  const dayOf = ({ year, month, day }: Time) => Date.UTC(year, month - 1, day)
  return (dayOf(end) - dayOf(start)) / 86_400_000
}

function later(time: Time, duration: InstanceType<typeof ICAL.Duration>): Time {
  const moved = time.clone()
  moved.addDuration(duration)
  return moved
}

/** In ms since the epoch. */
export function instantOf(time: Time): number {
  return time.toUnixTime() * 1_000
}

/** `2026-12-24`, by the time's own wall clock. */
export function dateOf(time: Time): string {
  return time.toString().slice(0, 10)
}

/** The times of every property of that name; of periods, when they begin. */
export function timesOf(component: Component, name: string, timeZone: string): Time[] {
  return component.getAllProperties(name).flatMap((property) =>
    (property.getValues() as unknown[]).map((value) => {
      const time = value instanceof ICAL.Period ? value.start : value
      if (!(time instanceof ICAL.Time)) throw new Error(`${name.toUpperCase()} is not a time: ${String(value)}`)
      return inZone(time, property, timeZone)
    }),
  )
}

/**
 * The zone that the calendar defines itself goes first. A zone that it only names is looked up; what is of no zone, or of
 * one that nobody knows, is by the clock at home.
 */
function inZone(time: Time, property: Property, timeZone: string): Time {
  const own = time.clone()
  if (!time.isDate && time.zone !== ICAL.Timezone.localTimezone) return own
  const named: unknown = time.isDate ? undefined : property.getFirstParameter('tzid')
  own.zone = (typeof named === 'string' ? knownZoneOf(named) : undefined) ?? zoneOf(timeZone)
  return own
}
