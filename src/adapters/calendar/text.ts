import ICAL from 'ical.js'
import { AgentError, messageOf } from '../../core/errors.ts'

export type Component = InstanceType<typeof ICAL.Component>

/** An event as it is written, and on which line it begins. */
export interface Written {
  readonly event: Component
  readonly line: number
}

/** Where something is, for people: `holidays.ics:12`. */
export type Place = (line?: number) => string

interface Line {
  readonly number: number
  /** With the lines that continue it. */
  readonly text: string
}

/**
 * Reads iCalendar (RFC 5545): the events of every calendar in the text, each calendar with its time zones.
 *
 * @throws AgentError `malformed`, with the place
 */
export function parseText(text: string, place: Place): Written[][] {
  const lines = linesOf(text.replace(/^\uFEFF/, ''))
  const begins = checkFrame(lines, place)
  const parsed = parseLines(lines, place)
  return parsed.map((calendar) =>
    calendar.getAllSubcomponents('vevent').map((event) => ({ event, line: begins.shift() ?? 1 })),
  )
}

/** RFC 5545 section 3.1: a line that begins with white space goes on with the one before. */
function linesOf(text: string): Line[] {
  const lines: { number: number; parts: string[] }[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const last = lines.at(-1)
    if (/^[ \t]/.test(raw) && last) last.parts.push(raw.slice(1))
    else if (raw.trim() !== '') lines.push({ number: index + 1, parts: [raw] })
  }
  return lines.map(({ number, parts }) => ({ number, text: asDay(parts.join('')) }))
}

/** Some write a day without saying that it is none with a time, which the library takes for half a time. */
function asDay(line: string): string {
  const [, name, parameters = '', value] =
    /^(DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE)((?:;(?!VALUE=)[^;:"]*)*):(\d{8}(?:,\d{8})*)$/i.exec(line.trimEnd()) ??
    []
  return name === undefined ? line : `${name};VALUE=DATE${parameters}:${value}`
}

/** The library takes any END for the end of whatever is open. Answers the lines on which events begin. */
function checkFrame(lines: readonly Line[], place: Place): number[] {
  const open: { name: string; number: number }[] = []
  const events: number[] = []
  for (const { number, text } of lines) {
    const [, word, rest = ''] = /^(BEGIN|END):(.*)$/i.exec(text) ?? []
    const name = rest.trim().toUpperCase()
    if (word?.toUpperCase() === 'BEGIN') {
      if (open.length === 0 && name !== 'VCALENDAR')
        throw bad(place(number), `a calendar must begin with BEGIN:VCALENDAR`)
      if (open.length === 1 && name === 'VEVENT') events.push(number)
      open.push({ name, number })
    } else if (open.length === 0) throw bad(place(number), 'a calendar must begin with BEGIN:VCALENDAR')
    else if (word !== undefined && open.pop()!.name !== name)
      throw bad(place(number), `END:${name.slice(0, 40)} has no matching BEGIN`)
  }
  const [unended] = open.splice(-1)
  if (unended) throw bad(place(unended.number), `BEGIN:${unended.name.slice(0, 40)} has no matching END`)
  if (lines.length === 0) throw bad(place(), 'it is empty')
  return events
}

function parseLines(lines: readonly Line[], place: Place): Component[] {
  try {
    const parsed: unknown[] = ICAL.parse(lines.map(({ text }) => text).join('\r\n'))
    // One calendar comes as itself, several as a list of them.
    const calendars = (typeof parsed[0] === 'string' ? [parsed] : parsed) as unknown[][]
    return calendars.map((calendar) => new ICAL.Component(calendar as never))
  } catch (error) {
    const at = lines.find(({ text }) => whyUnreadable(text) !== undefined)
    throw bad(place(at?.number), (at && whyUnreadable(at.text)) ?? messageOf(error), error)
  }
}

/** The library doesn't tell where it was. */
function whyUnreadable(line: string): string | undefined {
  if (/^(BEGIN|END):/i.test(line)) return undefined
  try {
    ICAL.parse.property(line, ICAL.design.icalendar)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

export function bad(where: string, why: string, cause?: unknown): AgentError {
  return new AgentError('malformed', `${where}: ${inWords(why)}`, cause)
}

/** Text from outside, fit for a sentence: on one line, without control characters, and short. */
export function inWords(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return line.length > 120 ? `${line.slice(0, 120)}…` : line
}
