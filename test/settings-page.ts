import type { Level } from '../src/config/known-keys.ts'
import { settingsOf } from '../src/config/config.ts'
import { loadRegistry, sectionsOf } from '../src/main/registry.ts'

/** `docs/settings.md`: every setting, from the schema of the configuration. */

/** A setting as one line of a table. */
export interface Row {
  readonly path: string
  readonly about: string
  readonly values: string
  readonly usual: string
  /** What could stand there; undefined for what only holds settings. */
  readonly example: unknown
  /** Whether it holds settings with lines of their own. */
  readonly isGroup: boolean
}

/** Where a channel's own settings are, which differ by its type. */
const channels = 'notifications.channels.NAME'

/** Every setting, those of channels by the type of the channel. */
export async function settingRows(): Promise<readonly (Row & { readonly type?: string })[]> {
  const root = settingsOf(sectionsOf(await loadRegistry()))
  const all = Object.entries(root.properties ?? {}).flatMap(([name, level]) =>
    rowsOf(level, name, isRequired(root, name)),
  )
  const ofChannels = kindsOfChannels(root.properties?.['notifications'] ?? {}).flatMap(({ type, level }) =>
    rowsBelow(level, channels).map((row) => ({ ...row, type: String(type?.const) })),
  )
  return [...all, ...ofChannels]
}

/** The page. */
export async function settingsPage(): Promise<string> {
  const root = settingsOf(sectionsOf(await loadRegistry()))
  const sections = Object.entries(root.properties ?? {})
  const single = sections.filter(([, level]) => !isGroup(level))
  const groups = sections.filter(([, level]) => isGroup(level))
  const parts = [
    '# All settings',
    'Made from the schema of the configuration by `npm run generate`; edits here are lost. `caretaker config check` checks a file, and ' +
      '[caretaker.schema.json](../config/caretaker.schema.json) lets editors complete and check it: begin the file with ' +
      '`# yaml-language-server: $schema=./caretaker.schema.json`.',
    'A list of things is written as `nodes[]`, and a name of yours as `NAME`. Durations are a number and its unit: `500ms`, `30s`, `10m`, ' +
      '`2h` or `7d`. Paths are relative to the configuration file. A secret never stands in the file: it is named as `{ file: PATH }` or ' +
      '`{ env: NAME }`. A name has lowercase letters, digits and hyphens. What is **required** must stand there where the settings around it do.',
    `Sections: ${groups.map(([name]) => `[${name}](#${name.toLowerCase()})`).join(' · ')}`,
    '## On their own',
    tableOf(single.flatMap(([name, level]) => rowsOf(level, name, isRequired(root, name)))),
    ...groups.flatMap(([name, level]) => [
      `## ${name}`,
      sentence(level.description),
      tableOf(rowsBelow(level, pathOf(level, name))),
      ...(name === 'notifications' ? channelTables(level) : []),
    ]),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function channelTables(notifications: Level): readonly string[] {
  return kindsOfChannels(notifications).flatMap(({ type, level }) => [
    `### Channels of type ${String(type?.const)}`,
    sentence(type?.description),
    tableOf(rowsBelow(level, channels)),
  ])
}

/** Each type of channel, and its settings without the type. */
function kindsOfChannels(notifications: Level) {
  const any = notifications.properties?.['channels']?.additionalProperties
  return (typeof any === 'object' ? (any.oneOf ?? []) : []).map((kind) => {
    const { type, ...others } = kind.properties ?? {}
    return { type, level: { ...kind, properties: others } }
  })
}

const choicesOf = (level: Level) => [...(level.anyOf ?? []), ...(level.oneOf ?? [])]
const isSecret = (level: Level) => {
  const names = choicesOf(level).flatMap(({ properties = {} }) => Object.keys(properties))
  return names.join() === 'file,env' && choicesOf(level).length === 2
}

/** Whether it holds settings, by itself or in its entries. */
function isGroup(level: Level): boolean {
  return level.properties !== undefined || (level.items !== undefined && isGroup(level.items))
}

function pathOf(level: Level, path: string): string {
  return level.items && isGroup(level.items) ? `${path}[]` : path
}

function rowsBelow(level: Level, path: string): readonly Row[] {
  const { properties = {} } = level.items ?? level
  return Object.entries(properties).flatMap(([name, next]) =>
    rowsOf(next, `${path}.${name}`, isRequired(level.items ?? level, name)),
  )
}

/** The setting, and those in it. */
function rowsOf(level: Level, path: string, required: boolean): readonly Row[] {
  const own: Row = {
    path,
    about: level.description ?? '',
    values: valuesOf(level),
    usual: required ? '**required**' : level.default === undefined ? '' : usualOf(level.default),
    example: exampleValue(level),
    isGroup: path === 'notifications.channels' || (!isSecret(level) && [level, ...choicesOf(level)].some(isGroup)),
  }
  if (path === 'notifications.channels') return [own]
  if (isSecret(level)) return [own]
  const insides = [level, ...choicesOf(level)].filter((one) => !isSecret(one) && isGroup(one))
  const seen = new Set<string>()
  const below = insides
    .flatMap((one) => rowsBelow(one, pathOf(one, path)))
    .filter((row) => !seen.has(row.path) && seen.add(row.path))
  return [own, ...below]
}

const isRequired = ({ required = [] }: Level, name: string) => required.includes(name)

const kinds: Readonly<Record<string, readonly [values: string, example: unknown]>> = {
  rate: ['rate', '20MB/s'],
  duration: ['duration', '10m'],
  interval: ['duration from 50ms to 30s', '5s'],
  version: ['Talos release', 'v1.13.9'],
  time: ['time of day', '02:00'],
  timeZone: ['time zone', 'Europe/Warsaw'],
  percent: ['number, in %', 50],
  name: ['name', undefined],
  mac: ['MAC address', '00:1b:21:3a:4f:5c'],
  host: ['IP address or host name', '192.168.0.6'],
  ipv4: ['IPv4 address', '192.168.0.255'],
  url: ['URL', 'https://nas.lan:8420'],
  email: ['e-mail address', 'me@example.org'],
  date: ['date or time', '2026-12-31'],
  share: ['share', '25%'],
  labelSelector: ['label selector', 'app=db,tier!=cache'],
}

/** What may stand there, in a few words. */
function valuesOf(level: Level): string {
  if (isSecret(level)) return 'secret'
  if (level.kind !== undefined && kinds[level.kind] !== undefined) return `${kinds[level.kind]![0]}${limitsOf(level)}`
  if (level.enum !== undefined) return level.enum.map(code).join(', ')
  if (level.const !== undefined) return code(level.const)
  const choices = choicesOf(level)
  if (choices.length > 0) return [...new Set(choices.map(valuesOf))].join('; or ')
  if (level.type === 'array') return level.items ? `list (${valuesOf(level.items)})` : 'list'
  if (level.type === 'object')
    return level.properties ? `settings: ${Object.keys(level.properties).map(code).join(', ')}` : 'names and values'
  if (level.type === 'integer') return `whole number${limitsOf(level)}`
  if (level.type === 'number') return `number${limitsOf(level)}`
  if (level.type === 'boolean') return '`true`, `false`'
  return 'text'
}

const isLimit = (value: number | undefined) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER

function limitsOf({ type, minimum, maximum, exclusiveMinimum }: Level): string {
  if (type !== 'integer' && type !== 'number') return ''
  const parts = [
    ...(isLimit(exclusiveMinimum) ? [`above ${exclusiveMinimum}`] : []),
    ...(isLimit(minimum) ? [`from ${minimum}`] : []),
    ...(isLimit(maximum) ? [`to ${maximum}`] : []),
  ]
  return parts.length === 0 ? '' : ` ${parts.join(' ')}`
}

/** What could stand there: an example that the schema has, or else one of its kind. */
function exampleValue(level: Level): unknown {
  if (isGroup(level)) return undefined
  if (level.examples?.[0] !== undefined) return level.examples[0]
  if (isSecret(level)) return { file: 'secret' }
  if (level.enum !== undefined) return level.enum.find((one) => one !== level.default)
  if (level.const !== undefined) return level.const
  if (level.type === 'boolean') return level.default !== true
  const kind = kinds[level.kind ?? '']?.[1]
  if (kind !== undefined) return kind
  if (level.type === 'array' && level.items) {
    const one = exampleValue(level.items)
    return one === undefined ? undefined : [one]
  }
  const ofChoice = choicesOf(level)
    .map(exampleValue)
    .find((one) => one !== undefined)
  return ofChoice ?? (isPlain(level.default) ? level.default : undefined)
}

const isPlain = (value: unknown) => value !== undefined && value !== '' && typeof value !== 'object'
const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0
const usualOf = (value: unknown) => (isEmpty(value) ? '' : code(value))

/** As it stands in YAML, on one line. */
function code(value: unknown): string {
  return `\`${flow(value)}\``
}

function flow(value: unknown): string {
  if (typeof value === 'string')
    return /^[\w./@%+-]+([:=][\w./@%+-]+)*$|^\w+( [\w./=-]+)+$/.test(value) ? value : `'${value}'`
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${flow(one)}`)
    .join(', ')} }`
}

function tableOf(rows: readonly Row[]): string {
  if (rows.length === 0) return ''
  const lines = rows.map(({ path, about, values, usual, example }) => [
    `\`${path}\``,
    about,
    values,
    usual,
    example === undefined ? '' : code(example),
  ])
  return [['Setting', 'What it does', 'Values', 'Default', 'Example'], ['---', '---', '---', '---', '---'], ...lines]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}

const sentence = (text = '') => (text === '' ? '' : `${text}.`)
