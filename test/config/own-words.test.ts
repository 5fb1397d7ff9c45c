import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { inspectConfig, parseSchematic } from '../../src/config/config.ts'
import { loadRegistry, sectionsOf } from '../../src/main/registry.ts'
import { settingRows } from '../settings-page.ts'

/** Whatever is wrong is told in words of ours, and never in those of a library. */

const sections = sectionsOf(await loadRegistry())
const foreign = 'WORDS OF THE LIBRARY'

beforeEach(() => void z.config({ localeError: () => foreign }))
afterEach(() => void z.config(z.locales.en()))

/** What no setting takes, most of them. */
const wrong: readonly unknown[] = [
  null,
  true,
  -1,
  1e9,
  0.5,
  '',
  'a b:c',
  'x'.repeat(300),
  [],
  [[]],
  [null],
  {},
  { strange: 1 },
  { file: '' },
]

const words =
  'zod|expected (?:string|number|int|boolean|object|array)|received|invalid input|too (?:small|big)|unrecognized'
const libraries = new RegExp(`${foreign}|${words}|undefined|\\[object|\\bNaN\\b|unworded`, 'i')

/** The configuration with one value in the place of a setting. */
function textWith(path: string, type: string | undefined, value: unknown): string {
  const keys = path.replaceAll('[]', '.0').split('.')
  const build = ([key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return value
    const inside = build(rest)
    if (key === '0') return [inside]
    return key === 'NAME' ? { x: { type, ...(inside as object) } } : { [key]: inside }
  }
  return JSON.stringify({ schematic: 'homelab', share: { directory: '/srv' }, ...(build(keys) as object) })
}

test('a wrong value of any setting is told in our own words, with its place', async () => {
  const rows = await settingRows()
  let told = 0
  for (const { path, type } of rows)
    for (const value of wrong) {
      if (path.startsWith('notifications.channels.NAME') && type === undefined) continue
      for (const fault of inspectConfig(textWith(path, type, value), 'c.yaml', sections).faults) {
        told += 1
        const said = `${path} = ${JSON.stringify(value)}: ${fault.setting}: ${fault.message}`
        expect(said).not.toMatch(libraries)
        expect(fault, said).toMatchObject({ file: 'c.yaml', line: expect.any(Number), column: expect.any(Number) })
        expect(fault.message, said).not.toMatch(/^[A-Z]/)
        expect(fault.message.split('\n'), said).toHaveLength(1)
      }
    }
  expect(told).toBeGreaterThan(3_000)
})

describe('a schematic', () => {
  test.each([
    [
      'customization: 5',
      'customization: holds settings by their names: write each below it, indented, as `setting: value`',
    ],
    ['customization: { meta: [{ key: 300, value: x }] }', 'customization.meta.0.key: use a whole number from 0 to 255'],
    ['customization: { bootloader: lilo }', 'customization.bootloader: use none, dual-boot, sd-boot or grub'],
    ['overlay: { image: "", name: n }', 'overlay.image: is empty: write a value'],
  ])('%s', (text, says) => {
    expect(() => parseSchematic(text, 's.yaml')).toThrow(says)
  })
})
