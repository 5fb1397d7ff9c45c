import { describe, expect, test } from 'vitest'
import { inspectConfig } from '../../src/config/config.ts'
import { loadRegistry, sectionsOf } from '../../src/main/registry.ts'
import { type Row, settingRows } from '../settings-page.ts'
import { wholeSchema } from './whole.ts'

/** What the schema says of every setting, for editors and for the page that lists them. */

const sections = sectionsOf(await loadRegistry())
const rows = await settingRows()
type Setting = (typeof rows)[number]

/** A configuration in which one setting has this value: what else it needs is missing. */
function textWith({ path, type }: Pick<Setting, 'path' | 'type'>, value: unknown): string {
  const keys = path.replaceAll('[]', '.0').split('.')
  const inside = keys.reduceRight<unknown>((one, key) => (key === '0' ? [one] : { [key]: one }), value)
  const channel = { notifications: { channels: { NAME: { type } } } }
  const whole = type === undefined ? inside : merged(channel, inside)
  // JSON is YAML.
  return JSON.stringify(merged({ schematic: 'homelab', share: { directory: '/srv' } }, whole)).replaceAll('NAME', 'x')
}

function merged(one: unknown, other: unknown): unknown {
  if (!isRecord(one) || !isRecord(other)) return other
  return Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((key) => [
      key,
      key in one && key in other ? merged(one[key], other[key]) : (other[key] ?? one[key]),
    ]),
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is wrong with this very setting, or in it. */
function faultsAt(setting: Pick<Setting, 'path' | 'type'>, value: unknown): readonly string[] {
  const path = setting.path.replaceAll('[]', '.0').replaceAll('NAME', 'x')
  return inspectConfig(textWith(setting, value), 'c.yaml', sections)
    .faults.filter((fault) => fault.setting === path || fault.setting?.startsWith(`${path}.`))
    .map(({ message }) => message)
}

const named = (some: readonly Row[]) => [...new Set(some.map(({ path }) => path))]

test('every setting says what it does', () => {
  expect(rows.length).toBeGreaterThan(250)
  expect(named(rows.filter(({ about }) => about.length < 8))).toEqual([])
})

test('every setting that holds a value has an example, which it takes', () => {
  const single = rows.filter(({ isGroup }) => !isGroup)
  expect(named(single.filter(({ example }) => example === undefined))).toEqual([])
  const refused = single.flatMap((row) => faultsAt(row, row.example).map((fault) => `${row.path}: ${fault}`))
  // What several settings say together is not looked at here: there is no such node, UPS or channel.
  expect(
    refused.filter((line) => !/there is no|needs a |needs exactly|use a token|name at least one control/.test(line)),
  ).toEqual([])
})

interface Level {
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, Level>>
  readonly items?: Level
  readonly anyOf?: readonly Level[]
}

/** The pattern that editors get for a setting. */
function patternOf(path: string): RegExp {
  const level = path
    .split('.')
    .reduce<Level>((found, key) => (key === '0' ? found.items! : found.properties![key]!), wholeSchema() as Level)
  return new RegExp((level.pattern ?? level.anyOf?.[0]?.pattern)!, 'u')
}

describe('an editor finds what the check finds', () => {
  test.each([
    {
      path: 'power.deadTime',
      good: ['500ms', '30s', '1.5h', '7d', ' 10m '],
      bad: ['30', '30 s', '10min', '-5s', 'soon', '', '1h30m'],
    },
    {
      path: 'nodes.0.mac',
      good: ['00:1b:21:3a:4f:5c', '00-1B-21-3A-4F-5C'],
      bad: ['001b213a4f5c', '00:1b:21', '00:1g:21:3a:4f:5c'],
    },
    {
      path: 'nodes.0.address',
      good: ['192.168.0.2', 'nas', 'nas.home.arpa', 'fd00::2'],
      bad: ['192.168.0.2:50000', 'https://nas', 'nas_1', '[fd00::2]', ''],
    },
    { path: 'upgrade.windows.0.from', good: ['00:00', '23:59'], bad: ['24:00', '2:00', '02:60', '02'] },
    {
      path: 'upgrade.timeZone',
      good: ['Europe/Warsaw', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', '+01:00'],
      bad: ['Europe/', '', 'CET-1CEST,M3.5.0', 'Mars Base'],
    },
    { path: 'upgrade.pin', good: ['v1.13.9', 'v1.14.0-rc.1'], bad: ['1.13.9', 'v1.13', 'v1.13.9-dirty', 'v01.13.9'] },
    { path: 'power.wake.broadcast', good: ['192.168.0.255'], bad: ['192.168.0', '192.168.0.256', 'nas'] },
    {
      path: 'factory.url',
      good: ['https://factory.talos.dev', 'HTTP://nas:8080/x'],
      bad: ['factory.talos.dev', 'ftp://nas'],
    },
  ])('$path', ({ path, good, bad }) => {
    const pattern = patternOf(path)
    const setting = { path: path.replaceAll('.0', '[]') }
    for (const value of good) expect([value, pattern.test(value), faultsAt(setting, value)]).toEqual([value, true, []])
    for (const value of bad) {
      expect([value, pattern.test(value)]).toEqual([value, false])
      expect(faultsAt(setting, value), value).not.toEqual([])
    }
  })

  test('and what it does not find is no keyword that it would not know', () => {
    const known = 'type enum const default description examples pattern format minimum maximum exclusiveMinimum items'
    const more =
      'minItems minLength maxLength properties required additionalProperties propertyNames anyOf oneOf $schema definitions $ref'
    const keywords = new Set(`${known} ${more}`.split(' '))
    const strange: string[] = []
    const walk = (level: unknown): void => {
      if (!isRecord(level)) return
      strange.push(...Object.keys(level).filter((key) => !keywords.has(key)))
      const { properties, items, additionalProperties, anyOf, oneOf } = level
      for (const one of [items, additionalProperties, ...[anyOf, oneOf].flat()]) walk(one)
      if (isRecord(properties)) for (const one of Object.values(properties)) walk(one)
    }
    walk(wholeSchema())
    expect(strange).toEqual([])
  })
})
