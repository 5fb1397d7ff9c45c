import { AgentError } from '../errors.ts'
import { claimantOf, keptLasts, waitingClaimants } from './claimants.ts'
import type { Approval, Claimant, Machine, MachineOrder, MachineState } from './machine.ts'
import type { ConfigQuestion } from './question.ts'

/** How long an approval stands, in ms. */
export const approvalLasts = 30 * 60_000
/** A clock that was put back by more than this ends an approval, in ms: nobody knows how old it is. */
const clockMayDiffer = 60_000

/** What was approved, as long as it stands. */
export function standingApproval({ state, approval }: Machine, now: number): Approval | undefined {
  if (state !== 'approved' || !approval) return undefined
  const isStanding = now < Date.parse(approval.until) && now >= Date.parse(approval.at) - clockMayDiffer
  return isStanding ? approval : undefined
}

/** Whether this one may have its configuration now. */
export function mayTake(machine: Machine, claimant: Claimant, now: number): boolean {
  return standingApproval(machine, now)?.code === claimant.code && claimant.isRejected !== true
}

/** What it is where nothing is approved: what it had come to before. */
function stateWithout({ delivery, verifiedAt }: Machine): MachineState {
  if (verifiedAt !== undefined) return 'locked'
  if (delivery === undefined) return 'pending'
  return delivery.isWhole ? 'delivered' : 'delivering'
}

/** Without an approval that has run out; the same where none has. */
export function withoutExpired(machine: Machine, now: number, at: string): Machine {
  if (machine.state !== 'approved' || standingApproval(machine, now)) return machine
  return { ...machine, state: stateWithout(machine), since: at, approval: undefined, trouble: undefined }
}

/** May have its configuration once. */
export function approved(
  machine: Machine,
  {
    code,
    order,
    by,
    at,
    fingerprint,
  }: {
    readonly code: string
    readonly order: MachineOrder
    readonly by: string
    readonly at: string
    readonly fingerprint?: string | undefined
  },
): Machine {
  const { address, claim } = machine.claimants.find((one) => one.code === code)!
  const until = new Date(Date.parse(at) + approvalLasts).toISOString()
  return {
    ...machine,
    state: 'approved',
    since: at,
    claimants: machine.claimants.map((one) => (one.code === code ? { ...one, isRejected: undefined } : one)),
    approval: { at, until, by, code, address, claim, order, ...(fingerprint === undefined ? {} : { fingerprint }) },
    trouble: undefined,
  }
}

export interface Rejection {
  /** Without one: all that ask under its id. */
  readonly code: string | undefined
  readonly reason: string | undefined
  readonly at: string
}

/** Does not get its configuration. What was approved for whoever is rejected is withdrawn. */
export function rejected(machine: Machine, { code, reason, at }: Rejection): Machine {
  const claimants = machine.claimants.map((one) =>
    code === undefined || one.code === code ? { ...one, isRejected: true } : one,
  )
  const isWithdrawn = machine.approval !== undefined && (code === undefined || machine.approval.code === code)
  const approval = isWithdrawn ? undefined : machine.approval
  const before = isWithdrawn ? stateWithout(machine) : machine.state
  const state = before === 'pending' && claimants.every(({ isRejected }) => isRejected) ? 'rejected' : before
  const since = state === machine.state ? machine.since : at
  // What was wrong with what was approved is over with it.
  const trouble = isWithdrawn ? undefined : machine.trouble
  return { ...machine, claimants, approval, state, since, trouble: state === 'rejected' ? reason : trouble }
}

/** It is kept for who asks from this address: whoever else claims to be it is forgotten, and is not taken note of for an hour. */
export function keptFor(machine: Machine, address: string, at: string): Machine {
  const isWithdrawn = machine.approval !== undefined && machine.approval.address !== address
  const state = isWithdrawn || machine.state === 'rejected' ? stateWithout(machine) : machine.state
  return {
    ...machine,
    state,
    since: state === machine.state ? machine.since : at,
    claimants: machine.claimants.filter((one) => one.address === address),
    ...(isWithdrawn ? { approval: undefined, trouble: undefined } : {}),
    keptFor: { address, until: new Date(Date.parse(at) + keptLasts).toISOString() },
  }
}

export interface Taking {
  readonly question: ConfigQuestion
  /** Of what is sent. */
  readonly sha256: string
  /** Those that it gives itself by it. */
  readonly addresses: readonly string[]
  readonly at: string
  /** Another code for whoever takes it: what it was approved by is used up, buttons and all. */
  readonly code: string
}

/**
 * Its configuration is taken for delivery.
 *
 * @throws AgentError `rejected` where it may not have it
 */
export function taken(machine: Machine, { question, sha256, addresses, at, code }: Taking): Machine {
  const claimant = claimantOf(machine, question)
  const approval = standingApproval(machine, Date.parse(at))
  if (!claimant || !approval || !mayTake(machine, claimant, Date.parse(at)))
    throw new AgentError('rejected', 'nothing is approved for it')
  return {
    ...machine,
    state: 'delivering',
    since: at,
    claimants: machine.claimants.map((one) => (one === claimant ? { ...one, code, asked: 0, firstAt: at } : one)),
    approval: undefined,
    order: approval.order,
    delivery: { at, address: question.address, way: question.way, sha256, isWhole: false, addresses },
    verifiedAt: undefined,
    trouble: undefined,
  }
}

/** Whether this transfer is still the one that it waits for. */
function isDelivering({ state, delivery }: Machine, at: string): boolean {
  return state === 'delivering' && delivery?.at === at
}

/** Every byte of the delivery that began at `begun` has left. */
export function sent(machine: Machine, begun: string, at: string): Machine {
  if (!isDelivering(machine, begun) || !machine.delivery) return machine
  return {
    ...machine,
    state: 'delivered',
    since: at,
    delivery: { ...machine.delivery, isWhole: true },
    trouble: undefined,
  }
}

/** The delivery that began at `begun` was cut off. */
export function cutOff(machine: Machine, begun: string, why: string): Machine {
  return isDelivering(machine, begun) ? { ...machine, trouble: why } : machine
}

/** It answers as a member of the cluster. A transfer of which the end was not seen was whole, then. */
export function verified(machine: Machine, uuid: string, at: string): Machine {
  const isExpected = machine.state === 'delivering' || machine.state === 'delivered'
  const own = machine.claimants.map(({ claim }) => claim.uuid).find((one) => one !== undefined)
  if (!isExpected || !machine.delivery || (own !== undefined && own !== uuid.toLowerCase())) return machine
  return {
    ...machine,
    state: 'verified',
    since: at,
    verifiedAt: at,
    delivery: { ...machine.delivery, isWhole: true },
    trouble: undefined,
  }
}

/** It has joined the cluster. */
export function joined(machine: Machine, at: string): Machine {
  return machine.state === 'verified' ? { ...machine, state: 'locked', since: at, trouble: undefined } : machine
}

/** What it may mean that one that had its configuration asks again, as a clause. */
export function whyAgain({ state }: Pick<Machine, 'state'>): string {
  return `${state === 'delivering' ? 'what it was sent did not all arrive, it was reset' : 'it was reset or wiped'}, or somebody pretends to be it`
}

/** Whether it had its configuration before, and somebody asks in its name again. */
export function asksAgain(machine: Machine, now: number): boolean {
  return machine.delivery !== undefined && waitingClaimants(machine, now).some(({ asked }) => asked > 0)
}
