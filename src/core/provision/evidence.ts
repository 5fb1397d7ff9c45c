import { listed } from '../count.ts'
import { describeDuration } from '../duration.ts'
import { type Boot, hasLoaded } from '../netboot/boots.ts'
import { waitingClaimants } from './claimants.ts'
import type { Claimant, Machine } from './machine.ts'
import type { Way } from './question.ts'

/** What speaks for a machine, what would and is not there, and what is odd; a sentence each, without a full stop. */
export interface Evidence {
  readonly kind: 'for' | 'missing' | 'odd'
  readonly text: string
}

/** How long before it asked it must have been seen booting, in ms. */
export const bootWithin = 15 * 60_000

/** A node that is there already, by what it is known by. */
export interface KnownNode {
  readonly name: string
  readonly macs: readonly string[]
  /** In lower case. */
  readonly uuid: string | undefined
  /** It answered when the cluster was looked at last. */
  readonly isUp: boolean
}

export interface EvidenceFacts {
  readonly machine: Machine
  readonly claimant: Claimant
  /** Every other machine on record. */
  readonly others: readonly Machine[]
  /** Tries of machines to boot from the network. */
  readonly boots: readonly Boot[]
  readonly nodes: readonly KnownNode[]
  /** How machines like it ask. */
  readonly expected: Way
  readonly now: number
}

/** Everything that a person should know before one of them is approved. */
export function evidenceFor(given: EvidenceFacts): readonly Evidence[] {
  const facts = { ...given, boots: given.boots.filter(wasSeen) }
  return [...ofBoots(facts), ...ofCard(facts), ...ofOthers(facts), ...ofHistory(facts)]
}

/** It looked for a boot, or loaded something: a request for its configuration is a try as well, and is evidence for nobody. */
function wasSeen({ asked, file }: Boot): boolean {
  return asked > 0 || file !== undefined
}

/** From us, as far as it is seen. */
function hasLoadedHere(boot: Boot): boolean {
  return hasLoaded(boot) && boot.isServedHere !== false
}

/**
 * Whether it is what it says, as far as a network can tell: it was seen booting, its card is the one that it claims or
 * belongs to the same board, and nothing contradicts that.
 */
export function isBorneOut(evidence: readonly Evidence[]): boolean {
  return evidence.every(({ kind }) => kind === 'for')
}

/** Boots that ended as it began to ask, or while it did, newest first. */
function boundUp({ boots, claimant }: EvidenceFacts): readonly Boot[] {
  const from = Date.parse(claimant.firstAt) - bootWithin
  return boots
    .filter(({ lastAt }) => Date.parse(lastAt) >= from && lastAt <= claimant.lastAt)
    .toSorted((one, other) => (one.lastAt < other.lastAt ? 1 : -1))
}

/** Whether it was seen loading an image at its address, not long ago; what was seen contradicts it nowhere. */
export function wasSeenBooting(
  claimant: Pick<Claimant, 'address' | 'claim' | 'card'>,
  boots: readonly Boot[],
): boolean {
  return boots.some(
    (boot) => isThere(boot, claimant) && isOf(boot, claimant) && hasLoadedHere(boot) && !contradicts(boot, claimant),
  )
}

/**
 * Whether it booted where the claimant asks from. Routers often give firmware and Talos different addresses, because they name
 * themselves differently (DHCP option 61): then the card that is seen at the address has to be the one that booted.
 */
function isThere(boot: Boot, { address, card }: Pick<Claimant, 'address' | 'card'>): boolean {
  return boot.address === address || (card !== undefined && boot.mac === card)
}

function isOf(boot: Boot, { claim }: Pick<Claimant, 'claim'>): boolean {
  return (boot.mac !== undefined && boot.mac === claim.mac) || (boot.uuid !== undefined && boot.uuid === claim.uuid)
}

/** Whether what booted says that it is another machine: by its UUID, else by its card. */
function contradicts(boot: Boot, { claim }: Pick<Claimant, 'claim'>): boolean {
  if (boot.uuid !== undefined && claim.uuid !== undefined) return boot.uuid !== claim.uuid
  return boot.mac !== undefined && claim.mac !== undefined && boot.mac !== claim.mac
}

function ofBoots(facts: EvidenceFacts): readonly Evidence[] {
  const { claimant, now } = facts
  const recent = boundUp(facts)
  const here = recent.filter(({ address }) => address === claimant.address)
  const ago = ({ lastAt }: Boot) => `${describeDuration(Math.max(0, now - Date.parse(lastAt)))} ago`
  const own = recent.find(
    (boot) =>
      isThere(boot, claimant) &&
      (boot.address === claimant.address || isOf(boot, claimant)) &&
      !contradicts(boot, claimant) &&
      hasLoadedHere(boot),
  )
  const other = here.find((boot) => contradicts(boot, claimant))
  const asked = recent.find((boot) => isOf(boot, claimant))
  const odd: readonly Evidence[] = other
    ? [
        {
          kind: 'odd',
          text: `what booted at ${claimant.address} ${ago(other)} was another machine, ${listed([other.mac, other.uuid].filter((one) => one !== undefined))}`,
        },
      ]
    : []
  if (own) {
    const by = own.kind === 'http' ? 'by HTTP' : 'over TFTP'
    const where =
      own.address === claimant.address ? 'at this address' : `at ${own.address ?? 'another address'}, with this card,`
    return [{ kind: 'for', text: `it loaded ${own.file} from Caretaker ${by} ${where} ${ago(own)}` }, ...odd]
  }
  if (asked && (asked.address === undefined || asked.address === claimant.address))
    return [{ kind: 'for', text: `it asked for a boot from the network ${ago(asked)}` }, ...odd]
  const why = `nothing was seen booting at ${claimant.address} in the ${describeDuration(bootWithin)} before it asked`
  return [{ kind: 'missing', text: why }, ...odd]
}

function ofCard({ claimant, boots }: EvidenceFacts): readonly Evidence[] {
  const { address, claim, card } = claimant
  if (card === undefined)
    return [{ kind: 'missing', text: `the card at ${address} can't be seen: it is not in our network, or IPv6` }]
  if (claim.mac === undefined)
    return [{ kind: 'missing', text: `it does not say its MAC address; the card at ${address} is ${card}` }]
  if (card === claim.mac) return [{ kind: 'for', text: `the card at ${address} is ${card}, as it says` }]
  const isSibling = claim.uuid !== undefined && boots.some(({ mac, uuid }) => mac === card && uuid === claim.uuid)
  if (isSibling) return [{ kind: 'for', text: `the card at ${address} is ${card}, another one of the same board` }]
  return [
    {
      kind: 'odd',
      text: `the card at ${address} is ${card}, and it says ${claim.mac}: another card of its, or another machine`,
    },
  ]
}

function ofOthers({ machine, claimant, others, nodes, now }: EvidenceFacts): readonly Evidence[] {
  const { claim } = claimant
  const rivals = waitingClaimants(machine, now).filter(
    ({ address, code, flow }) => code !== claimant.code && (address !== claimant.address || flow !== undefined),
  )
  const sameCard = others.filter(
    (other) => claim.mac !== undefined && other.claimants.some((one) => one.claim.mac === claim.mac),
  )
  const node = nodes.find(
    ({ macs, uuid }) =>
      (claim.mac !== undefined && macs.includes(claim.mac)) || (uuid !== undefined && uuid === claim.uuid),
  )
  return [
    ...(rivals.length === 0
      ? []
      : [
          {
            kind: 'odd' as const,
            text: `${listed([...new Set(rivals.map(({ address }) => address))])} ${rivals.length === 1 ? 'claims' : 'claim'} to be the same machine: compare the code with its console`,
          },
        ]),
    ...sameCard.map(({ id }) => ({ kind: 'odd' as const, text: `${id} says that it has the same card` })),
    ...(node === undefined ? [] : [ofNode(node)]),
  ]
}

function ofNode({ name, isUp }: KnownNode): Evidence {
  return isUp
    ? { kind: 'odd', text: `it says that it is ${name}, which answers as a node of the cluster` }
    : { kind: 'for', text: `it says that it is ${name}, which does not answer` }
}

function ofHistory({ machine, claimant, expected, now }: EvidenceFacts): readonly Evidence[] {
  const { delivery } = machine
  const isPlain = claimant.way === 'plain' && expected === 'device-flow'
  return [
    ...(delivery === undefined
      ? []
      : [
          {
            kind: 'odd' as const,
            text: `it was sent its configuration ${describeDuration(Math.max(0, now - Date.parse(delivery.at)))} ago, to ${delivery.address}`,
          },
        ]),
    ...(isPlain
      ? [
          {
            kind: 'odd' as const,
            text: 'it asks without the device flow: its image does not have the arguments for it',
          },
        ]
      : []),
  ]
}
