import { describe, expect, test } from 'vitest'
import type { SchematicParts, TalosFacts } from '../../../src/core/cluster/cluster.ts'
import {
  canonicalExtension,
  lackingExtensions,
  lossesOf,
  partsOf,
  strangePieces,
} from '../../../src/core/release/provisions.ts'
import { worker } from '../cluster/nodes.ts'

const nothing: SchematicParts = { kernelArguments: [], overlay: undefined, embeddedConfig: false }
const target = (parts: Partial<SchematicParts> = {}, extensions = ['siderolabs/i915']) => ({
  schematicOf: () => 'wanted',
  extensionsOf: () => extensions,
  partsOf: () => ({ ...nothing, ...parts }),
})

describe('what a node would lose by an upgrade', () => {
  test.each<{ name: string; has: Partial<TalosFacts>; gets?: ReturnType<typeof target>; losses: string[] }>([
    { name: 'is nothing where it keeps everything', has: {}, losses: [] },
    { name: 'is an extension', has: { extensions: ['siderolabs/i915', 'siderolabs/zfs'] }, losses: ['siderolabs/zfs'] },
    {
      name: 'is no extension that was only renamed, in either direction',
      has: { extensions: ['siderolabs/i915-ucode'] },
      losses: [],
    },
    {
      name: 'is no extension whose new name runs and whose old one is configured',
      has: { extensions: ['siderolabs/vmtoolsd-guest-agent'] },
      gets: target({}, ['siderolabs/talos-vmtoolsd']),
      losses: [],
    },
    {
      name: 'is a kernel argument of its schematic',
      has: { provides: { ...nothing, kernelArguments: ['net.ifnames=0', 'console=ttyS0'] } },
      gets: target({ kernelArguments: ['console=ttyS0'] }),
      losses: ['net.ifnames=0'],
    },
    {
      name: 'is an argument that takes a default away',
      has: { provides: { ...nothing, kernelArguments: ['-selinux'] } },
      losses: ['-selinux'],
    },
    {
      name: 'is an argument whose value changes',
      has: { provides: { ...nothing, kernelArguments: ['panic=10'] } },
      gets: target({ kernelArguments: ['panic=0'] }),
      losses: ['panic=10'],
    },
    {
      name: 'is an argument that it booted with, where it does not tell its schematic',
      has: {
        provides: undefined,
        kernelArguments: ['talos.platform=metal', 'console=tty0', 'pti=on', 'net.ifnames=0', 'initrd=initramfs.xz'],
      },
      losses: ['net.ifnames=0'],
    },
    {
      name: 'is no argument of Talos itself, where it tells its schematic',
      has: { kernelArguments: ['talos.platform=metal', 'some.new.default=1'] },
      losses: [],
    },
    {
      name: 'is the overlay of its board',
      has: { provides: { ...nothing, overlay: 'rpi_generic' } },
      losses: ['overlay:rpi_generic'],
    },
    {
      name: 'is the overlay of its board, where another comes',
      has: { provides: { ...nothing, overlay: 'rpi_generic' } },
      gets: target({ overlay: 'turingrk1' }),
      losses: ['overlay:rpi_generic'],
    },
    {
      name: 'is what its overlay was told',
      has: {
        provides: { ...nothing, overlay: 'rpi_generic', overlayOptions: { configTxtAppend: '"dtparam=a"', b: '1' } },
      },
      gets: target({ overlay: 'rpi_generic', overlayOptions: { b: '2' } }),
      losses: ['overlay:rpi_generic/configTxtAppend', 'overlay:rpi_generic/b'],
    },
    {
      name: 'is not what its overlay is told as before, or anew',
      has: { provides: { ...nothing, overlay: 'rpi_generic', overlayOptions: { a: '1' } } },
      gets: target({ overlay: 'rpi_generic', overlayOptions: { a: '1', b: '2' } }),
      losses: [],
    },
    {
      name: 'is a machine configuration in its image',
      has: { provides: { ...nothing, embeddedConfig: true } },
      losses: ['embeddedMachineConfiguration'],
    },
  ])('$name', ({ has, gets = target(), losses }) => {
    expect(lossesOf(worker('w-1', { talos: has }), gets, [])).toEqual(losses)
  })

  test('is left out where a person has agreed to it, by any name of an extension', () => {
    const node = worker('w-1', {
      talos: {
        extensions: ['siderolabs/i915', 'siderolabs/xen-guest-agent'],
        provides: { kernelArguments: ['net.ifnames=0'], overlay: 'rpi_generic', embeddedConfig: false },
      },
    })
    expect(lossesOf(node, target(), ['siderolabs/xe-guest-utilities', 'net.ifnames=0'])).toEqual([
      'overlay:rpi_generic',
    ])
    expect(lossesOf(node, target(), ['overlay:rpi_generic', 'siderolabs/i915'])).toEqual([
      'siderolabs/xen-guest-agent',
      'net.ifnames=0',
    ])
  })

  test('is left out by the short name of an official extension', () => {
    const node = worker('w-1', { talos: { extensions: ['siderolabs/zfs', 'somebody/tool'] } })
    expect(lossesOf(node, target(), [])).toEqual(['siderolabs/zfs', 'somebody/tool'])
    expect(lossesOf(node, target(), ['zfs', 'tool'])).toEqual(['somebody/tool'])
  })

  test.each([
    ['console=ttyS0,115200n8', []],
    ['net.ifnames=0,console=ttyS0,115200n8', []],
    ['console=ttyS0', ['console=ttyS0,115200n8']],
    ['console=ttyS0,9600', ['console=ttyS0,115200n8']],
    ['115200n8,console=ttyS0', ['console=ttyS0,115200n8']],
  ])('is left out where its name has a comma and a person has written %s', (names, losses) => {
    const kernelArguments = ['console=ttyS0,115200n8']
    const node = worker('w-1', { talos: { provides: { ...nothing, kernelArguments } } })
    // In the configuration as one name, and from a command line in pieces.
    expect(lossesOf(node, target(), [names])).toEqual(losses)
    expect(lossesOf(node, target(), names.split(','))).toEqual(losses)
  })

  test.each([
    { name: 'unknown where it does not report its extensions', schematic: 'other', losses: ['extensions'] },
    { name: 'unknown where it tells no schematic either', schematic: undefined, losses: ['extensions'] },
    { name: 'nothing where it keeps its very schematic', schematic: 'wanted', losses: [] },
  ])('is $name', ({ schematic, losses }) => {
    const node = worker('w-1', { talos: { schematic, extensions: undefined, provides: undefined } })
    expect(lossesOf(node, target(), [])).toEqual(losses)
    expect(lossesOf(node, target(), ['extensions'])).toEqual([])
  })

  test('is not asked of a silent node', () => {
    expect(lossesOf(worker('w-1', { talos: 'silent' }), target(), [])).toEqual([])
  })
})

test.each([
  ['siderolabs/i915-ucode', 'siderolabs/i915'],
  ['siderolabs/amdgpu-firmware', 'siderolabs/amdgpu'],
  ['siderolabs/nvidia-container-toolkit', 'siderolabs/nvidia-container-toolkit-lts'],
  ['siderolabs/nvidia-fabricmanager', 'siderolabs/nvidia-fabric-manager-lts'],
  ['siderolabs/v4l-uvc', 'siderolabs/v4l-uvc-drivers'],
  ['siderolabs/nvidia-container-toolkit-lts', 'siderolabs/nvidia-container-toolkit-lts'],
  ['siderolabs/nvidia-container-toolkit-production', 'siderolabs/nvidia-container-toolkit-production'],
  ['constructor', 'constructor'],
])('the extension %s is called %s now', (name, now) => {
  expect(canonicalExtension(name)).toBe(now)
})

test('what came back is compared by the names of now', () => {
  expect(lackingExtensions(['siderolabs/i915-ucode', 'siderolabs/zfs'], ['siderolabs/i915'])).toEqual([
    'siderolabs/zfs',
  ])
})

test('a schematic provides arguments, an overlay and an embedded configuration', () => {
  expect(partsOf({})).toEqual(nothing)
  expect(
    partsOf({
      overlay: { image: 'siderolabs/sbc-raspberrypi', name: 'rpi_generic' },
      customization: { extraKernelArgs: ['a=1 b'], embeddedMachineConfiguration: 'machine: {}' },
    }),
  ).toEqual({ kernelArguments: ['a=1', 'b'], overlay: 'rpi_generic', embeddedConfig: true })
})

test('options of an overlay are compared whatever the order of their keys', () => {
  const of = (options: Record<string, unknown>) =>
    partsOf({ overlay: { image: 'a', name: 'b', options } }).overlayOptions
  expect(of({ a: { x: 1, y: [2, { v: 3, u: 4 }] } })).toEqual(of({ a: { y: [2, { u: 4, v: 3 }], x: 1 } }))
  expect(of({ a: 1 })).not.toEqual(of({ a: '1' }))
  expect(of({})).toBeUndefined()
})

describe('a name that nodes are to be allowed to lose', () => {
  const nodes = [
    worker('w-1', {
      talos: {
        extensions: ['siderolabs/i915', 'acme/own'],
        provides: { ...nothing, kernelArguments: ['net.ifnames=0', 'console=ttyS0,115200'], overlay: 'rpi_generic' },
      },
    }),
  ]
  test.each<{ name: string; strange: string[] }>([
    { name: 'siderolabs/i915', strange: [] },
    { name: 'i915', strange: [] },
    { name: 'siderolabs/i915-ucode', strange: [] },
    { name: ' i915 ', strange: [] },
    { name: 'console=ttyS0,115200', strange: [] },
    { name: 'overlay:rpi_generic', strange: [] },
    { name: 'acme/own', strange: [] },
    { name: 'extensions', strange: [] },
    { name: 'I915', strange: ['I915'] },
    { name: 'own', strange: ['own'] },
    { name: 'i91', strange: ['i91'] },
    { name: 'i915,gvisro', strange: ['gvisro'] },
    { name: 'net.ifnames', strange: ['net.ifnames'] },
  ])('$name: strange is $strange', ({ name, strange }) => expect(strangePieces([name], nodes)).toEqual(strange))

  test('may be anything where a node does not tell what it has', () => {
    expect(strangePieces(['gvisro'], [...nodes, worker('w-2', { talos: { extensions: undefined } })])).toEqual([])
  })
})
