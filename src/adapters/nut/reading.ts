import type { UpsReading } from '../../core/power/ups.ts'

/** The variables that every reading asks for. */
export const always = ['ups.status', 'battery.charge', 'battery.runtime', 'ups.load'] as const
/** Variables that many UPSes lack. */
export const extras = ['ups.alarm', 'ups.test.result', 'battery.charge.low', 'battery.runtime.low'] as const

export type ReadVariable = (typeof always)[number] | (typeof extras)[number]

/** NUT's own tokens (docs/new-drivers.txt "Status data"; ECO, HE and TEST were seen besides). */
const known = new Set(
  'OL OB LB HB RB CHRG DISCHRG BYPASS CAL OFF OVER TRIM BOOST FSD ALARM ECO HE TEST WAIT'.split(' '),
)

/**
 * The tokens of `ups.status`, each once, in upper case. `OLCHRG`, which some drivers say, is taken apart where that can
 * be meant only in one way; what is not known is kept.
 */
export function parseStatus(text: string): readonly string[] {
  const tokens = text
    .toUpperCase()
    .split(/\s+/)
    .filter((token) => token !== '')
    .flatMap((token) => {
      const [, power, rest] = /^(OL|OB)(.+)$/.exec(token) ?? []
      return power !== undefined && rest !== undefined && known.has(rest) ? [power, rest] : [token]
    })
  return [...new Set(tokens)]
}

/** Converts upsd's strings to our units; empty and non-numeric values count as missing. */
export function parseReading(raw: Partial<Record<ReadVariable, string | undefined>>): UpsReading {
  const seconds = (text: string | undefined) => {
    const value = toNumber(text)
    return value === undefined ? undefined : value * 1_000
  }
  return {
    status: parseStatus(raw['ups.status'] ?? ''),
    ...told('charge', toNumber(raw['battery.charge'])),
    ...told('runtime', seconds(raw['battery.runtime'])),
    ...told('load', toNumber(raw['ups.load'])),
    ...told('alarm', raw['ups.alarm']?.trim() || undefined),
    ...told('testing', /in progress/i.test(raw['ups.test.result'] ?? '') ? (true as const) : undefined),
    ...told('chargeLow', toNumber(raw['battery.charge.low'])),
    ...told('runtimeLow', seconds(raw['battery.runtime.low'])),
  }
}

function told<K extends keyof UpsReading>(key: K, value: UpsReading[K] | undefined): Pick<UpsReading, K> | object {
  return value === undefined ? {} : { [key]: value }
}

function toNumber(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN)
  return Number.isFinite(value) && value >= 0 ? value : undefined
}
