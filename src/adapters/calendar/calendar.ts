import { runInNewContext } from 'node:vm'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Calendar } from '../../core/upgrade/ports.ts'
import type { Blackout } from '../../core/upgrade/window.ts'
import { expand, type Span } from './expand.ts'
import { fileSource, isAddress, urlSource } from './source.ts'
import { bad, parseText, type Place } from './text.ts'
import { zoneOf } from './zone.ts'

export interface CalendarOptions {
  /** The path of a file, or an address that begins with http://, https:// or webcal://. */
  readonly source: string
  /** Of the IANA database: for all-day events, and for times that name no zone. */
  readonly timeZone: string
  /** How far ahead events are expanded. */
  readonly days?: number
  /** How long the expansion may take, in ms. It blocks the process. */
  readonly followWithin?: number
}

const oneDay = 86_400_000
/** How long an expansion is used, in ms. */
const keptFor = 3_600_000

/**
 * A calendar in iCalendar's format (RFC 5545) whose events are days on which nothing is touched. Events that are marked as
 * free or cancelled don't count; some programs mark all-day events as free by default.
 *
 * @throws AgentError `misconfigured` where there is no such time zone
 */
export function createCalendar({ source, timeZone, days = 60, followWithin = 2_000 }: CalendarOptions): Calendar {
  try {
    zoneOf(timeZone)
  } catch (error) {
    throw new AgentError('misconfigured', `unknown time zone ${timeZone}`, error)
  }
  const ahead = days * oneDay
  const accept = (text: string, place: Place, now: Date) =>
    createAgenda(text, { timeZone, ahead, followWithin, place }, now)
  const from = isAddress(source) ? urlSource(source, accept) : fileSource(source, accept)
  return {
    blackouts: async (now, signal) => (await from.read(now, signal)).at(now),
  }
}

interface Agenda {
  /** @throws AgentError */
  at(now: Date): readonly Blackout[]
}

interface Following {
  readonly timeZone: string
  readonly ahead: number
  readonly followWithin: number
  readonly place: Place
}

/** Expanded once an hour, and read every minute. @throws AgentError */
function createAgenda(text: string, { timeZone, ahead, followWithin, place }: Following, madeAt: Date): Agenda {
  const calendars = limited(followWithin, place, () => parseText(text, place))
  let last: { readonly at: number; readonly outcome: readonly Blackout[] | AgentError } | undefined

  function workOut(now: number): readonly Blackout[] | AgentError {
    const span: Span = { from: now, to: now + keptFor + ahead }
    try {
      return limited(followWithin, place, () => calendars.flatMap((events) => expand(events, timeZone, span, place)))
    } catch (error) {
      return error instanceof AgentError ? error : bad(place(), messageOf(error), error)
    }
  }

  function at(date: Date): readonly Blackout[] {
    const now = date.getTime()
    if (!last || now < last.at || now >= last.at + keptFor) last = { at: now, outcome: workOut(now) }
    if (last.outcome instanceof AgentError) throw last.outcome
    return last.outcome.filter(({ from, to }) => to > now && from < now + ahead)
  }

  at(madeAt)
  return { at }
}

/**
 * A rule may never match (`FREQ=SECONDLY` on the 30th of February), and expanding it never returns. Node can interrupt
 * code that runs in a context.
 */
function limited<T>(longest: number, place: Place, run: () => T): T {
  try {
    return runInNewContext('run()', { run }, { timeout: longest }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw bad(place(), `its events take longer than ${longest / 1_000} s to expand`)
  }
}
