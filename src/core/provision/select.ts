import { compareTexts } from '../text-order.ts'
import type { MachineOrder } from './machine.ts'
import type { MachineEntry, MachinesFile, Selector } from './machines-file.ts'
import type { Claim } from './question.ts'

const traits = ['uuid', 'mac', 'serial'] as const

/**
 * The machine that is written for a claim: something that it says has to be as it is written, and nothing different. Of
 * several the one with which most agrees.
 */
export function matchMachine({ machines }: MachinesFile, claim: Claim): MachineEntry | undefined {
  const ranked = machines
    .map((entry) => ({ entry, agrees: agreement(entry, claim) }))
    .filter(({ agrees }) => agrees > 0)
    .toSorted((one, other) => other.agrees - one.agrees)
  return ranked[0]?.entry
}

/** How many traits agree; 0 where one does not. */
function agreement({ match }: MachineEntry, claim: Claim): number {
  const said = traits.filter((trait) => claim[trait] !== undefined && match[trait] !== undefined)
  return said.every((trait) => match[trait]!.includes(claim[trait]!)) ? said.length : 0
}

/** What is written for a machine that is to be called so, else for one with its claim. */
export function entryOf(file: MachinesFile, order: Pick<MachineOrder, 'name'>, claim: Claim): MachineEntry | undefined {
  return file.machines.find(({ name }) => name === order.name) ?? matchMachine(file, claim)
}

/** A machine as selectors see it: what it says, and what is written of it. */
interface Selected {
  readonly order: MachineOrder
  readonly claim: Claim
  readonly entry: MachineEntry | undefined
}

/** The files of patches that a machine gets, in their order, each once. */
export function patchesFor({ patches }: MachinesFile, machine: Selected): readonly string[] {
  const selected = patches.filter((one) => one.for === undefined || isSelected(one.for, machine))
  return [...new Set([...selected.map(({ file }) => file), ...machine.order.patches])]
}

function isSelected(selector: Selector, { order, claim, entry }: Selected): boolean {
  const hasTraits = traits.every((trait) => {
    const has = [claim[trait], ...(entry?.match[trait] ?? [])]
    return selector[trait] === undefined || selector[trait].some((one) => has.includes(one))
  })
  const { role, labels = {} } = selector
  return (
    hasTraits &&
    (role === undefined || role === order.role) &&
    Object.entries(labels).every(([key, value]) => order.labels[key] === value)
  )
}

/** Files in the folder that nobody gets, but for those that a person may choose. */
export function unusedPatches({ patches, machines }: MachinesFile, files: Iterable<string>): readonly string[] {
  const used = new Set([...patches.map(({ file }) => file), ...machines.flatMap((one) => one.patches)])
  return [...files].filter((file) => !used.has(file)).toSorted(compareTexts)
}
