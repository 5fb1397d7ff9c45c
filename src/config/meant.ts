import { nearest } from '../core/spelling.ts'
import type { Level } from './known-keys.ts'

/**
 * What a value may have been meant as that is not right: `1.13.9` for `v1.13.9`. These are candidates: whoever suggests
 * one tries first whether the setting takes it. None is made of free text, which may be a secret in the wrong place.
 */

/** How a text of each kind of value is put right; `usual` is the default of its setting. */
const repairs: Readonly<Record<string, (text: string, usual: unknown) => readonly unknown[]>> = {
  duration: durationsLike,
  interval: durationsLike,
  version: (text) => {
    const [, digits] =
      /^(?:talos-?)?v?(\d{1,9}(?:\.\d{1,9}){1,2}(?:-(?:alpha|beta|rc)\.?\d{1,9})?)$/i.exec(text.trim()) ?? []
    if (digits === undefined) return []
    const whole = digits.toLowerCase().replace(/-(alpha|beta|rc)(\d)/, '-$1.$2')
    return [`v${whole}`, `v${whole}.0`]
  },
  time: (text) => timesLike(text),
  timeZone: (text) => zonesLike(text),
  rate: (text) => {
    const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?(?:ps|\/s)?\s*$/i.exec(text) ?? []
    return number === undefined ? [] : [`${number}${unit.toUpperCase().replace('I', 'i').replace('K', 'k')}B/s`]
  },
  percent: (text) => numbersLike(text.replace('%', '')),
  name: (text) => [
    text
      .trim()
      .toLowerCase()
      .replaceAll(/[_\s]+/g, '-')
      .replace(/^[-.]/, '')
      .replace(/[-.]$/, ''),
  ],
  mac: (text) => {
    const digits = text.toLowerCase().replaceAll(/[^0-9a-z]/g, '')
    return /^[0-9a-f]{12}$/.test(digits) ? [digits.match(/../g)!.join(':')] : []
  },
  host: (text) => {
    const bare = text
      .trim()
      .replace(/^[a-z]+:\/\//i, '')
      .replace(/\/.*$/, '')
    return [bare, bare.replace(/:\d*$/, ''), bare.replace(/^\[(.*)\](:\d*)?$/, '$1')]
  },
  ipv4: (text) => [text.trim().replace(/\/\d+$/, '')],
  // Behind the host there may be a token.
  url: (text) => (/^[\w.-]+(:\d+)?\/?$/.test(text) ? urlsLike(text) : []),
  date: (text) => datesLike(text),
  share: (text) => [text.replaceAll(/\s/g, '')],
  labelSelector: (text) => [text.replaceAll(/:\s*/g, '=')],
}

/** Kinds that may be written as a number by mistake. */
const ofNumbers = new Set(['duration', 'interval', 'name', 'time', 'version'])

/** Other words for the same, as other programs have them. */
const synonyms: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  armv8: 'arm64',
  x64: 'amd64',
  x86: 'amd64',
  'x86-64': 'amd64',
  master: 'controlplane',
  server: 'controlplane',
  agent: 'worker',
  beta: 'prerelease',
  alpha: 'prerelease',
  mail: 'email',
  smtp: 'email',
  healthchecks: 'heartbeat',
  mattermost: 'slack',
  rocketchat: 'slack',
  ssl: 'required',
  manual: 'always',
  warn: 'warning',
  error: 'critical',
}

/**
 * The candidates, the most likely first. `levels` is what may stand there, `source` the value as it is written, where it
 * is a single one.
 */
export function meantValues(given: unknown, levels: readonly Level[], source: string | undefined): readonly unknown[] {
  if (typeof given !== 'string' && typeof given !== 'number') return []
  const text = typeof given === 'string' ? given : source
  if (text === undefined || text.length > 100) return []
  const isMeant = (kind: string) => typeof given === 'string' || ofNumbers.has(kind)
  const usual = levels.find((level) => level.default !== undefined)?.default
  const repaired = levels.flatMap(({ kind = '', default: own = usual }) =>
    isMeant(kind) ? (repairs[kind]?.(text, own) ?? []) : [],
  )
  const others = levels.flatMap((level): readonly unknown[] => {
    if (level.type === 'boolean') return booleansLike(text)
    const numbers = level.type === 'integer' || level.type === 'number' ? numbersLike(text) : []
    return [...choicesLike(text, level), ...numbers]
  })
  return [...repaired, ...others]
}

/** How a value is written in YAML, so that it is read as what it is. */
export function writtenValue(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  if (/^\d+(\.\d+){3}$|^\d{4}-\d{2}-\d{2}$/.test(value)) return value
  const isPlain = /^[A-Za-z/][^#:]*$|^[\w.-]+(:[\w.-]+)+$|^[a-z]+:\/\/\S+$|^\d+(\.\d+)?[a-z%]+$/.test(value)
  const isOther = /^(true|false|null|yes|no|on|off|y|n|~|[-+.\d_eE]+|0[xo][\da-fA-F]+)$/i.test(value)
  return isPlain && !isOther ? value : `'${value}'`
}

function choicesLike(text: string, level: Level): readonly unknown[] {
  const choices = [...(level.enum ?? []), ...(level.const === undefined ? [] : [level.const])]
  const names = choices.filter((one) => typeof one === 'string')
  if (names.length === 0) return []
  const plain = text.trim().toLowerCase()
  const other = synonyms[plain.replaceAll(/[_\s]/g, '-')]
  const longer = names.filter((name) => plain.length > name.length && plain.startsWith(name.toLowerCase()))
  const near = nearest(text.trim(), names)
  return [
    ...names.filter((name) => name.toLowerCase() === plain),
    ...(other !== undefined && names.includes(other) ? [other] : []),
    ...(near === undefined ? [] : [near]),
    ...(longer.length === 1 ? longer : []),
  ]
}

function booleansLike(text: string): readonly boolean[] {
  const plain = text.trim().toLowerCase()
  if (/^(y|yes|on|true|1|enabled?|always)$/.test(plain)) return [true]
  return /^(n|no|off|false|0|disabled?|never|none)$/.test(plain) ? [false] : []
}

function numbersLike(text: string): readonly number[] {
  const found = /^\s*([+-]?\d[\d_]*(?:\.\d+)?)\s*[a-z]{0,4}\s*$/i.exec(text)
  if (!found) return []
  const number = Number(found[1]!.replaceAll('_', ''))
  return Number.isFinite(number) ? [number] : []
}

const unitNames: readonly (readonly [unit: string, factor: number, pattern: RegExp])[] = [
  ['ms', 1, /^(ms|msecs?|millis|milliseconds?)$/],
  ['s', 1, /^(s|secs?|seconds?)$/],
  ['m', 1, /^(m|mins?|minutes?)$/],
  ['h', 1, /^(h|hrs?|hours?)$/],
  ['d', 1, /^(d|days?)$/],
  ['d', 7, /^(w|weeks?)$/],
]
const inSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** A number alone gets the unit that this setting usually has. */
function durationsLike(text: string, usual: unknown): readonly string[] {
  const plain = text
    .trim()
    .toLowerCase()
    .replace(/^p(?:t|(?=\d))/, '')
  if (/^\d{1,6}(\.\d+)?$/.test(plain)) {
    const unit = typeof usual === 'string' ? /[a-z]{1,2}$/.exec(usual)?.[0] : undefined
    return [`${plain}${unit === undefined || unit === 'ms' ? 's' : unit}`]
  }
  const parts = [...plain.matchAll(/(\d{1,9}(?:[.,]\d{1,9})?)\s?([a-z]{1,12})\s?/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== plain) return []
  const read = parts.map(([, amount, word]) => {
    const [unit, factor] = unitNames.find(([, , pattern]) => pattern.test(word!)) ?? []
    return { amount: Number(amount!.replace(',', '.')) * (factor ?? 1), unit }
  })
  if (read.some(({ unit }) => unit === undefined)) return []
  const [only, ...others] = read
  if (others.length === 0) return [`${only!.amount}${only!.unit}`]
  const seconds = read.reduce((sum, { amount, unit }) => sum + amount * (inSeconds[unit!] ?? 0), 0)
  return [seconds % 3_600 === 0 ? `${seconds / 3_600}h` : seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`]
}

function timesLike(text: string): readonly string[] {
  const found = /^\s*(\d{1,2})(?:[:.h]?(\d{2}))?(?::\d{2})?\s*([ap]m)?\s*$/i.exec(text)
  if (!found) return []
  const [, hours, minutes = '00', half] = found
  const hour = (Number(hours) % (half ? 12 : 24)) + (half?.toLowerCase() === 'pm' ? 12 : 0)
  return [`${String(hour).padStart(2, '0')}:${minutes}`]
}

function zonesLike(text: string): readonly string[] {
  const zones = Intl.supportedValuesOf('timeZone')
  const plain = text.trim().toLowerCase().replaceAll(/\s+/g, '_')
  const ofCity = zones.filter((zone) => zone.slice(zone.lastIndexOf('/') + 1).toLowerCase() === plain)
  const near = nearest(plain, zones)
  return [...(ofCity.length === 1 ? ofCity : []), ...(near === undefined ? [] : [near])]
}

/** By HTTPS where it looks like a place on the Internet, and by HTTP where a port is named. */
function urlsLike(text: string): readonly string[] {
  const schemes = /:\d+/.test(text) ? ['http', 'https'] : ['https', 'http']
  return [...schemes, 'redis'].map((scheme) => `${scheme}://${text}`)
}

/** Only where the day and the month can't be mixed up. */
function datesLike(text: string): readonly string[] {
  const german = /^\s*(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\s*$/.exec(text)
  const slashed = /^\s*(\d{4})[/.](\d{1,2})[/.](\d{1,2})\s*$/.exec(text)
  const short = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(text)
  const [year, month, day] = german ? [german[3], german[2], german[1]] : ((slashed ?? short)?.slice(1) ?? [])
  if (year === undefined) return []
  return [`${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`]
}
