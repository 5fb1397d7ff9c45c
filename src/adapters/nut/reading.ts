import type { DriverPace } from '../../core/power/ups-details.ts'
import { parseStatus } from '../../core/power/tokens.ts'
import type { UpsReading } from '../../core/power/ups.ts'

/** The variables that every reading asks for. */
export const always = ['ups.status', 'battery.charge', 'battery.runtime', 'ups.load'] as const
/** Variables that many UPSes lack. */
export const extras = ['ups.alarm', 'ups.test.result', 'battery.charge.low', 'battery.runtime.low'] as const
/** Variables that are asked for now and then: they change with the server's configuration only, or are for people to look at. */
export const settings = ['driver.parameter.pollinterval', 'driver.parameter.pollfreq', 'input.voltage'] as const

export type ReadVariable = (typeof always)[number] | (typeof extras)[number] | (typeof settings)[number]
export type Raw = Partial<Record<ReadVariable, string | undefined>>

/** Converts upsd's strings to our units; what is no figure counts as missing. */
export function parseReading(raw: Raw): UpsReading {
  const figure = (variable: keyof typeof units) => {
    const value = parseFigure(raw[variable], units[variable])
    return typeof value === 'number' ? value : undefined
  }
  return {
    status: parseStatus(raw['ups.status'] ?? ''),
    ...told('charge', figure('battery.charge')),
    ...told('runtime', figure('battery.runtime')),
    ...told('load', figure('ups.load')),
    ...told('alarm', raw['ups.alarm']?.trim() || undefined),
    ...told('testing', /in progress/i.test(raw['ups.test.result'] ?? '') ? (true as const) : undefined),
    ...told('chargeLow', figure('battery.charge.low')),
    ...told('runtimeLow', figure('battery.runtime.low')),
    ...told('inputVolts', parseVolts(raw['input.voltage'])),
  }
}

/** Figures that can be meant in more than one way (`1,234`), as they were sent. */
export function unclearFigures(raw: Raw): readonly (readonly [ReadVariable, string])[] {
  return (Object.keys(units) as (keyof typeof units)[]).flatMap((variable) => {
    const text = raw[variable]
    return parseFigure(text, units[variable]) === 'unclear'
      ? [[variable, `${variable} "${text!.trim().slice(0, 80)}"`] as const]
      : []
  })
}

/** How often the driver asks the UPS, as far as it tells. */
export function parseDriverPace(raw: Raw): DriverPace | undefined {
  const seconds = (variable: (typeof settings)[number]) => {
    const value = parseFigure(raw[variable], 's')
    return typeof value === 'number' && value > 0 ? value : undefined
  }
  const [pollInterval, pollFrequency] = [seconds(settings[0]), seconds(settings[1])]
  if (pollInterval === undefined && pollFrequency === undefined) return undefined
  return {
    ...(pollInterval === undefined ? {} : { pollInterval }),
    ...(pollFrequency === undefined ? {} : { pollFrequency }),
  }
}

function told<K extends keyof UpsReading>(key: K, value: UpsReading[K] | undefined): Pick<UpsReading, K> | object {
  return value === undefined ? {} : { [key]: value }
}

/** Nothing is decided by it: what is no plain number counts as missing, without a word. */
function parseVolts(raw: string | undefined): number | undefined {
  const value = Number(raw?.trim().replace(',', '.') || Number.NaN)
  return value >= 0 && value < 1_000 ? value : undefined
}

const units = {
  'battery.charge': '%',
  'battery.runtime': 's',
  'ups.load': '%',
  'battery.charge.low': '%',
  'battery.runtime.low': 's',
} as const

/** By unit: what a server may write after a number, and how much one of it is in ours. */
const written: Readonly<Record<'%' | 's', readonly (readonly [RegExp, number])[]>> = {
  '%': [[/^(%|percent)?$/i, 1]],
  s: [
    [/^(s|secs?|seconds?)?\.?$/i, 1_000],
    [/^(min|mins|minutes?)\.?$/i, 60_000],
  ],
}

/**
 * A percentage, or a time in ms. NUT's own numbers have a point and no unit (docs/nut-names.txt); other servers write `13,5`
 * or `100 %`. Undefined for none, for words, and for less than nothing.
 */
function parseFigure(text: string | undefined, unit: '%' | 's'): number | 'unclear' | undefined {
  if (text === undefined || !/\d/.test(text)) return undefined
  const [, sign, whole, fraction, rest] = /^([-+]?)(\d+)((?:[.,]\d*)?)\s*(.*)$/s.exec(text.trim()) ?? []
  const factor = written[unit].find(([pattern]) => rest !== undefined && pattern.test(rest))?.[1]
  // Three digits after a comma may be thousands.
  if (factor === undefined || fraction === undefined || /^,\d{3}$/.test(fraction)) return 'unclear'
  return sign === '-' ? undefined : Number(`${whole}${fraction.replace(',', '.')}`) * factor
}
