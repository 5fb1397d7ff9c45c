import { describe, expect, test } from 'vitest'
import { type Catalogue, checkSchematic, releasesAhead } from '../../../src/core/release/schematic-check.ts'
import type { Schematic } from '../../../src/core/release/schematic.ts'

const catalogue = (version: string, changes: Partial<Catalogue> = {}): Catalogue => ({
  version,
  extensions: ['siderolabs/i915', 'siderolabs/iscsi-tools', 'siderolabs/nvidia-container-toolkit-lts'],
  overlays: [{ name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' }],
  ...changes,
})
const both = [catalogue('v1.13.9'), catalogue('v1.14.1')]
const withExtensions = (...officialExtensions: readonly string[]): Schematic => ({
  customization: { systemExtensions: { officialExtensions } },
})

interface Case {
  readonly name: string
  readonly schematic: Schematic
  readonly catalogues?: readonly Catalogue[]
  readonly says: readonly string[]
}

describe('a schematic is checked', () => {
  test.each<Case>([
    { name: 'that asks for what there is', schematic: withExtensions('siderolabs/i915'), says: [] },
    { name: 'that asks for nothing', schematic: {}, says: [] },
    {
      name: 'whose extension is spelled otherwise',
      schematic: withExtensions('siderolabs/iscsi-tool'),
      says: ['error: siderolabs/iscsi-tool is not in v1.13.9, v1.14.1; did you mean siderolabs/iscsi-tools?'],
    },
    {
      name: 'whose extension lacks its first part',
      schematic: withExtensions('i915'),
      says: ['error: i915 is not in v1.13.9, v1.14.1; did you mean siderolabs/i915?'],
    },
    {
      name: 'whose extension only the newer release lacks',
      schematic: withExtensions('siderolabs/i915'),
      catalogues: [catalogue('v1.13.9'), catalogue('v1.14.1', { extensions: ['siderolabs/iscsi-tools'] })],
      says: ['error: siderolabs/i915 is not in v1.14.1'],
    },
    {
      name: 'with an old name of an extension',
      schematic: withExtensions('siderolabs/nvidia-container-toolkit'),
      says: [
        'note: siderolabs/nvidia-container-toolkit is called siderolabs/nvidia-container-toolkit-lts now: the Factory takes both names',
      ],
    },
    {
      name: 'with a new name that the catalogue still has under the old one',
      schematic: withExtensions('siderolabs/i915'),
      catalogues: [catalogue('v1.6.0', { extensions: ['siderolabs/i915-ucode'] })],
      says: [],
    },
    {
      name: 'with one extension twice',
      schematic: withExtensions('siderolabs/i915', 'siderolabs/i915'),
      says: ['warning: siderolabs/i915 is listed more than once: once is enough'],
    },
    {
      name: 'with an overlay that there is',
      schematic: { overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi' } },
      says: [],
    },
    {
      name: 'with an overlay of another image',
      schematic: { overlay: { name: 'rpi_generic', image: 'siderolabs/sbc-rockchip' } },
      says: [
        'error: the overlay rpi_generic of siderolabs/sbc-rockchip is not in v1.13.9, v1.14.1; it is in siderolabs/sbc-raspberrypi',
      ],
    },
    {
      name: 'with an overlay that is spelled otherwise',
      schematic: { overlay: { name: 'rpi-generics', image: 'siderolabs/sbc-raspberrypi' } },
      says: [
        'error: the overlay rpi-generics of siderolabs/sbc-raspberrypi is not in v1.13.9, v1.14.1; did you mean rpi_generic, in siderolabs/sbc-raspberrypi?',
      ],
    },
    {
      name: 'with a machine configuration, for releases before 1.12',
      schematic: { customization: { embeddedMachineConfiguration: 'a: b' } },
      catalogues: [catalogue('v1.11.6'), catalogue('v1.12.0')],
      says: ['error: it has an embedded machine configuration: that takes v1.12.0, and v1.11.6 may come'],
    },
    {
      name: 'with kernel arguments, for releases before 1.10',
      schematic: { customization: { extraKernelArgs: ['quiet'] } },
      catalogues: [catalogue('v1.9.5')],
      says: ['warning: a UKI without SecureBoot ignores its kernel arguments: that takes v1.10.0, and v1.9.5 may come'],
    },
    {
      name: 'with what a UKI ignores',
      schematic: {
        customization: {
          meta: [{ key: 10, value: 'x' }],
          bootloader: 'grub',
          diskImage: { sectorSize: 4_096 },
          secureboot: { enrollKeys: 'force' },
        },
      },
      says: [
        'note: a UKI ignores meta, bootloader, diskImage, secureboot.enrollKeys: machines that boot from the share do without',
      ],
    },
    {
      name: 'with several faults, the worst first',
      schematic: { customization: { bootloader: 'grub', systemExtensions: { officialExtensions: ['x/y'] } } },
      says: [
        'error: x/y is not in v1.13.9, v1.14.1',
        'note: a UKI ignores bootloader: machines that boot from the share do without',
      ],
    },
  ])('$name', ({ schematic, catalogues = both, says }) => {
    expect(checkSchematic(schematic, catalogues).map(({ severity, text }) => `${severity}: ${text}`)).toEqual(says)
  })
})

describe('the releases that may come are', () => {
  const offered = ['v1.11.6', 'v1.12.0', 'v1.12.11', 'v1.13.8', 'v1.13.9', 'v1.14.0', 'v1.15.0-alpha.0']

  test('what runs, the target, and the newest of each minor version from there on', () => {
    expect(releasesAhead(offered, { running: ['v1.12.0', 'v1.13.8'], target: 'v1.13.9' })).toEqual([
      'v1.12.0',
      'v1.12.11',
      'v1.13.8',
      'v1.13.9',
      'v1.14.0',
    ])
  })

  test('the newest one where nothing runs yet', () => {
    expect(releasesAhead(offered, { running: [], target: undefined })).toEqual(['v1.14.0'])
  })

  test('none that the Factory does not offer any more', () => {
    expect(releasesAhead(['v1.14.0'], { running: ['v1.12.0'], target: 'v1.13.9' })).toEqual(['v1.14.0'])
  })
})
