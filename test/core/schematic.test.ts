import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseSchematic } from '../../src/config.ts'
import { canonicalYaml, kernelArgumentsOf, type Schematic } from '../../src/core/schematic.ts'
import golden from './golden-schematics.json' with { type: 'json' }

const idOf = (schematic: Schematic) => createHash('sha256').update(canonicalYaml(schematic)).digest('hex')
const extensions = (...names: string[]): Schematic => ({
  customization: { systemExtensions: { officialExtensions: names.map((name) => `siderolabs/${name}`) } },
})
const kernelArguments = (...extraKernelArgs: string[]): Schematic => ({ customization: { extraKernelArgs } })
/** One kernel argument, as it stands in the list. */
const written = (text: string) =>
  canonicalYaml(kernelArguments(text)).slice('customization:\n    extraKernelArgs:\n'.length)

describe('a published schematic', () => {
  test.each(golden)('$id is written as its publisher writes it ($source)', ({ schematic, yaml, id }) => {
    expect(canonicalYaml(schematic as Schematic)).toBe(yaml)
    expect(idOf(schematic as Schematic)).toBe(id)
    expect(idOf(parseSchematic(yaml, 'golden.yaml'))).toBe(id)
  })

  test.each<[string, Schematic]>([
    [
      'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595',
      extensions('i915', 'iscsi-tools', 'nut-client'),
    ],
    ['9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c', kernelArguments('noapic', 'nolapic')],
    ['ce4c980550dd2ab1b17bbf2b08801c7eb59418eafe8f279833297925d67c7515', extensions('qemu-guest-agent')],
    [
      'fe866116408a5a13dab7d5003eb57a00954ea81ebeec3fbbcd1a6d4462a00036',
      { customization: { meta: [{ key: 10, value: '{"externalIPs":["1.2.3.4"]}' }] } },
    ],
    [
      'ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9',
      { overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' } },
    ],
    [
      'f6a68c47512b4f3c50ccbd6d57873d2194dcac15f3a79d7703c05538a83429d7',
      { overlay: { name: 'rpi_generic', image: 'something' }, ...extensions('something') },
    ],
    ['39d496b2cbdb6265d3b714514c5334bf010f1b4d31b23b9e38c80fb2f3ad7ecb', { customization: { bootloader: 'grub' } }],
  ])('has the id %s', (id, schematic) => {
    expect(idOf(schematic)).toBe(id)
  })
})

test('what is empty, zero or the default is left out, and customization never is', () => {
  expect(
    canonicalYaml({
      owner: '',
      customization: {
        embeddedMachineConfiguration: '',
        extraKernelArgs: [],
        meta: [],
        systemExtensions: { officialExtensions: [] },
        bootloader: 'none',
        secureboot: { enrollKeys: '', includeWellKnownCertificates: false },
        diskImage: { sectorSize: 0 },
      },
    }),
  ).toBe('customization: {}\n')
})

test('the fields come in the order of the Factory, and those of meta are written even if they are zero', () => {
  expect(
    canonicalYaml({
      customization: {
        diskImage: { sectorSize: 4096 },
        bootloader: 'SD-Boot',
        meta: [{ value: '', key: 0 }],
        extraKernelArgs: ['b', 'a', 'b'],
      },
      overlay: { name: '', image: '' },
      owner: 'alice',
    }),
  ).toBe(
    [
      'owner: alice',
      'overlay:',
      '    image: ""',
      '    name: ""',
      'customization:',
      '    extraKernelArgs:',
      '        - b',
      '        - a',
      '        - b',
      '    meta:',
      '        - key: 0',
      '          value: ""',
      '    bootloader: sd-boot',
      '    diskImage:',
      '        sectorSize: 4096',
      '',
    ].join('\n'),
  )
})

test('the order of extensions makes another image', () => {
  expect(idOf(extensions('i915', 'iscsi-tools'))).not.toBe(idOf(extensions('iscsi-tools', 'i915')))
})

describe('a kernel argument', () => {
  test.each([
    'console=ttyS0',
    '-selinux',
    'talos.config=http://h:1/c?u=${uuid}',
    'a=b',
    "it's",
    '1.2.3',
    '-a',
    '?a',
    ':a',
    'a#b',
    'a :b',
    'oFf',
    '=',
    'a!b',
    'a ---',
    'é',
    'a\u00a0b',
    '1:90',
    '0b_',
    '0x_',
    '0xG',
    '_1',
    '+',
    '.',
    '._5',
    '1.5.2',
    '+.5x',
    '2024-13-45',
    '2024-02-30',
    '2024-01-01T',
    '2024-01-01Tfoo',
    '2001-12-14 21:59:43.10 -5',
    '2024-1-1T1:2:3',
    '1e999',
    '0x10000000000000000',
    '-0x8000000000000000',
  ])('%s needs no quotes', (text) => {
    expect(written(text)).toBe(`        - ${text}\n`)
  })

  test.each([
    'y',
    'Y',
    'yes',
    'NO',
    'on',
    'Off',
    'OFF',
    'n',
    '<<',
    '1:30',
    '12:30:45',
    '-1:30',
    '190:20:30.15',
    '*',
    '*a',
    '&a',
    '!a',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
    '{}',
    '[]',
    ',a',
    '"x',
    '#a',
    '-',
    '- a',
    '? a',
    ': a',
    'a: b',
    'a:',
    'a #b',
    '---',
    '--- a',
    '---a',
    '...',
    ' a',
    'a ',
    '{"x":1}',
  ])('%s stands in single quotes', (text) => {
    expect(written(text)).toBe(`        - '${text}'\n`)
  })

  test.each([
    '',
    '~',
    'null',
    'NULL',
    'true',
    'False',
    '123',
    '-5',
    '+5',
    '0x1F',
    '0X1F',
    '0o17',
    '017',
    '0B11',
    '08',
    '1_000',
    '1e3',
    '1E+3',
    '.5',
    '-.5',
    '5.',
    '.1_2',
    '.inf',
    '-.Inf',
    '.NaN',
    '-0',
    '00',
    '0_',
    '9999999999999999999999',
    '0xFFFFFFFFFFFFFFFF',
    '2024-01-01',
    '2024-1-1',
    '2024-02-29',
    '2024-01-01T10:00:00Z',
    '2024-01-01t10:00:00.5+02:00',
    '2024-01-01 10:00:00',
  ])('"%s" stands in double quotes, for it would be read back as something else', (text) => {
    expect(written(text)).toBe(`        - "${text}"\n`)
  })

  test.each([
    ["'x", "'''x'"],
    ['a\tb', '"a\\tb"'],
    ['\u001b[0m', '"\\e[0m"'],
    ['\u0001', '"\\x01"'],
    ['\u007f', '"\\x7F"'],
    ['\u0085', '"\\N"'],
    ['\ufeff', '"\\uFEFF"'],
    ['\uffff', '"\\uFFFF"'],
    ['😀', '"\\U0001F600"'],
    ['a\t"b\\', '"a\\t\\"b\\\\"'],
    ['a\t\u00a0', '"a\\t\u00a0"'],
  ])('%j is written %s', (text, yaml) => {
    expect(written(text)).toBe(`        - ${yaml}\n`)
  })

  test('is never folded, however long', () => {
    const long = `${'a'.repeat(300)} ${'b'.repeat(300)}`
    expect(written(long)).toBe(`        - ${long}\n`)
  })

  test.each([
    ['a\nb', '|-\n          a\n          b\n'],
    ['a\nb\n', '|\n          a\n          b\n'],
    ['a\n\n', '|+\n          a\n\n'],
    ['\na', '|-\n\n          a\n'],
    [' a\nb', '|4-\n           a\n          b\n'],
    ['a\n  b', '|-\n          a\n            b\n'],
    ['a\tb\nc', '|-\n          a\tb\n          c\n'],
    ['\n', '"\\n"\n'],
    [' \n', '" \\n"\n'],
    ['a \nb', '"a \\nb"\n'],
    ['a\nb ', '"a\\nb "\n'],
    ['a\r\nb', '"a\\r\\nb"\n'],
    ['😀\nx', '"\\U0001F600\\nx"\n'],
  ])('of several lines, %j, is written as a block where that keeps it', (text, yaml) => {
    expect(written(text)).toBe(`        - ${yaml}`)
  })

  test('with spaces in it is several on the command line', () => {
    expect(kernelArgumentsOf(kernelArguments('a=1  b', ' ', '-c'))).toEqual(['a=1', 'b', '-c'])
    expect(kernelArgumentsOf({})).toEqual([])
  })
})

test('a machine configuration is written as a block', () => {
  const config = 'machine:\n    network:\n\t# a tab\n        hostname: w-1\n'
  expect(canonicalYaml({ customization: { embeddedMachineConfiguration: config } })).toBe(
    [
      'customization:',
      '    embeddedMachineConfiguration: |',
      '        machine:',
      '            network:',
      '        \t# a tab',
      '                hostname: w-1',
      '',
    ].join('\n'),
  )
})

test("an overlay's options are sorted as go-yaml sorts them, and go deep", () => {
  const options = {
    k10: 1,
    k9: [true, null, { b: ['x', 'off'], a: {} }, []],
    _k: 'y',
    '1k': 0.5,
    '-k': '',
    Z: 'a: b',
    é: '~',
  }
  expect(canonicalYaml({ overlay: { image: 'i', name: 'x', options } })).toBe(
    [
      'overlay:',
      '    image: i',
      '    name: x',
      '    options:',
      '        -k: ""',
      "        _k: 'y'",
      '        1k: 0.5',
      "        Z: 'a: b'",
      '        k9:',
      '            - true',
      '            - null',
      '            - a: {}',
      '              b:',
      '                - x',
      "                - 'off'",
      '            - []',
      '        k10: 1',
      '        é: "~"',
      'customization: {}',
      '',
    ].join('\n'),
  )
})

test.each([
  [
    ['k10', 'k9', 'k1', 'k01'],
    ['k01', 'k1', 'k9', 'k10'],
  ],
  [
    ['b', 'a1', 'a', 'a-b'],
    ['a', 'a-b', 'a1', 'b'],
  ],
  [
    ['1-', '1b', '2-'],
    ['1b', '1-', '2-'],
  ],
  [
    ['2', '1', '_20', '-22'],
    ['-22', '_20', '1', '2'],
  ],
])('keys %j come in the order %j', (keys, inOrder) => {
  const options = Object.fromEntries(keys.map((key) => [`x${key}`, 0]))
  const yaml = canonicalYaml({ overlay: { image: 'i', name: 'x', options } })
  expect([...yaml.matchAll(/^ {8}x(\S+): 0$/gm)].map(([, key]) => key)).toEqual(inOrder)
})
