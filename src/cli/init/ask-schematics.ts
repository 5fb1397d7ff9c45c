import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createFactory } from '../../adapters/factory/factory.ts'
import { readSchematicText } from '../../adapters/factory/schematic-text.ts'
import { messageOf } from '../../core/errors.ts'
import { chooseSchematics, extensionsOfUnmade, type KeptSchematic } from '../../core/setup/schematics.ts'
import type { SchematicChoice, SeenNode } from '../../core/setup/seen.ts'
import { compareTexts } from '../../core/text-order.ts'
import { readText } from '../../main/file-gate.ts'
import { toSchematic } from '../../main/settings.ts'
import { flowText } from '../../yaml.ts'
import { type Means, within } from './means.ts'

export interface AskedSchematics {
  /** At least one. */
  readonly schematics: readonly SchematicChoice[]
  readonly remarks: readonly string[]
}

/** The schematics that the nodes run, as files. `wanted` is the name of the one of most nodes. */
export async function findSchematics(
  means: Means,
  {
    nodes,
    factory,
    wanted,
  }: { readonly nodes: readonly SeenNode[]; readonly factory: string; readonly wanted: string },
): Promise<AskedSchematics> {
  const kept = await readKept(join(means.directory, 'schematics'))
  const ids = [...new Set(nodes.flatMap(({ machine }) => machine?.schematic ?? []))]
  const texts = new Map<string, string>()
  const remarks: string[] = []
  for (const id of ids) {
    if (kept.some((one) => one.id === id)) continue
    const of = nodes.filter(({ machine }) => machine?.schematic === id)
    const told = of.find(({ machine }) => machine?.schematicText !== undefined)?.machine?.schematicText
    const text = await textFor(means, { id, told, factory }).catch((error: unknown) => {
      means.signal.throwIfAborted()
      remarks.push(`the Factory could not be asked for the schematic ${id.slice(0, 12)}…: ${messageOf(error)}`)
      return undefined
    })
    if (text !== undefined) texts.set(id, `${headingFor(id, of)}${text.trimEnd()}\n`)
  }
  const chosen = chooseSchematics(nodes, wanted, { kept, textOf: (id) => texts.get(id) })
  const all = { remarks: [...remarks, ...chosen.remarks] }
  if (chosen.choices.length > 0) return { ...all, schematics: chosen.choices }
  // What nobody tells begins with what is known of it.
  const isThere = kept.some(({ name }) => name === wanted)
  const text = isThere ? undefined : newSchematic(extensionsOfUnmade(nodes))
  return { ...all, schematics: [{ name: wanted, id: undefined, nodes: [], text }] }
}

async function readKept(directory: string): Promise<readonly KeptSchematic[]> {
  const names = await readdir(directory).catch(() => [])
  const read = names.toSorted(compareTexts).map(async (file): Promise<KeptSchematic[]> => {
    const name = /^([a-z0-9][-a-z0-9.]*)\.yaml$/.exec(file)?.[1]
    if (name === undefined) return []
    try {
      return [{ name, id: toSchematic(await readText(join(directory, file)), file).id }]
    } catch {
      // One that is broken is told by the check of the configuration; its name is taken.
      return [{ name, id: '' }]
    }
  })
  return (await Promise.all(read)).flat()
}

/** The text that makes this very schematic: the node's own, else the Factory's; undefined where neither does. */
async function textFor(
  means: Means,
  { id, told, factory }: { readonly id: string; readonly told: string | undefined; readonly factory: string },
): Promise<string | undefined> {
  if (told !== undefined && (await makes(told, { id, factory }, means))) return told
  const text = await readSchematicText(factory, id, { signal: within(means.signal), environment: means.environment })
  return text !== undefined && (await makes(text, { id, factory }, means)) ? text : undefined
}

/** By our own reckoning, or else by the Factory's, whose word counts: its rules for quotes have changed. */
async function makes(
  text: string,
  { id, factory: url }: { readonly id: string; readonly factory: string },
  { signal, environment }: Pick<Means, 'signal' | 'environment'>,
): Promise<boolean> {
  try {
    const registered = toSchematic(text, 'the schematic')
    if (registered.id === id) return true
    const factory = createFactory(url, { environment })
    return (await factory.register(registered.schematic, within(signal))).id === id
  } catch {
    return false
  }
}

function headingFor(id: string, nodes: readonly SeenNode[]): string {
  const names = nodes.map(({ name }) => name).join(', ')
  return `# What ${names} ${nodes.length === 1 ? 'runs' : 'run'} in addition to Talos itself. Edit it, and the image is rebuilt and staged.\n# ${id}\n`
}

function newSchematic(extensions: readonly string[]): string {
  const customization = extensions.length === 0 ? {} : { systemExtensions: { officialExtensions: extensions } }
  const about =
    extensions.length === 0
      ? '# Talos as it is. Extensions that the machines need stand here: customization.systemExtensions.officialExtensions'
      : '# The extensions that the nodes run. Edit it, and the image is rebuilt and staged.'
  return `${about}\ncustomization: ${flowText(customization)}\n`
}
