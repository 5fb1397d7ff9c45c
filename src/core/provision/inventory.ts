import type { Role } from '../cluster/cluster.ts'
import type { RecordKind } from '../records.ts'
import { listOf, object, oneOf, optional, text, time } from '../shape.ts'
import type { Machine } from './machine.ts'
import type { SeenMember } from './seen.ts'

/** A machine that has joined the cluster by us: a node, also where it stands in no file. */
export interface InventoryNode {
  readonly name: string
  readonly role: Role
  readonly address: string
  /** Of its network cards. */
  readonly macs: readonly string[]
  readonly uuid: string | undefined
  /** When it joined, ISO 8601. */
  readonly since: string
}

/** Kept for ever: the file of the configuration may not be ours to write. */
export const inventoryKind: RecordKind<InventoryNode> = {
  name: 'provision.node',
  parse: object<InventoryNode>({
    name: text,
    role: oneOf<Role>({ controlplane: true, worker: true }),
    address: text,
    macs: listOf(text),
    uuid: optional(text),
    since: time,
  }),
  keyOf: ({ name }) => name,
  isOpen: () => true,
  retention: { most: 512 },
}

/** What a machine that has joined is as a node; undefined where it told no name. */
export function nodeOf(
  { delivery, order, claimants }: Machine,
  { look, address }: SeenMember,
  at: string,
): InventoryNode | undefined {
  const name = look.name ?? order?.name
  const role = look.role ?? order?.role
  if (name === undefined || role === undefined || delivery === undefined) return undefined
  const claimed = claimants.find((one) => one.address === delivery.address)?.claim.mac
  const macs = look.macs.length > 0 ? look.macs : claimed === undefined ? [] : [claimed]
  return { name, role, address, macs, uuid: look.uuid, since: at }
}

/** A node as the configuration has it. */
export interface WrittenNode {
  readonly name: string
  readonly address: string
  readonly mac?: string | readonly string[] | undefined
}

/** What is new about a node that has joined. */
export type Joining =
  /** The configuration says all of it. */
  | { readonly kind: 'known' }
  | { readonly kind: 'new' }
  /** Another machine has its name now, as clauses. */
  | { readonly kind: 'replaced'; readonly changes: readonly string[] }

export function judgeJoining(node: InventoryNode, written: readonly WrittenNode[]): Joining {
  const before = written.find(({ name }) => name === node.name)
  if (!before) return { kind: 'new' }
  const macs = [before.mac ?? []].flat().map((mac) => mac.toLowerCase())
  const hasAnother = node.macs.length > 0 && macs.length > 0 && !macs.some((mac) => node.macs.includes(mac))
  const changes = [
    ...(hasAnother ? [`its MAC address is ${node.macs.join(', ')}, and was ${macs.join(', ')}`] : []),
    ...(before.address === node.address ? [] : [`its address is ${node.address}, and was ${before.address}`]),
  ]
  return changes.length === 0 ? { kind: 'known' } : { kind: 'replaced', changes }
}

/** The inventory as `nodes` of the configuration have it. */
export function exportedNodes(nodes: readonly InventoryNode[]): readonly Readonly<Record<string, unknown>>[] {
  return nodes
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, role, address, macs }) => ({
      name,
      role,
      address,
      ...(macs.length === 0 ? {} : { mac: macs.length === 1 ? macs[0] : macs }),
    }))
}
