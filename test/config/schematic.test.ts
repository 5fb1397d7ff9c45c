import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { parseSchematic } from '../../src/config/config.ts'
import { AgentError } from '../../src/core/errors.ts'
import { canonicalYaml } from '../../src/core/release/schematic.ts'

const faultsOf = (text: string): string[] => {
  try {
    parseSchematic(text, 's.yaml')
    return []
  } catch (error) {
    if (error instanceof AgentError && error.code === 'misconfigured') return error.message.split('\n')
    throw error
  }
}

test('the schematic that is shipped has the id that its comment tells', () => {
  const text = readFileSync(new URL('../../config/example/schematics/homelab.yaml', import.meta.url), 'utf8')
  const id = createHash('sha256')
    .update(canonicalYaml(parseSchematic(text, 'homelab.yaml')))
    .digest('hex')
  expect(id).toBe('ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595')
  expect(text).toContain(id)
})

test.each([
  ['nothing at all', '{}'],
  ['an empty customization', 'customization: {}\n'],
  ['JSON', '{"customization": {"extraKernelArgs": ["a=1"]}}'],
  ['a key of meta in hexadecimal', 'customization: { meta: [{ key: 0xa, value: x }] }'],
  [
    'everything',
    'owner: me\noverlay: { image: i, name: n, options: { deep: [1, { a: null }] } }\ncustomization: { bootloader: grub }',
  ],
])('a schematic may be %s', (_, text) => {
  expect(faultsOf(text)).toEqual([])
})

test('every fault of a schematic is told at once, with its place', () => {
  const text = `overlay: { image: i }
customization:
  bootloader: lilo
  extraKernelArgs: quiet
  systemExtensions:
    officialExtensions: [1]
  meta:
    - { key: 256, value: x, other: 1 }
  diskimage: {}
`
  const places = faultsOf(text).map((fault) => fault.split(/(?<=\S+ \S+): /)[0])
  expect(new Set(places)).toEqual(
    new Set([
      's.yaml:1:1: overlay.name',
      's.yaml:3:15: customization.bootloader',
      's.yaml:4:20: customization.extraKernelArgs',
      's.yaml:6:26: customization.systemExtensions.officialExtensions.0',
      's.yaml:8:14: customization.meta.0.key',
      's.yaml:8:29: customization.meta.0.other',
      's.yaml:9:3: customization.diskimage',
    ]),
  )
})

test.each([
  {
    name: 'an alias',
    text: 'owner: &a x\noverlay: { image: *a, name: n }\n',
    fault: 's.yaml:2:19: aliases (*name) are not supported here: write the value out',
  },
  { name: 'a tag', text: 'owner: !me x\n', fault: 's.yaml:1:8: tags (!name) are not supported here: quote the value' },
  {
    name: 'a key that comes twice',
    text: 'owner: x\nowner: y\n',
    fault: 's.yaml:2:1: owner: is already set in line 1: keep one of them',
  },
  {
    name: 'two documents',
    text: 'owner: x\n---\nowner: y\n',
    fault: 's.yaml:2:1: a second document begins here (---): keep one, and leave out this line',
  },
  {
    name: 'a list',
    text: '- owner\n',
    fault: 's.yaml:1:1: the file is a list, and holds no settings: write them without dashes, as `setting: value`',
  },
])('$name is refused in a schematic', ({ text, fault }) => {
  expect(faultsOf(text)).toEqual([fault])
})
