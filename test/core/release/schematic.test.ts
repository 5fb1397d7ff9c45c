import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseSchematic } from '../../../src/config/config.ts'
import { canonicalYaml, type Schematic } from '../../../src/core/release/schematic.ts'
import golden from './golden-schematics.json' with { type: 'json' }

const idOf = (schematic: Schematic) => createHash('sha256').update(canonicalYaml(schematic)).digest('hex')
const extensions = (...names: string[]): Schematic => ({
  customization: { systemExtensions: { officialExtensions: names.map((name) => `siderolabs/${name}`) } },
})
const kernelArguments = (...extraKernelArgs: string[]): Schematic => ({ customization: { extraKernelArgs } })
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
    ['k1', 'k01', 'k9', 'k10'],
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
