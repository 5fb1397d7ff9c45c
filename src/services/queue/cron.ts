/**
 * The times of a schedule of five fields: minute, hour, day of the month, month, day of the week (crontab(5)), in the
 * machine's own time zone. Names of months and days are not known here, and no one needs them so far.
 *
 * BullMQ would ask cron-parser, whose dates make the process load all of ICU's time zones and calendars: 8 MB of memory
 * for one weekly job.
 */

interface Field {
  readonly has: (value: number) => boolean
  /** Whether it leaves nothing out: `*`. */
  readonly isAny: boolean
}

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const

/** The 29th of February of a Monday comes again after 28 years, and 40 over a century without a leap day. */
const longestSearch = 41 * 366

/**
 * The first time after `after`, as ms since the epoch. A time that a change of the clocks skips comes an hour later.
 *
 * @throws RangeError where the pattern is none, or never matches
 */
export function nextCronTime(pattern: string, after: number): number {
  const [minutes, hours, days, months, weekdays] = parseCron(pattern)
  const isDay = (date: Date) => {
    const [byDay, byWeekday] = [days.has(date.getDate()), weekdays.has(date.getDay())]
    // Where both are given, either is enough: cron's own rule.
    return months.has(date.getMonth() + 1) && (days.isAny || weekdays.isAny ? byDay && byWeekday : byDay || byWeekday)
  }
  const from = new Date(after)
  for (let day = 0; day < longestSearch; day++) {
    const date = new Date(from.getFullYear(), from.getMonth(), from.getDate() + day)
    if (!isDay(date)) continue
    for (let minute = 0; minute < 24 * 60; minute++) {
      if (!hours.has(Math.floor(minute / 60)) || !minutes.has(minute % 60)) continue
      const at = new Date(date.getFullYear(), date.getMonth(), date.getDate(), 0, minute).getTime()
      if (at > after) return at
    }
  }
  throw new RangeError(`the schedule ${pattern} never matches`)
}

type Fields = readonly [minutes: Field, hours: Field, days: Field, months: Field, weekdays: Field]

function parseCron(pattern: string): Fields {
  const words = pattern.trim().split(/\s+/)
  if (words.length !== ranges.length) throw new RangeError(`the schedule ${pattern} does not have five fields`)
  const [minutes, hours, days, months, weekdays] = words.map((word, index) => parseField(word, ranges[index]!, pattern))
  // Sunday is 0 as well as 7.
  const has = (day: number) => weekdays!.has(day) || (day === 0 && weekdays!.has(7))
  return [minutes!, hours!, days!, months!, { ...weekdays!, has }]
}

/** `*`, `5`, `1-5`, `1,3`, and each with a step: `0-23/2`. */
function parseField(text: string, [least, most]: readonly [number, number], pattern: string): Field {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part)
    if (!match) throw new RangeError(`the schedule ${pattern}: ${part} can't be read`)
    const [, first, last, every] = match
    const step = Number(every ?? 1)
    const from = Number(first ?? least)
    const to = Number(last ?? (first === undefined || every !== undefined ? most : first))
    if (from < least || to > most || from > to || step < 1)
      throw new RangeError(`the schedule ${pattern}: ${part} is not within ${least}-${most}`)
    for (let value = from; value <= to; value += step) values.add(value)
  }
  return { has: (value) => values.has(value), isAny: text === '*' }
}
