import { normalMac } from '../address.ts'
import type { Boot } from './boots.ts'

/** A machine of the configuration, as it can be told when it boots. */
export interface KnownMachine {
  readonly name: string
  /** As `normalMac` writes them. */
  readonly macs: readonly string[]
  readonly address: string
}

/** What is remembered of an installed node, by its name. */
export interface InstalledNode {
  /** Of its firmware; absent where it says none. */
  readonly uuid?: string
}

interface Named {
  readonly name: string
  readonly address: string
  readonly mac?: string | readonly string[] | undefined
}

/** Nodes and hosts, with the addresses of their cards. */
export function knownMachines({
  nodes,
  hosts,
}: {
  readonly nodes: readonly Named[]
  readonly hosts: readonly Named[]
}): readonly KnownMachine[] {
  return [...nodes, ...hosts].map(({ name, address, mac = [] }) => ({
    name,
    address,
    macs: [mac].flat().flatMap((one) => normalMac(one) ?? []),
  }))
}

/**
 * Which machine of the configuration it is: by a card's address, else by the UUID that its node has told, where no other
 * node has the same: boards of a kind may share one (talos#7694).
 */
export function nameOfMachine(
  { mac, uuid, address }: Pick<Boot, 'mac' | 'uuid' | 'address'>,
  machines: readonly KnownMachine[],
  installed: Readonly<Record<string, InstalledNode>>,
): string | undefined {
  const byMac = mac === undefined ? undefined : machines.find(({ macs }) => macs.includes(mac))
  if (byMac) return byMac.name
  const same = Object.entries(installed).filter(([, node]) => uuid !== undefined && node.uuid?.toLowerCase() === uuid)
  const [only] = same
  if (only && same.length === 1 && machines.some(({ name }) => name === only[0])) return only[0]
  // Where only a transfer was seen: firmware has the address of its lease, which a node mostly has as well.
  return mac === undefined ? machines.find((machine) => machine.address === address)?.name : undefined
}
