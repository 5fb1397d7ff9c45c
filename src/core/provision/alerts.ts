import type { AlertContent } from '../alert.ts'
import { describeDuration } from '../duration.ts'
import { asksAgain, whyAgain } from './lifecycle.ts'
import { waitingClaimants } from './claimants.ts'
import type { Claimant, Machine } from './machine.ts'

/** A machine on record, with what its alerts say of it. */
export interface ToldMachine {
  readonly machine: Machine
  /** What people call it. */
  readonly name: string
  /** It is written in machines.yaml, or was seen booting: it is told of before others. */
  readonly isKnown: boolean
  /** What it is, as a clause: `a Proxmox machine, 52:54:00:12:34:56`. */
  readonly about: string
  /** What is odd about one of those who ask, as clauses. */
  readonly oddities: (claimant: Claimant) => readonly string[]
}

export type ProvisionAlertKind =
  | 'provision.pending'
  | 'provision.others'
  | 'provision.again'
  | 'provision.rival'
  | 'provision.trouble'

/** So many machines that wait are told of one by one. */
export const mostTold = 8
/** What was sent its configuration should answer within this, in ms: it installs and reboots meanwhile. */
export const answersWithin = 45 * 60_000

const once = 'It gets nothing without a new approval'

/** What people should know of machines on their way: for each kind of alert the machines, by id. */
export function planProvisionAlerts(
  all: readonly ToldMachine[],
  /** Ids of those that there is a `provision.pending` for: they keep it. */
  told: ReadonlySet<string>,
  now: number,
): Readonly<Record<ProvisionAlertKind, ReadonlyMap<string, AlertContent>>> {
  const pending = all
    .filter(({ machine }) => machine.state === 'pending' && waitingClaimants(machine, now).length > 0)
    .toSorted(
      (one, other) => rank(one, told) - rank(other, told) || (one.machine.firstAt < other.machine.firstAt ? -1 : 1),
    )
  const each = (content: (one: ToldMachine, now: number) => AlertContent | undefined) =>
    new Map(
      all.flatMap((one) => {
        const found = content(one, now)
        return found ? [[one.machine.id, found] as const] : []
      }),
    )
  return {
    'provision.pending': new Map(pending.slice(0, mostTold).map((one) => [one.machine.id, pendingAlert(one, now)])),
    'provision.others': new Map(pending.length > mostTold ? [['all', othersAlert]] : []),
    'provision.again': each(againAlert),
    'provision.rival': each(rivalAlert),
    'provision.trouble': each(troubleAlert),
  }
}

function rank({ machine, isKnown }: ToldMachine, told: ReadonlySet<string>): number {
  return (isKnown ? 0 : 2) + (told.has(machine.id) ? 0 : 1)
}

const othersAlert: AlertContent = {
  severity: 'warning',
  subject: 'machines',
  text: `More than ${mostTold} machines ask for their configuration, more than are likely to be yours: somebody may be making them up`,
  action: '`caretaker machine list` shows them; they get nothing unless they are approved',
}

function pendingAlert({ machine, name, about, oddities }: ToldMachine, now: number): AlertContent {
  const [first, ...others] = waitingClaimants(machine, now)
  const { code, address } = first!
  const odd = others.length === 0 ? oddities(first!) : []
  return {
    severity: 'warning',
    subject: name,
    text:
      others.length === 0
        ? `${name} asks for its configuration: ${about === '' ? '' : `${about}, `}at ${address}, code ${code}${odd.map((one) => `; ${one}`).join('')}`
        : `${others.length + 1} claim to be ${name} and ask for its configuration: ${[first!, ...others].map((one) => `${one.address} with code ${one.code}`).join(', ')}`,
    action: `Compare the code${first!.way === 'maintenance' ? ', and its key,' : ''} with its console, then \`caretaker machine approve ${code}\` or \`caretaker machine reject ${code}\``,
    ...(others.length === 0 ? { offers: offersOf(first!) } : {}),
  }
}

/**
 * Only of what is alone: where several claim to be one machine a person has to look at its console. One in maintenance is
 * approved where its key is shown, which a message does not do.
 */
function offersOf({ code, way }: Claimant): NonNullable<AlertContent['offers']> {
  const reject = { do: 'turn-away', subject: code } as const
  return way === 'maintenance' ? [reject] : [{ do: 'admit', subject: code }, reject]
}

/** It had its configuration, and somebody asks in its name. */
function againAlert({ machine, name }: ToldMachine, now: number): AlertContent | undefined {
  if (machine.state === 'approved' || !asksAgain(machine, now)) return undefined
  const [{ address, code }] = waitingClaimants(machine, now).filter(({ asked }) => asked > 0) as [Claimant]
  const known = {
    delivering: 'was being sent its configuration',
    verified: 'has joined the cluster',
    locked: 'has joined the cluster',
  }[machine.state as string]
  const elsewhere =
    machine.delivery?.address === address ? '' : `, which was sent to ${machine.delivery?.address} before`
  return {
    severity: 'warning',
    subject: name,
    text: `${name} ${known ?? 'was sent its configuration'} and asks for its configuration again, at ${address}${elsewhere}: ${whyAgain(machine)}`,
    action: `${once}: compare the code ${code} with its console, then \`caretaker machine approve ${code}\` or \`caretaker machine reject ${code}\``,
  }
}

/** One is approved, and another one claims to be it. */
function rivalAlert({ machine, name }: ToldMachine, now: number): AlertContent | undefined {
  const [rival] = machine.state === 'approved' ? waitingClaimants(machine, now) : []
  if (!rival || !machine.approval) return undefined
  return {
    severity: 'warning',
    subject: name,
    text:
      rival.flow !== undefined && rival.address === machine.approval.address
        ? `${name} is approved at ${rival.address} by code ${machine.approval.code}, and ${rival.code} is shown there as well: it was restarted, or somebody pretends to be it`
        : `${name} is approved at ${machine.approval.address}, and ${rival.address} claims to be it: that one gets nothing`,
    action: `See which of them shows ${machine.approval.code}; \`caretaker machine reject ${name}\` withdraws the approval`,
  }
}

function troubleAlert({ machine, name }: ToldMachine, now: number): AlertContent | undefined {
  const { state, delivery, trouble, since } = machine
  if (state === 'rejected' || state === 'pending' || (state === 'locked' && trouble === undefined)) return undefined
  if (trouble !== undefined) {
    const [head, action] = troubleWords(state, name)
    return { severity: 'warning', subject: name, text: `${name} ${head}: ${trouble}`, action }
  }
  if (!delivery || (state !== 'delivered' && state !== 'delivering') || now - Date.parse(since) < answersWithin)
    return undefined
  return {
    severity: 'warning',
    subject: name,
    text: `${name} was sent its configuration more than ${describeDuration(answersWithin)} ago, and does not answer as a node`,
    action: lookAtConsole(name),
  }
}

const lookAtConsole = (name: string) => `Look at its console; \`caretaker machine show ${name}\` says how far it came`

function troubleWords(state: Machine['state'], name: string): readonly [head: string, action: string] {
  if (state === 'approved')
    return [
      'is approved and can not have its configuration',
      'The approval stands until it runs out: mend what is named',
    ]
  if (state === 'delivering')
    return ['may not have got its configuration', 'If it does not come up, approve it again once it asks']
  return ['does not come up', lookAtConsole(name)]
}
