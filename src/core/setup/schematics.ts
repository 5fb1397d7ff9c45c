import { isName } from './names.ts'
import type { SchematicChoice, SeenNode } from './seen.ts'

/** A schematic file that is there already. */
export interface KeptSchematic {
  readonly name: string
  readonly id: string
}

export interface SchematicsChosen {
  /** The first is that of all nodes which name none. */
  readonly choices: readonly SchematicChoice[]
  readonly remarks: readonly string[]
}

/**
 * The schematic files that the nodes need: the one that most of them run under the wanted name, those of others with a
 * node's name behind it. A file with the same id is used as it is. `textOf` gives the text of a file for an id.
 */
export function chooseSchematics(
  nodes: readonly SeenNode[],
  wanted: string,
  { kept, textOf }: { readonly kept: readonly KeptSchematic[]; readonly textOf: (id: string) => string | undefined },
): SchematicsChosen {
  const remarks: string[] = []
  const choices: SchematicChoice[] = []
  const taken = new Set(kept.map(({ name }) => name))
  for (const { id, of } of groups(nodes)) {
    const same = kept.find((one) => one.id === id)
    if (same) {
      choices.push({ name: same.name, id, nodes: of, text: undefined })
      continue
    }
    const text = textOf(id)
    if (text === undefined) {
      remarks.push(
        `the schematic ${id.slice(0, 12)}… of ${of.join(', ')} is left out: neither the node nor the Factory tells what is in it`,
      )
      continue
    }
    const plain = choices.length === 0 ? wanted : `${wanted}-${of[0]}`
    const name = freeName(isName(plain) ? plain : wanted, taken)
    taken.add(name)
    choices.push({ name, id, nodes: of, text })
  }
  return { choices, remarks: [...remarks, ...remarksOnUnmade(nodes)] }
}

/** By id, the one that most nodes run first; of equals, that of the first node. */
function groups(nodes: readonly SeenNode[]): readonly { readonly id: string; readonly of: readonly string[] }[] {
  const byId = new Map<string, string[]>()
  for (const { name, machine } of nodes) {
    if (machine?.schematic === undefined) continue
    byId.set(machine.schematic, [...(byId.get(machine.schematic) ?? []), name])
  }
  return [...byId].map(([id, of]) => ({ id, of })).toSorted((one, other) => other.of.length - one.of.length)
}

function freeName(plain: string, taken: ReadonlySet<string>): string {
  if (!taken.has(plain)) return plain
  for (let count = 2; ; count++) if (!taken.has(`${plain}-${count}`)) return `${plain}-${count}`
}

function remarksOnUnmade(nodes: readonly SeenNode[]): readonly string[] {
  const unmade = nodes.filter(({ machine }) => machine !== undefined && machine.schematic === undefined)
  if (unmade.length === 0) return []
  const names = unmade.map(({ name }) => name).join(', ')
  const extensions = [...new Set(unmade.flatMap(({ machine }) => machine?.extensions ?? []))]
  const has = extensions.length === 0 ? '' : ` (they have ${extensions.join(', ')})`
  return [
    `the image of ${names} was not made by an Image Factory: Caretaker upgrades to images of the Factory with the extensions of the schematic${has}`,
  ]
}

/** The extensions of nodes whose image no Factory made: what their schematic has to name. */
export function extensionsOfUnmade(nodes: readonly SeenNode[]): readonly string[] {
  const all = nodes.flatMap(({ machine }) => (machine?.schematic === undefined ? (machine?.extensions ?? []) : []))
  return [...new Set(all)].toSorted()
}
