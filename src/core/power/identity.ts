import { defined } from '../defined.ts'
import { printable } from '../printable.ts'

/** What a UPS is, as far as its driver tells: it changes when somebody puts another one in its place. */
export interface UpsIdentity {
  /** Maker and model in one: `APC Back-UPS ES 700G`. */
  readonly model?: string
  readonly serial?: string
  /** Of the UPS itself. */
  readonly firmware?: string
  /** The program of NUT that asks it, with its version: `usbhid-ups 2.8.0`. */
  readonly driver?: string
  /** What it is made for, in W and in VA. */
  readonly nominalWatts?: number
  readonly nominalVoltAmps?: number
  /** What it expects at its input, in V. */
  readonly nominalVolts?: number
  /** `PbAc`, and when it was made or replaced, as it is written there. */
  readonly battery?: string
}

/** Of each text, in characters: a driver passes on whatever stands in the UPS. */
const longest = 60

/** What makers leave where they have nothing to say. */
const saysNothing = /^(?:unknown|n\/?a|none|null|not (?:set|available)|blank|to be filled.*|[0\W_]*)$/i

/** @param variables by their names in NUT (docs/nut-names.txt) */
export function upsIdentityOf(variables: Readonly<Record<string, string>>): UpsIdentity {
  const text = (...names: readonly string[]) => firstOf(names, (name) => textIn(variables[name]))
  const figure = (...names: readonly string[]) => firstOf(names, (name) => figureIn(variables[name]))
  const [maker, model] = [text('device.mfr', 'ups.mfr'), text('device.model', 'ups.model')]
  const battery = joined(text('battery.type'), text('battery.date', 'battery.mfr.date'))
  return defined({
    // Some models begin with their maker: `APC APC Smart-UPS`.
    model: maker && model?.toLowerCase().startsWith(maker.toLowerCase()) ? model : joined(maker, model),
    serial: text('device.serial', 'ups.serial'),
    firmware: text('ups.firmware'),
    driver: joined(text('driver.name'), text('driver.version')),
    nominalWatts: figure('ups.realpower.nominal'),
    nominalVoltAmps: figure('ups.power.nominal'),
    nominalVolts: figure('input.voltage.nominal', 'output.voltage.nominal'),
    battery,
  })
}

/** How much of what it is made for is used: `about 73 W of 405 W`. Undefined where one of both is not known. */
export function describeUse(
  loadPercent: number | undefined,
  { nominalWatts, nominalVoltAmps }: Pick<UpsIdentity, 'nominalWatts' | 'nominalVoltAmps'>,
): string | undefined {
  const [nominal, unit] = nominalWatts === undefined ? [nominalVoltAmps, 'VA'] : [nominalWatts, 'W']
  if (loadPercent === undefined || nominal === undefined) return undefined
  return `about ${Math.round((loadPercent * nominal) / 100)} ${unit} of ${nominal} ${unit}`
}

/** What it is made for: `405 W, 700 VA, 230 V`. */
export function describeRating({
  nominalWatts,
  nominalVoltAmps,
  nominalVolts,
}: Pick<UpsIdentity, 'nominalWatts' | 'nominalVoltAmps' | 'nominalVolts'>): string | undefined {
  const all = [
    [nominalWatts, 'W'],
    [nominalVoltAmps, 'VA'],
    [nominalVolts, 'V'],
  ] as const
  const told = all.flatMap(([value, unit]) => (value === undefined ? [] : [`${value} ${unit}`]))
  return told.length === 0 ? undefined : told.join(', ')
}

function textIn(raw = ''): string | undefined {
  const text = printable(raw).replaceAll(/ +/g, ' ').trim()
  // Half of a character at the cut is none.
  const cut = printable(text.slice(0, longest))
  return saysNothing.test(cut) ? undefined : cut
}

/** 0 is no power that anything is made for. */
function figureIn(raw = ''): number | undefined {
  const value = Number(raw.trim() || Number.NaN)
  return value > 0 && value < 1e6 ? Math.round(value) : undefined
}

function firstOf<T>(names: readonly string[], read: (name: string) => T | undefined): T | undefined {
  for (const name of names) {
    const value = read(name)
    if (value !== undefined) return value
  }
  return undefined
}

function joined(...texts: readonly (string | undefined)[]): string | undefined {
  return texts.filter((text) => text !== undefined).join(' ') || undefined
}
