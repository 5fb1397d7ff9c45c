import { defined } from '../defined.ts'
import type { Claimant, Machine } from './machine.ts'
import { triesAfter } from './pace.ts'
import { type Claim, type ConfigQuestion, idOf } from './question.ts'

/** From so many who claim to be one machine on, others find no place. */
export const mostClaimants = 8
/**
 * So many are kept of one machine, and so many of them at one address. Whoever comes later is nobody. Whom a person has
 * rejected takes no place of another one.
 */
const most = { ofOne: mostClaimants, atOneAddress: 3, rejected: 8 }
/**
 * Whoever has been silent for so long is gone, in ms: the longest gap of Talos' tries within their three hours is 68 min
 * (`pace.ts`), and it begins anew then.
 */
export const goneAfter = 75 * 60_000
/** How long a machine is kept for one address, in ms. */
export const keptLasts = 3_600_000
/** A device flow in which nobody has polled for so long is over where another one has begun, in ms: polls come every 5 s. */
const flowSilent = 45_000

/** Whoever asks with this question, if it has asked before. A new device flow of whom a person has rejected is nobody new. */
export function claimantOf(
  machine: Pick<Machine, 'claimants'>,
  { flow, ...question }: ConfigQuestion,
): Claimant | undefined {
  const alike = machine.claimants.filter((one) => isAlike(one, question))
  return alike.find((one) => one.flow === flow) ?? alike.find(({ isRejected }) => isRejected === true)
}

/** Whether both say the same from the same address: nothing but the flow tells them apart. */
function isAlike(one: Claimant, { claim, address, way }: Pick<Claimant, 'claim' | 'address' | 'way'>): boolean {
  return one.address === address && one.way === way && one.claim.uuid === claim.uuid && one.claim.mac === claim.mac
}

/** Whether a device flow is over because what was in it has begun another one, as after a restart. */
export function isSuperseded({ claimants }: Pick<Machine, 'claimants'>, one: Claimant, now: number): boolean {
  if (one.flow === undefined || now - Date.parse(one.lastAt) <= flowSilent) return false
  return claimants.some((other) => other !== one && isAlike(other, one) && other.lastAt > one.lastAt)
}

/**
 * Whether it has asked lately, so that somebody may still wait for an answer. One that asked in what is the future, since the
 * clock was put back, asks again if it is there.
 */
export function isAsking({ lastAt }: Pick<Claimant, 'lastAt'>, now: number): boolean {
  return Math.abs(now - Date.parse(lastAt)) <= goneAfter
}

/** Those that wait for a person to decide, the newest first: they ask, nobody has rejected them, and nothing is approved for them. */
export function waitingClaimants(machine: Machine, now: number): readonly Claimant[] {
  if (machine.state === 'rejected') return []
  return machine.claimants.filter(
    (one) =>
      one.isRejected !== true &&
      one.code !== machine.approval?.code &&
      isAsking(one, now) &&
      !isSuperseded(machine, one, now),
  )
}

/** What is known of a machine, by everyone who claims to be it: what the one that is meant says goes first. */
export function claimOf(machine: Machine): Claim {
  const meant = machine.claimants.find(({ code }) => code === machine.approval?.code)
  const all = [...(meant ? [meant] : []), ...machine.claimants]
  const first = (field: keyof Claim) => all.map(({ claim }) => claim[field]).find((value) => value !== undefined)
  return { uuid: first('uuid'), mac: first('mac'), serial: first('serial'), hostname: first('hostname') }
}

/** When it asked last, ISO 8601. */
export function lastAtOf({ claimants, since }: Pick<Machine, 'claimants' | 'since'>): string {
  return claimants.reduce((last, { lastAt }) => (lastAt > last ? lastAt : last), claimants.length === 0 ? since : '')
}

export interface NotedQuestion {
  readonly machine: Machine
  readonly claimant: Claimant
  /** Nobody has asked so before. */
  readonly isNew: boolean
}

/**
 * Takes note of a question. Undefined where too many claim to be this machine: those that were there first stay, so that
 * nobody drives away the one that it is.
 *
 * @param code makes a code that nobody has
 */
export function noteQuestion(
  machine: Machine | undefined,
  question: ConfigQuestion,
  { at, code }: { readonly at: string; readonly code: () => string },
): NotedQuestion | undefined {
  const { claim, address, way, flow, isHeld } = question
  const now = Date.parse(at)
  if (machine?.keptFor && isKept(machine.keptFor, now) && machine.keptFor.address !== address) return undefined
  const before = machine === undefined ? undefined : claimantOf(machine, question)
  if (machine && before) {
    const claimant: Claimant = {
      ...before,
      // What it does not say this time it has said before.
      claim: { ...before.claim, ...defined(claim) },
      ...(isHeld ? {} : { asked: before.asked + 1, tries: triesAfter(before, now) }),
      lastAt: at,
    }
    const others = machine.claimants.filter((one) => one !== before)
    return { machine: { ...machine, claimants: [claimant, ...others] }, claimant, isNew: false }
  }
  const others = machine === undefined ? [] : roomIn(machine, question, now)
  if (!others) return undefined
  const begun = { ...(flow === undefined ? {} : { flow }), code: code(), asked: 1, tries: 1 }
  const claimant: Claimant = { address, claim, way, ...begun, firstAt: at, lastAt: at }
  const known = machine ?? { id: idOf(claim)!, state: 'pending', since: at, firstAt: at, claimants: [] }
  return { machine: { ...known, claimants: [claimant, ...others] }, claimant, isNew: true }
}

/** A clock that was put back does not make it longer. */
function isKept({ until }: NonNullable<Machine['keptFor']>, now: number): boolean {
  const left = Date.parse(until) - now
  return left > 0 && left <= keptLasts
}

/** Those that stay where another one comes; undefined where none goes. */
function roomIn(
  { claimants, approval }: Machine,
  question: ConfigQuestion,
  now: number,
): readonly Claimant[] | undefined {
  const { address, flow } = question
  const isOver = (one: Claimant) =>
    flow !== undefined &&
    isAlike(one, question) &&
    one.isRejected !== true &&
    one.code !== approval?.code &&
    now - Date.parse(one.lastAt) > flowSilent
  const stays = (one: Claimant) => isAsking(one, now) || one.code === approval?.code || one.isRejected === true
  const rejected = claimants.filter((one) => one.isRejected === true)
  let left = claimants.filter((one) => !rejected.slice(most.rejected).includes(one) && !isOver(one))
  const isFull = () =>
    left.filter((one) => one.isRejected !== true).length >= most.ofOne ||
    left.filter((one) => one.address === address).length >= most.atOneAddress
  // Those that were silent the longest stand last.
  for (const one of claimants.toReversed()) if (isFull() && !stays(one)) left = left.filter((other) => other !== one)
  return isFull() ? undefined : left
}
