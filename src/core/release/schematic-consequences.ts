import type { Node } from '../cluster/cluster.ts'
import { lossesOf, partsOf } from './provisions.ts'
import { differencesOf } from './schematic-difference.ts'
import type { RegisteredSchematic } from './schematic.ts'

/** What a change of a schematic leads to, before it is applied. */
export interface SchematicConsequences {
  /** The schematic's name in the configuration. */
  readonly name: string
  /** What changes, to follow "it"; none where all images stay the same. Undefined where there is none of the name yet. */
  readonly differences: readonly string[] | undefined
  /** Whether its id changes: then images are built anew, also where nothing in them is different. */
  readonly isRebuilt: boolean
  /** Published names on the share that get another image. */
  readonly images: readonly string[]
  readonly nodes: readonly NodeConsequence[]
}

export interface NodeConsequence {
  readonly name: string
  /** Whether it is upgraded to the schematic, and so reboots; undefined where it does not answer. */
  readonly reboots: boolean | undefined
  /** What it loses, by name: a person is asked first. */
  readonly losses: readonly string[]
}

export interface SchematicChange {
  readonly name: string
  /** What is in force; undefined where there is none yet. */
  readonly before: RegisteredSchematic | undefined
  readonly after: RegisteredSchematic
  /** The published names that are built from it. */
  readonly images: readonly string[]
  /** The nodes that are to run it. */
  readonly nodes: readonly Node[]
}

/** What comes of it if a schematic is replaced by another one. */
export function consequencesOf({ name, before, after, images, nodes }: SchematicChange): SchematicConsequences {
  const isRebuilt = before?.id !== after.id
  const { customization } = after.schematic
  const target = {
    schematicOf: () => after.id,
    extensionsOf: () => customization?.systemExtensions?.officialExtensions ?? [],
    partsOf: () => partsOf(after.schematic),
  }
  return {
    name,
    differences: before && differencesOf(before.schematic, after.schematic),
    isRebuilt,
    images: isRebuilt ? images : [],
    nodes: nodes.map((node) => ({
      name: node.name,
      reboots: node.talos.ok ? node.talos.value.schematic !== after.id : undefined,
      losses: lossesOf(node, target, []),
    })),
  }
}
