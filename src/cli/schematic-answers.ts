import { imagesOf } from '../core/release/image.ts'
import { join } from 'node:path'
import { openMemoryJournal } from '../adapters/journal/journal.ts'
import type { Node } from '../core/cluster/cluster.ts'
import { checkSchematic, releasesAhead, type SchematicFinding } from '../core/release/schematic-check.ts'
import { consequencesOf, type SchematicConsequences } from '../core/release/schematic-consequences.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import { openFactories } from '../main/factories.ts'
import { readText } from '../main/file-gate.ts'
import { type Settings, toSchematic } from '../main/settings.ts'
import { remembered } from '../operations/facts.ts'
import { openKeptJournal } from './direct.ts'

/** What `caretaker schematic check` answers. */
export interface SchematicAnswer {
  readonly id: string
  /** The releases that it was checked against. */
  readonly releases: readonly string[]
  readonly findings: readonly SchematicFinding[]
  /** What applying it leads to; undefined where the configuration has no such schematic. */
  readonly consequences: SchematicConsequences | undefined
}

export interface SchematicQuestion {
  readonly settings: Settings
  readonly name: string
  readonly after: RegisteredSchematic
  readonly nodes: readonly Node[]
}

/** Before a daemon has run: what stands in the folder of schematics. */
async function readOwn({ schematics }: Settings, name: string): Promise<RegisteredSchematic | undefined> {
  const file = join(schematics, `${name}.yaml`)
  const text = await readText(file).catch(() => undefined)
  return text === undefined ? undefined : toSchematic(text, file)
}

/** Asks the Factory what there is for the releases that may come, and holds the schematic against it and what is in force. */
export async function checkSchematicFile(
  { settings, name, after, nodes }: SchematicQuestion,
  signal: AbortSignal,
): Promise<SchematicAnswer> {
  const { config } = settings
  using kept = openKeptJournal(settings)
  const journal = kept ?? openMemoryJournal()
  const factory = await openFactories({ settings, journal })
  const running = [...new Set(nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : [])))]
  const releases = releasesAhead(await factory.versions(signal), {
    running,
    target: remembered.target.recall(journal),
  })
  const catalogues = await Promise.all(releases.map((version) => factory.catalogue(version, signal)))
  const usedBy = config.nodes.filter((node) => (node.schematic ?? config.schematic) === name).map((node) => node.name)
  const isUsed = name === config.schematic || usedBy.length > 0
  const before = remembered.schematics.recall(journal)?.[name] ?? (await readOwn(settings, name))
  return {
    id: after.id,
    releases,
    findings: checkSchematic(after.schematic, catalogues),
    consequences:
      isUsed || before
        ? consequencesOf({
            name,
            before,
            after,
            images: imagesOf(config).flatMap((image) => (image.schematic === name ? [image.file] : [])),
            nodes: nodes.filter((node) => usedBy.includes(node.name)),
          })
        : undefined,
  }
}
