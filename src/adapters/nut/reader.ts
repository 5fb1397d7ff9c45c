import { AgentError } from '../../core/errors.ts'
import type { DriverPace } from '../../core/power/ups-details.ts'
import { parseStatus } from '../../core/power/tokens.ts'
import type { UpsReading } from '../../core/power/ups.ts'
import type { NutConnection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { quoteWord, valueAfter } from './quoting.ts'
import {
  always,
  extras,
  parseDriverPace,
  parseReading,
  type Raw,
  type ReadVariable,
  settings,
  unclearFigures,
} from './reading.ts'
import { isRefusal, notKnown, UnclearAnswer } from './refusal.ts'
import { type AnswerLine, isSameName } from './waiting.ts'

/** Missing variables are requested again every so many readings, and settings as well. */
const askAgain = 10

export interface ReaderOptions {
  /** The UPS's name in upsd. */
  readonly name: string
  /** `host:port`, for errors. */
  readonly at: string
  readonly dialect: Dialect
  /** Called when a value can be meant in more than one way, with its line; with undefined when none can any more. */
  readonly onUnclear?: ((why: string | undefined) => void) | undefined
}

export interface Reader {
  read(nut: NutConnection): Promise<UpsReading>
  /** The tokens of `ups.status` alone. */
  readStatus(nut: NutConnection): Promise<readonly string[]>
  /** As read last. */
  readonly driver: DriverPace | undefined
}

/** Reads a UPS's variables in the way that its server knows: one by one with GET VAR, or all of them with LIST VAR. */
export function createReader({ name, at, dialect, onUnclear }: ReaderOptions): Reader {
  const ups = quoteWord(name)
  const missing = new Set<ReadVariable>()
  let readings = 0
  /** Answers to GET VAR without a status, before there was one. */
  let statusless = 0
  let driver: DriverPace | undefined
  /** What can't be understood now, by variable. */
  const unclear = new Map<ReadVariable, string>()
  /** The variables that were reported last; undefined: none yet, though a daemon before this one may have reported some. */
  let told: string | undefined

  /** The value on a line that is about this variable. */
  function valueOf(variable: ReadVariable, { text }: AnswerLine): string | undefined {
    const value = valueAfter(3, text)
    if (value !== undefined && (variable !== 'ups.status' || !/['"]/.test(value))) {
      unclear.delete(variable)
      return value
    }
    unclear.set(variable, text.trim().slice(0, 120))
    // Without its status nothing is known of a UPS.
    if (variable === 'ups.status') throw tell()
    return undefined
  }

  /** Tells of all that is unclear now, or that nothing is any more: once, however the values change. */
  function tell(): UnclearAnswer {
    const why = `upsd at ${at} sends what can be meant in more than one way: ${[...unclear.values()].join('; ')}`
    const subjects = [...unclear.keys()].toSorted().join()
    if (subjects !== told) onUnclear?.(subjects === '' ? undefined : why)
    told = subjects
    return new UnclearAnswer(why)
  }

  /** Undefined where this UPS has no such variable, or has just lost it. */
  async function variable(nut: NutConnection, variableName: ReadVariable): Promise<string | undefined> {
    try {
      const line = await nut.askLine(`GET VAR ${ups} ${variableName}`)
      const [first = '', echoed = '', other = ''] = line.words
      // The server repeats our spelling, or has its own.
      if (first.toUpperCase() !== 'VAR' || other.toLowerCase() !== variableName)
        throw new AgentError('malformed', `upsd at ${at} answers ${variableName} with: ${line.text.slice(0, 80)}`)
      if (!isSameName(echoed, name))
        throw new UnclearAnswer(
          `upsd at ${at} answers for ${echoed.slice(0, 80)}, and ${name} was asked for: ${line.text.slice(0, 80)}`,
        )
      return valueOf(variableName, line)
    } catch (error) {
      if (isRefusal(error, 'VAR-NOT-SUPPORTED', 'VAR-UNKNOWN')) return undefined
      throw error
    }
  }

  /** Asked together: single variables answer in under a millisecond, a whole LIST VAR in some forty. */
  async function variables(nut: NutConnection, names: readonly ReadVariable[]): Promise<Raw> {
    const values = await Promise.all(names.map((each) => variable(nut, each)))
    for (const [index, each] of names.entries()) {
      if (values[index] === undefined) missing.add(each)
      else missing.delete(each)
    }
    return Object.fromEntries(names.map((each, index) => [each, values[index]]))
  }

  async function listed(nut: NutConnection): Promise<Raw> {
    const raw: Raw = {}
    for (const line of await nut.listLines(`LIST VAR ${ups}`)) {
      const name = [...always, ...extras, ...settings].find((each) => each === line.words[2]?.toLowerCase())
      if (name) raw[name] = valueOf(name, line)
    }
    return raw
  }

  /** Asks by GET VAR, or by LIST VAR where the server knows only that. */
  async function ask(nut: NutConnection, names: readonly ReadVariable[]): Promise<Raw> {
    if (dialect.reads === 'list') return listed(nut)
    const asked = await variables(nut, names).catch((error: unknown) => {
      if (dialect.reads === 'untried' && isRefusal(error, ...notKnown)) return { refusal: error }
      throw error
    })
    if (!('refusal' in asked)) {
      if (asked['ups.status'] !== undefined) dialect.reads = 'get'
      if (dialect.reads === 'get') return asked
      // A server that goes on saying of the status that it has none may only not know the command.
      if (++statusless % askAgain !== 2) return asked
    }
    const all = await listed(nut).catch((error: unknown) => {
      if (!isRefusal(error, ...notKnown)) throw error
      if ('refusal' in asked) throw asked.refusal
      return asked
    })
    if (all['ups.status'] !== undefined) dialect.reads = 'list'
    return all
  }

  return {
    get driver() {
      return driver
    },
    async read(nut) {
      const isAllAsked = readings++ % askAgain === 0
      const some = extras.filter((each) => isAllAsked || !missing.has(each))
      const raw = await ask(nut, [...always, ...(isAllAsked ? settings : []), ...some])
      if (isAllAsked || dialect.reads === 'list') driver = parseDriverPace(raw)
      for (const [name, text] of unclearFigures(raw)) unclear.set(name, text)
      tell()
      const reading = parseReading(raw)
      // The text is there only while there is an alarm.
      if (!reading.status.includes('ALARM') || 'ups.alarm' in raw || dialect.reads === 'list') return reading
      return parseReading({ ...raw, ...(await variables(nut, ['ups.alarm'])) })
    },
    async readStatus(nut) {
      return parseStatus((await ask(nut, ['ups.status']))['ups.status'] ?? '')
    },
  }
}
