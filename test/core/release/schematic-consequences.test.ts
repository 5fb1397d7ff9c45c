import { describe, expect, test } from 'vitest'
import { schematicId } from '../../../src/adapters/factory/schematic-id.ts'
import { consequencesOf } from '../../../src/core/release/schematic-consequences.ts'
import type { RegisteredSchematic, Schematic } from '../../../src/core/release/schematic.ts'
import { worker } from '../cluster/nodes.ts'

const registered = (schematic: Schematic): RegisteredSchematic => ({ schematic, id: schematicId(schematic) })
const withExtensions = (...officialExtensions: readonly string[]) =>
  registered({ customization: { systemExtensions: { officialExtensions } } })
const before = withExtensions('siderolabs/i915', 'siderolabs/iscsi-tools')
const runs = (name: string, schematic = before) =>
  worker(name, {
    talos: {
      schematic: schematic.id,
      extensions: schematic.schematic.customization?.systemExtensions?.officialExtensions ?? [],
    },
  })

describe('a change of a schematic', () => {
  test('in its comments alone leads to nothing', () => {
    expect(
      consequencesOf({ name: 'homelab', before, after: before, images: ['boot.efi'], nodes: [runs('w-1')] }),
    ).toEqual({
      name: 'homelab',
      differences: [],
      isRebuilt: false,
      images: [],
      nodes: [{ name: 'w-1', reboots: false, losses: [] }],
    })
  })

  test('that takes an extension away rebuilds the image, reboots the nodes, and names what each loses', () => {
    const after = withExtensions('siderolabs/iscsi-tools')
    const nodes = [runs('w-1'), runs('w-2', after)]
    expect(consequencesOf({ name: 'homelab', before, after, images: ['boot.efi'], nodes })).toEqual({
      name: 'homelab',
      differences: ['lacks siderolabs/i915'],
      isRebuilt: true,
      images: ['boot.efi'],
      nodes: [
        { name: 'w-1', reboots: true, losses: ['siderolabs/i915'] },
        { name: 'w-2', reboots: false, losses: [] },
      ],
    })
  })

  test('to the old name of an extension changes nothing in an image, and still rebuilds it', () => {
    const after = withExtensions('siderolabs/i915-ucode', 'siderolabs/iscsi-tools')
    expect(
      consequencesOf({ name: 'homelab', before, after, images: ['boot.efi'], nodes: [runs('w-1')] }),
    ).toMatchObject({
      differences: [],
      isRebuilt: true,
      nodes: [{ name: 'w-1', reboots: true, losses: [] }],
    })
  })

  test('leaves open what a node does that does not answer', () => {
    const after = withExtensions()
    const nodes = [{ ...runs('w-1'), talos: { ok: false, error: 'it does not answer' } as const }]
    expect(consequencesOf({ name: 'homelab', before, after, images: [], nodes }).nodes).toEqual([
      { name: 'w-1', reboots: undefined, losses: [] },
    ])
  })

  test('that is the first of its name differs from nothing', () => {
    expect(
      consequencesOf({ name: 'homelab', before: undefined, after: before, images: ['boot.efi'], nodes: [] }),
    ).toMatchObject({ differences: undefined, isRebuilt: true, images: ['boot.efi'] })
  })
})
