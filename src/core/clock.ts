import { listed } from './count.ts'
import { describeDuration } from './duration.ts'
import { describeTime } from './time.ts'

/**
 * Whether the wall clock of this machine is to be believed. A board without a clock of its own starts decades behind, one
 * with a flat battery anywhere, and a time server corrects both in one jump. What waits for days, for a window or for the
 * end of a certificate goes by no such clock. The power does not ask: it goes by the monotonic clock alone.
 */
export interface Clock {
  /** Wall time minus monotonic time at the start, or when a server last agreed, in ms: it moves only by a jump. */
  readonly offset: number
  /** By who tells it, their time minus our monotonic time, in ms. */
  readonly witnesses: ReadonlyMap<string, number>
  /** Times that have passed for certain. */
  readonly floors: readonly Floor[]
}

/** Something that is in the past wherever the clock is right: this release, the newest entry of the journal. */
export interface Floor {
  readonly what: string
  /** In ms since the epoch. */
  readonly at: number
  /** No clock of this machine has said so: whoever tells an earlier time is wrong, too. */
  readonly isCertain?: true
}

export interface ClockReading {
  /** In ms since the epoch. */
  readonly wall: number
  /** In ms. */
  readonly monotonic: number
}

export type ClockVerdict =
  /** A server tells the same time. `differs` is what another one tells, against the most. */
  | { readonly kind: 'confirmed'; readonly differs?: { readonly by: string; readonly why: string } }
  /** Nothing speaks against it, and no server for it. */
  | { readonly kind: 'unconfirmed'; readonly why: string }
  /** `by` is what says so, the same for as long as it does; `why` has the times of this moment. */
  | { readonly kind: 'wrong'; readonly by: string; readonly why: string }

/** How far two clocks that are both right may be apart, in ms: answers take time, and a copy may lack its age. */
export const clockMargin = 5 * 60_000

export function startClock({ wall, monotonic }: ClockReading, floors: readonly Floor[]): Clock {
  return { offset: wall - monotonic, witnesses: new Map(), floors }
}

/** Somebody has told the time just now. Who tells one that has passed for certain, as a board without a clock, tells nothing. */
export function nextClock(clock: Clock, { wall, monotonic }: ClockReading, told: { who: string; at: number }): Clock {
  if (clock.floors.some(({ isCertain, at }) => isCertain && told.at < at - clockMargin)) return clock
  const witnesses = new Map(clock.witnesses).set(told.who, told.at - monotonic)
  const agrees = Math.abs(told.at - wall) <= clockMargin
  return { ...clock, witnesses, offset: agrees ? wall - monotonic : clock.offset }
}

/**
 * What a reading of the clock is worth. Who has told the time counts most, also long ago: since then the monotonic clock
 * has run, which nobody sets. Where servers differ the most are believed, this machine among them, and where none are
 * the most, nobody is. Without anybody it must not be before what has passed, nor have jumped since the start.
 */
export function judgeClock({ offset, witnesses, floors }: Clock, { wall, monotonic }: ClockReading): ClockVerdict {
  const says = `the clock of this machine says ${showTime(wall)}`
  const told = [...witnesses].map(([who, at]) => ({ who, at: at + monotonic }))
  const others = told.filter(({ at }) => !isSameTime(at, wall))
  const agreeing = told.filter(({ at }) => isSameTime(at, wall)).map(({ who }) => who)
  const opposed = Math.max(0, ...others.map(({ at }) => others.filter((one) => isSameTime(one.at, at)).length))
  const by = listed(others.map(({ who }) => who))
  const theirs = listed(others.map(({ who, at }) => `by ${who} it is ${showTime(at)}`))
  if (others.length > 0 && (agreeing.length === 0 || agreeing.length + 1 <= opposed))
    return { kind: 'wrong', by, why: `${says}, but ${theirs}` }
  const passed = floors.filter(({ at }) => wall < at - clockMargin)
  const floor = passed.find(({ isCertain }) => isCertain) ?? (told.length > 0 ? undefined : passed[0])
  if (floor) return { kind: 'wrong', by: floor.what, why: `${says}, but ${floor.what} is of ${showTime(floor.at)}` }
  if (others.length > 0)
    return {
      kind: 'confirmed',
      differs: {
        by,
        why: `${theirs}, but ${says}, and so ${agreeing.length === 1 ? 'does' : 'do'} ${listed(agreeing)}`,
      },
    }
  if (told.length > 0) return { kind: 'confirmed' }
  const jump = wall - monotonic - offset
  if (Math.abs(jump) <= clockMargin) return { kind: 'unconfirmed', why: `${says}, which no server has confirmed yet` }
  const moved = `it was set ${jump > 0 ? 'forward' : 'back'} by ${describeDuration(Math.abs(jump))}`
  return { kind: 'wrong', by: 'a jump', why: `${says}, but ${moved}: until then it said ${showTime(wall - jump)}` }
}

function isSameTime(one: number, other: number): boolean {
  return Math.abs(one - other) <= clockMargin
}

function showTime(at: number): string {
  // What no Date can hold is of no use to anybody.
  return Number.isFinite(new Date(at).getTime()) ? describeTime(at, 'UTC') : 'no time at all'
}
