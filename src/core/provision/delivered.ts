import type { Claim } from './question.ts'
import type { Machine } from './machine.ts'
import type { MemberLook } from './seen.ts'

/** How long a machine may take until it answers as a node, in ms: an installation pulls an image, and writes it. */
const joinsWithin = 20 * 60_000

/** Those that have their configuration and have not joined yet: they are looked at. */
export function awaited(machines: readonly Machine[]): readonly Machine[] {
  return machines.filter(
    ({ state, delivery }) =>
      delivery !== undefined && (state === 'delivering' || state === 'delivered' || state === 'verified'),
  )
}

/** What was seen of a machine that has its configuration. */
export type Arrival =
  | { readonly kind: 'member'; readonly look: MemberLook }
  /** It waits in maintenance again, so that its installation has failed. */
  | { readonly kind: 'maintenance' }
  /** Of another cluster, or with a certificate that is not ours; why, for people. */
  | { readonly kind: 'stranger'; readonly why: string }
  | { readonly kind: 'silent' }

export interface ArrivalJudgement {
  /** It is the machine that was given its configuration. */
  readonly isVerified: boolean
  readonly isJoined: boolean
  /** As a clause; undefined: there is none. */
  readonly trouble: string | undefined
}

/** Where a machine with its configuration is looked for: where it asked from, and where its configuration puts it. */
export function placesOf({ delivery }: Pick<Machine, 'delivery'>): readonly string[] {
  return delivery === undefined ? [] : [...new Set([delivery.address, ...(delivery.addresses ?? [])])]
}

/** What was seen at one of its places. */
export interface SeenArrival {
  readonly address: string
  readonly arrival: Arrival
}

const weights: Readonly<Record<Arrival['kind'], number>> = { member: 0, maintenance: 1, stranger: 2, silent: 3 }

/**
 * What counts of several places: the machine itself, wherever it is; else what says most. The address that it has left may
 * be another machine's by now, so that a stranger there says nothing.
 */
export function chooseArrival(machine: Machine, seen: readonly SeenArrival[], now: number): SeenArrival | undefined {
  const itself = seen.find(({ address, arrival }) => judgeArrival(machine, { address, arrival }, now).isVerified)
  if (itself) return itself
  const [first, ...others] = seen
  const hasMoved = first?.arrival.kind === 'stranger' && others.length > 0
  return (hasMoved ? others : seen).toSorted((one, other) => weights[one.arrival.kind] - weights[other.arrival.kind])[0]
}

/** What a look at a machine with its configuration says. `now`: in ms. */
export function judgeArrival(
  { delivery, claimants, order }: Machine,
  { address, arrival }: SeenArrival,
  now: number,
): ArrivalJudgement {
  const nothing = { isVerified: false, isJoined: false, trouble: undefined }
  const sinceMs = delivery === undefined ? 0 : now - Date.parse(delivery.at)
  const isLate = sinceMs > joinsWithin
  switch (arrival.kind) {
    case 'member': {
      const { look } = arrival
      const claim = claimOfTaker(claimants, delivery?.address ?? '')
      if (!isSame(look, claim))
        return { ...nothing, trouble: `another machine answers as a node at ${address}, with ${describe(look)}` }
      if (order !== undefined && look.role !== undefined && look.role !== order.role)
        return { ...nothing, trouble: `it has come up as ${look.role}, and not as ${order.role}` }
      return { isVerified: true, isJoined: look.stage === 'running', trouble: undefined }
    }
    case 'maintenance':
      // For a moment it is still there with its configuration.
      return sinceMs < 60_000
        ? nothing
        : {
            ...nothing,
            trouble:
              'it waits in maintenance again, so its installation has failed: look at its console, and approve it again',
          }
    case 'stranger':
      return { ...nothing, trouble: `what answers at ${address} is no node of this cluster: ${arrival.why}` }
    case 'silent':
      return isLate
        ? {
            ...nothing,
            trouble: `it has had its configuration for ${Math.round(sinceMs / 60_000)} min and does not answer as a node: its console says why`,
          }
        : nothing
    default:
      return arrival satisfies never
  }
}

function claimOfTaker(claimants: Machine['claimants'], address: string): Claim {
  return (claimants.find((one) => one.address === address) ?? claimants[0])?.claim ?? {}
}

function isSame({ uuid, macs }: MemberLook, claim: Claim): boolean {
  if (claim.uuid !== undefined) return claim.uuid === uuid
  return claim.mac !== undefined && macs.includes(claim.mac)
}

function describe({ uuid, name, macs }: MemberLook): string {
  const parts = [name, uuid === undefined ? undefined : `UUID ${uuid}`, macs[0]].filter((part) => part !== undefined)
  return parts.join(', ') || 'neither a UUID nor a network card'
}
