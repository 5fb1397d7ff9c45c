import { normalMac } from '../address.ts'
import type { Outage } from './outage.ts'

/** A machine under the name that the configuration gave it, and by what it is known whatever its name. */
export interface NamedMachine {
  readonly name: string
  readonly address: string
  /** As they are written. */
  readonly macs: readonly string[]
}

/**
 * Which machines have another name now, the former name first: those whose former name is gone and that have the network
 * card of one, or its address where no card tells. A name that stands for two, or that is somebody else's, is none.
 */
export function findRenames(
  before: readonly NamedMachine[],
  now: readonly NamedMachine[],
): ReadonlyMap<string, string> {
  const gone = before.filter(({ name }) => !now.some((one) => one.name === name))
  const come = now.filter(({ name }) => !before.some((one) => one.name === name))
  const pairs = gone.flatMap((old): [string, string][] => {
    const byCard = come.filter((one) => one.macs.some((mac) => old.macs.map(comparable).includes(comparable(mac))))
    const byAddress = come.filter((one) => one.address === old.address && (isCardless(one) || isCardless(old)))
    const [found, ...others] = byCard.length > 0 ? byCard : byAddress
    return found && others.length === 0 ? [[old.name, found.name]] : []
  })
  return new Map(pairs.filter(([, name]) => pairs.filter(([, other]) => other === name).length === 1))
}

/** The outage with these machines under their new names. What it knows of a machine stays as it is. */
export function renameMachines(outage: Outage, renames: ReadonlyMap<string, string>): Outage {
  const nodes = Object.entries(outage.nodes).map(([name, node]) => {
    const fresh = renames.get(name)
    return [fresh === undefined || outage.nodes[fresh] ? name : fresh, node] as const
  })
  return { ...outage, nodes: Object.fromEntries(nodes) }
}

/** What is known of UPSes over a restart of the agent. */
export interface KnownUpses {
  /** Labels of those that had failed in an open outage. Undefined: any may have. */
  readonly failed: readonly string[] | undefined
  /** Whether this one was ever heard of under this label. */
  readonly isKnown: (label: string) => boolean
}

/**
 * The label that each UPS of the configuration had when the outage began, the present one first. One that is new, while
 * one that had failed is gone, may be that one under another label: it counts as failed, or the shutdown that was under way
 * would end in its middle. UPSes that had not failed are left out.
 */
export function failedBefore(labels: readonly string[], { failed, isKnown }: KnownUpses): ReadonlyMap<string, string> {
  if (failed === undefined) return new Map(labels.map((label) => [label, label]))
  const gone = failed.filter((label) => !labels.includes(label))
  const come = labels.filter((label) => !failed.includes(label) && !isKnown(label))
  const same = labels.filter((label) => failed.includes(label))
  const renamed = gone.length === 0 ? [] : come.map((label, index) => [label, gone[index] ?? gone[0]!] as const)
  return new Map([...same.map((label) => [label, label] as const), ...renamed])
}

function isCardless({ macs }: NamedMachine): boolean {
  return macs.length === 0
}

function comparable(mac: string): string {
  return normalMac(mac) ?? mac.toLowerCase()
}
