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

function isCardless({ macs }: NamedMachine): boolean {
  return macs.length === 0
}

function comparable(mac: string): string {
  return normalMac(mac) ?? mac.toLowerCase()
}
