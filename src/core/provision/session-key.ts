import type { RecordKind } from '../records.ts'
import { flag, object, text, time } from '../shape.ts'
import { isAsking } from './claimants.ts'
import type { Approval, Claimant, Machine } from './machine.ts'
import type { MaintenanceLook, MeantMachine } from './seen.ts'

/**
 * The key by which a machine answered in maintenance. It proves nothing, but whoever has another one is not whom a person
 * looked at. Times are ISO 8601.
 */
export interface SessionKey {
  /** Of the machine. */
  readonly id: string
  readonly address: string
  /** As its console shows it. */
  readonly fingerprint: string
  /** Since when it answers by it. */
  readonly since: string
  /** No other was seen at this address before. */
  readonly isFirst: boolean
}

/** Kept over restarts: a key that changed meanwhile is to be noticed. */
export const sessionKeyKind: RecordKind<SessionKey> = {
  name: 'provision.session-key',
  parse: object<SessionKey>({ id: text, address: text, fingerprint: text, since: time, isFirst: flag }),
  keyOf: ({ id, address }) => `${id} ${address}`,
  isOpen: () => false,
  retention: { most: 128, age: 7 * 86_400_000, isExpendable: true },
}

/** How long a machine takes at most from its configuration until its API is closed, in ms. */
const leavesWithin = 60_000

/**
 * Those that wait in maintenance, as far as they have said: their API is to be looked at. One that had its configuration and
 * is still there refused it, and never asks by itself again.
 */
export function waitingInMaintenance(
  machines: readonly Machine[],
  now: number,
): readonly { readonly machine: Machine; readonly claimant: Claimant }[] {
  return machines.flatMap((machine) => {
    const { state, approval, delivery } = machine
    const isLate = delivery !== undefined && now - Date.parse(delivery.at) > leavesWithin
    const mayBeThere = (one: Claimant) =>
      one.asked > 0 ||
      (state === 'approved' && approval?.code === one.code) ||
      (isLate && (state === 'delivering' || state === 'delivered') && delivery.address === one.address)
    return machine.claimants
      .filter((one) => one.way === 'maintenance' && one.isRejected !== true && isAsking(one, now) && mayBeThere(one))
      .map((claimant) => ({ machine, claimant }))
  })
}

/** The key as it is after a look; the same where it is. */
export function nextKey(
  before: SessionKey | undefined,
  seen: Pick<SessionKey, 'id' | 'address' | 'fingerprint'>,
  at: string,
): SessionKey {
  if (before?.fingerprint === seen.fingerprint) return before
  return { ...seen, since: at, isFirst: before === undefined }
}

/** Why what answers is not the machine that asked, as a clause; undefined where it is. */
export function whyAnother(
  look: Pick<MaintenanceLook, 'uuid' | 'macs'>,
  { claim: { uuid, mac }, address }: Pick<Claimant, 'claim' | 'address'>,
): string | undefined {
  if (uuid !== undefined && look.uuid !== uuid)
    return `another machine answers at ${address}, with ${look.uuid === undefined ? 'no UUID' : `the UUID ${look.uuid}`}`
  if (uuid === undefined && (mac === undefined || !look.macs.includes(mac)))
    return `another machine answers at ${address}, with other network cards`
  return undefined
}

export type Giving =
  | { readonly kind: 'give'; readonly meant: MeantMachine }
  /** As a clause. */
  | { readonly kind: 'refuse'; readonly why: string }

/**
 * Whether the machine that answers may have what was approved: its key is the one that a person saw. Where a person insisted before any key
 * was seen it is the first one that answers.
 */
export function decideGiving(
  key: SessionKey,
  { claim: { uuid, mac }, address }: Pick<Claimant, 'claim' | 'address'>,
  { at, fingerprint }: Pick<Approval, 'at' | 'fingerprint'>,
): Giving {
  const isAnother = fingerprint === undefined ? !key.isFirst && key.since > at : key.fingerprint !== fingerprint
  if (isAnother)
    return {
      kind: 'refuse',
      why: `the key that answers at ${address} has changed since it was approved: it was restarted, or another machine answers; compare its console with ${key.fingerprint}, and approve it again`,
    }
  return { kind: 'give', meant: { fingerprint: key.fingerprint, uuid, mac } }
}
