import type { Role } from '../cluster/cluster.ts'
import type { RecordKind } from '../records.ts'
import { flag, listOf, mapOf, number, object, oneOf, optional, text, time } from '../shape.ts'
import type { Claim, Way } from './question.ts'

/**
 * Where a machine stands on its way into the cluster.
 *
 * - `pending`: it asks for its configuration, and a person has to decide
 * - `approved`: it may have it once, until the approval expires
 * - `delivering`: it was taken for delivery; nobody gets it again by this approval, whatever becomes of the transfer
 * - `delivered`: every byte was sent
 * - `verified`: it answers on the Talos API as a member of the cluster, with its UUID
 * - `locked`: it has joined; a request of its from now on is an alert, and needs a new approval
 * - `rejected`: a person does not want it
 */
export type MachineState = 'pending' | 'approved' | 'delivering' | 'delivered' | 'verified' | 'locked' | 'rejected'

/** A machine that asks for its configuration from one address. Several with one claim: somebody pretends. */
export interface Claimant {
  readonly address: string
  readonly claim: Claim
  readonly way: Way
  /** The device flow that it is in: each has a code of its own. */
  readonly flow?: string | undefined
  /** What its console shows, and no other machine's: `BCDF-GHJK`. */
  readonly code: string
  /** How often it has asked. */
  readonly asked: number
  /** The same since it was started, as far as that can be told: Talos waits longer after each. */
  readonly tries?: number | undefined
  /** A person does not want it, whatever else asks under the same id. */
  readonly isRejected?: boolean | undefined
  /** The card at its address, as the kernel's table of neighbours had it last. */
  readonly card?: string | undefined
  /** ISO 8601. */
  readonly firstAt: string
  readonly lastAt: string
}

/** What a person has approved: for one claimant, once. Times are ISO 8601. */
export interface Approval {
  readonly at: string
  readonly until: string
  /** Who approved it, for people. */
  readonly by: string
  /** Of the claimant that was approved. */
  readonly code: string
  readonly address: string
  readonly claim: Claim
  readonly order: MachineOrder
  /** Of the key that answered in maintenance when it was approved: no other one is given anything. */
  readonly fingerprint?: string | undefined
}

/** What a machine is to become. */
export interface MachineOrder {
  /** Its hostname, and its node's name in Kubernetes. */
  readonly name: string
  readonly role: Role
  /** Labels of its node. */
  readonly labels: Readonly<Record<string, string>>
  /** Files of patches in addition to those that its role and labels select, in their order. */
  readonly patches: readonly string[]
}

export interface ConfigDelivery {
  /** ISO 8601. */
  readonly at: string
  readonly address: string
  readonly way: Way
  /** Of what was sent, in hexadecimal. */
  readonly sha256: string
  /** Every byte has left. */
  readonly isWhole: boolean
  /** Those that it gives itself by it: it answers there from then on. */
  readonly addresses?: readonly string[] | undefined
}

/** A machine on its way into the cluster, as it is kept. Times are ISO 8601. */
export interface Machine {
  /** What it is known by: its UUID, else its MAC address. */
  readonly id: string
  readonly state: MachineState
  /** Since when it is in this state. */
  readonly since: string
  readonly firstAt: string
  /** Who asks under this id, the newest first, bounded. */
  readonly claimants: readonly Claimant[]
  readonly approval?: Approval | undefined
  readonly delivery?: ConfigDelivery | undefined
  /** What it was made when its configuration was taken: the approval is gone by then. */
  readonly order?: MachineOrder | undefined
  /** A person keeps it for who asks from this address, until then: nobody else is taken note of. */
  readonly keptFor?: { readonly address: string; readonly until: string } | undefined
  readonly verifiedAt?: string | undefined
  /** Why it was rejected, or what went wrong last, as a clause. */
  readonly trouble?: string | undefined
}

const claimShape = object<Claim>({
  uuid: optional(text),
  mac: optional(text),
  serial: optional(text),
  hostname: optional(text),
})
const wayShape = oneOf<Way>({ plain: true, 'device-flow': true, maintenance: true })
const orderShape = object<MachineOrder>({
  name: text,
  role: oneOf<Role>({ controlplane: true, worker: true }),
  labels: mapOf(text),
  patches: listOf(text),
})

/** Machines by what they are known by. All but those that only ask, or were rejected, are kept for ever. */
export const machineKind: RecordKind<Machine> = {
  name: 'provision.machine',
  parse: object<Machine>({
    id: text,
    state: oneOf<MachineState>({
      pending: true,
      approved: true,
      delivering: true,
      delivered: true,
      verified: true,
      locked: true,
      rejected: true,
    }),
    since: time,
    firstAt: time,
    claimants: listOf(
      object<Claimant>({
        address: text,
        claim: claimShape,
        way: wayShape,
        flow: optional(text),
        code: text,
        asked: number,
        tries: optional(number),
        isRejected: optional(flag),
        card: optional(text),
        firstAt: time,
        lastAt: time,
      }),
    ),
    approval: optional(
      object<Approval>({
        at: time,
        until: time,
        by: text,
        code: text,
        address: text,
        claim: claimShape,
        order: orderShape,
        fingerprint: optional(text),
      }),
    ),
    delivery: optional(
      object<ConfigDelivery>({
        at: time,
        address: text,
        way: wayShape,
        sha256: text,
        isWhole: flag,
        addresses: optional(listOf(text)),
      }),
    ),
    order: optional(orderShape),
    keptFor: optional(object<NonNullable<Machine['keptFor']>>({ address: text, until: time })),
    verifiedAt: optional(time),
    trouble: optional(text),
  }),
  keyOf: ({ id }) => id,
  isOpen: ({ state }) => state !== 'pending' && state !== 'rejected',
  retention: { most: 256, age: 90 * 86_400_000, isExpendable: true },
}
