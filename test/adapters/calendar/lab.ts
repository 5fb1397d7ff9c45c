import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CalendarOptions, createCalendar } from '../../../src/adapters/calendar/calendar.ts'
import { soon } from '../../patience.ts'

/** A Sunday. */
export const now = new Date('2026-11-22T03:00:00Z')

/** A calendar with these lines in it, `\n` between them. */
export function calendarOf(...lines: string[]): string {
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//lab', ...lines, 'END:VCALENDAR', ''].join('\r\n')
}

export function eventOf(...lines: string[]): string {
  return ['BEGIN:VEVENT', 'UID:1', 'DTSTAMP:20261101T000000Z', ...lines, 'END:VEVENT'].join('\r\n')
}

/** `VTIMEZONE` of a place whose clock is eleven hours ahead all year. */
export const elevenAhead = [
  'BEGIN:VTIMEZONE',
  'TZID:Here',
  'BEGIN:STANDARD',
  'DTSTART:19700101T000000',
  'TZOFFSETFROM:+1100',
  'TZOFFSETTO:+1100',
  'END:STANDARD',
  'END:VTIMEZONE',
].join('\r\n')

export interface CalendarLab extends AsyncDisposable {
  readonly file: string
  write(text: string): Promise<void>
  /** `2026-11-24T23:00Z to 2026-11-25T23:00Z: holiday`, from the file, by the clock of Berlin. */
  read(options?: Partial<CalendarOptions> & { at?: Date }): Promise<string[]>
}

export async function startCalendarLab(): Promise<CalendarLab> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-calendar-'))
  const file = join(directory, 'holidays.ics')
  return {
    file,
    write: (text) => writeFile(file, text),
    read: async ({ at = now, ...options } = {}) => {
      const calendar = createCalendar({ source: file, timeZone: 'Europe/Berlin', ...options })
      const blackouts = await calendar.blackouts(at, soon())
      return blackouts.map(({ from, to, reason }) => `${minute(from)} to ${minute(to)}: ${reason}`)
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

function minute(instant: number): string {
  return new Date(instant).toISOString().replace(':00.000Z', 'Z')
}
