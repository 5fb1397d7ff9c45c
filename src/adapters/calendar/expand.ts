import ICAL from 'ical.js'
import { messageOf } from '../../core/errors.ts'
import type { Blackout } from '../../core/upgrade/window.ts'
import { dateOf, type Event, instantOf, readEvent, type Time, timesOf } from './event.ts'
import { bad, type Place, type Written } from './text.ts'

export interface Span {
  /** In ms since the epoch. */
  readonly from: number
  readonly to: number
}

/** The most occurrences that are expanded: an hourly event for eleven years. */
const mostOccurrences = 100_000

interface Counted {
  left: number
}

/** One of the series: as its rule has it, and when it ends. */
interface Occurrence {
  readonly at: Time
  readonly ends: number | undefined
}

/**
 * When the events of a calendar take place within a span, the ones that are under way at its beginning among them.
 *
 * @throws AgentError `malformed`, with the place
 */
export function expand(written: readonly Written[], timeZone: string, span: Span, place: Place): Blackout[] {
  const count: Counted = { left: mostOccurrences }
  const read = written.map(({ event, line }) => ({
    event,
    line,
    ...inPlace(place(line), () => readEvent(event, timeZone)),
  }))
  const series = read.filter(({ instead }) => instead === undefined)
  const changes = new Map<string | undefined, Event[]>()
  for (const change of read.filter(({ instead }) => instead !== undefined))
    changes.set(change.uid, [...(changes.get(change.uid) ?? []), change])

  const found = series.flatMap(({ event, line, ...one }) =>
    inPlace(place(line), () => {
      const changed = one.uid === undefined ? [] : (changes.get(one.uid) ?? [])
      return occurrencesOf(one, event, changed, { timeZone, span, count })
    }),
  )
  // What stands in for an occurrence takes place whether that one was to be seen or not.
  const moved = [...changes.values()].flat().map((change) => blackoutOf(change, change.start))
  return [...found, ...moved.filter((one) => one !== undefined)]
    .filter(({ from, to }) => from < span.to && to > span.from)
    .sort((a, b) => a.from - b.from)
}

function occurrencesOf(
  event: Event,
  component: Written['event'],
  changes: readonly Event[],
  { timeZone, span, count }: { timeZone: string; span: Span; count: Counted },
): Blackout[] {
  const out = momentsOf([...timesOf(component, 'exdate', timeZone), ...changes.map(({ instead }) => instead!)])
  const futures = changes
    .filter(({ andFuture }) => andFuture)
    .sort((a, b) => instantOf(a.instead!) - instantOf(b.instead!))
  const found: Blackout[] = []
  const seen = new Set<number>()
  for (const { at, ends } of seriesOf(event, component, { timeZone, until: span.to, count })) {
    const instant = instantOf(at)
    if (seen.has(instant) || out.has(at)) continue
    seen.add(instant)
    const future = futures.findLast(({ instead }) => instantOf(instead!) <= instant)
    const blackout = future ? shifted(future, instant) : blackoutOf(event, at, ends)
    if (blackout && blackout.to > span.from) found.push(blackout)
  }
  return found
}

/** The whole series in no order, its exceptions not yet taken out (RFC 5545 section 3.8.5). */
function* seriesOf(
  event: Event,
  component: Written['event'],
  { timeZone, until, count }: { readonly timeZone: string; readonly until: number; readonly count: Counted },
): Generator<Occurrence> {
  // The first one counts whether its rule fits it or not.
  yield { at: event.start, ends: undefined }
  const extra = component.getAllProperties('rdate').flatMap((property) => property.getValues() as unknown[])
  for (const [index, at] of timesOf(component, 'rdate', timeZone).entries()) {
    const period = extra[index]
    const lasts = period instanceof ICAL.Period ? period.getDuration().toSeconds() * 1_000 : undefined
    yield { at, ends: lasts === undefined ? undefined : instantOf(at) + lasts }
  }
  for (const rule of component.getAllProperties('rrule').flatMap((property) => property.getValues() as unknown[])) {
    if (!(rule instanceof ICAL.Recur)) throw new Error('RRULE is not a recurrence rule')
    const iterator = bounded(rule, event.start).iterator(event.start)
    for (let at = next(iterator); at !== undefined && instantOf(at) < until; at = next(iterator)) {
      if (count.left-- <= 0) throw new Error('an event recurs too often')
      yield { at, ends: undefined }
    }
  }
}

/** A copy: the iterator goes on with the one that it gave. */
function next(iterator: { next(): Time | null }): Time | undefined {
  return iterator.next()?.clone()
}

/** A rule whose last day is written without a zone ends by the event's own, and with that whole day. */
function bounded(rule: InstanceType<typeof ICAL.Recur>, start: Time): InstanceType<typeof ICAL.Recur> {
  const copy = rule.clone()
  if (!copy.until || (!copy.until.isDate && copy.until.zone === ICAL.Timezone.utcTimezone)) return copy
  const { year, month, day, hour, minute, second, isDate } = copy.until
  const last = isDate && !start.isDate ? { hour: 23, minute: 59, second: 59 } : { hour, minute, second }
  copy.until = new ICAL.Time({ year, month, day, ...last, isDate: isDate && start.isDate }, start.zone)
  return copy
}

/** By instant, and by day where only a day is written. */
function momentsOf(times: readonly Time[]): { has(time: Time): boolean } {
  const instants = new Set(times.filter(({ isDate }) => !isDate).map(instantOf))
  const dates = new Set(times.filter(({ isDate }) => isDate).map(dateOf))
  return { has: (time) => dates.has(dateOf(time)) || instants.has(instantOf(time)) }
}

/** A later occurrence of a series that was changed for good. */
function shifted(change: Event, instant: number): Blackout | undefined {
  const one = blackoutOf(change, change.start)
  const by = instant - instantOf(change.instead!)
  return one && { ...one, from: one.from + by, to: one.to + by }
}

/** Undefined where it takes no time, or its time does not count. */
function blackoutOf({ counts, reason, endOf }: Event, at: Time, ends = endOf(at)): Blackout | undefined {
  const from = instantOf(at)
  return counts && ends > from ? { from, to: ends, reason } : undefined
}

function inPlace<T>(where: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw bad(where, messageOf(error), error)
  }
}
