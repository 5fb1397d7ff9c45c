import { describeDuration } from '../../core/duration.ts'
import type { Boot } from '../../core/netboot/boots.ts'
import { diagnose } from '../../core/netboot/diagnosis.ts'
import { makerOf } from '../../core/netboot/firmware.ts'
import { claimOf, isAsking, lastAtOf, mostClaimants, waitingClaimants } from '../../core/provision/claimants.ts'
import { whyAgain } from '../../core/provision/lifecycle.ts'
import type { Claimant, Machine } from '../../core/provision/machine.ts'
import { asksBy } from '../../core/provision/pace.ts'
import type { MachineAnswer, MachineDetails } from '../../core/provision/requests.ts'
import type { MachineDesk } from './desk.ts'

/**
 * Of those who claim to be a machine the one that it is told of: whoever was named, else who is approved, else who waits for
 * a person.
 */
function toldOf(machine: Machine, named: Claimant | undefined, now: number): Claimant | undefined {
  const { state, approval, claimants } = machine
  const approved = claimants.find(({ code }) => code === approval?.code)
  return named ?? (state === 'approved' ? approved : undefined) ?? waitingClaimants(machine, now)[0] ?? claimants[0]
}

export interface Describing {
  readonly desk: MachineDesk
  readonly now: number
  /** By its code. */
  readonly named?: Claimant | undefined
}

/** A machine on record, in the words of a list. */
export function describeMachine(machine: Machine, { desk, now, named }: Describing): MachineAnswer {
  const { id, state, since, approval, order } = machine
  const told = toldOf(machine, named, now)
  const { mac, serial, uuid } = told?.claim ?? claimOf(machine)
  const name = desk.nameOf(machine)
  const by = told && isExpected(machine, told, now) ? asksBy(told) : undefined
  return {
    id,
    name: name === id || name === mac ? undefined : name,
    state,
    since,
    role: approval?.order.role ?? order?.role,
    mac,
    maker: mac === undefined ? undefined : makerOf(mac),
    serial,
    uuid,
    address: told?.address,
    way: told?.way,
    code: told?.code,
    lastAt: lastAtOf(machine),
    ...(by === undefined ? {} : { asksBy: new Date(by).toISOString() }),
    ...saying(machine, { now, told }),
  }
}

/** Everything of it, for whoever decides. */
export function detailMachine(
  machine: Machine,
  { patchFiles, ...of }: Describing & { readonly patchFiles: readonly string[] },
): MachineDetails {
  const { approval, delivery, order, claimants } = machine
  const told = toldOf(machine, of.named, of.now)
  return {
    ...describeMachine(machine, of),
    claimants: claimants.map(({ address, code, asked, firstAt, lastAt, claim }) => {
      const { mac, serial, hostname } = claim
      return { address, code, asked, firstAt, lastAt, mac, serial, hostname }
    }),
    evidence: told ? of.desk.evidenceOf(machine, told) : [],
    approval: approval && { at: approval.at, until: approval.until, by: approval.by },
    delivery,
    order: approval?.order ?? order,
    patchFiles,
  }
}

/** One that was only seen booting. */
export function describeSeen(boot: Boot): MachineDetails {
  const { machine, mac, uuid, address, startedAt, lastAt } = boot
  return {
    id: machine,
    name: undefined,
    state: 'seen',
    since: startedAt,
    role: undefined,
    mac,
    maker: mac === undefined ? undefined : makerOf(mac),
    serial: undefined,
    uuid,
    address,
    way: undefined,
    code: undefined,
    lastAt,
    said: `It ${diagnose(boot).text}, and has not asked for a configuration`,
    next: undefined,
    claimants: [],
    evidence: [],
    approval: undefined,
    delivery: undefined,
    order: undefined,
    patchFiles: [],
  }
}

/** Where it stands, and what a person does next. */
function saying(
  machine: Machine,
  { now, told }: { readonly now: number; readonly told: Claimant | undefined },
): Pick<MachineAnswer, 'said' | 'next'> {
  const { state, trouble, claimants } = machine
  const when = told && isExpected(machine, told, now) ? describeNext(told, now) : undefined
  const waiting = waitingClaimants(machine, now)
  const asking = waiting.filter(({ asked }) => asked > 0)
  const said = `${standing(machine, now)}${when === undefined ? '' : `; ${when}`}${trouble === undefined || state === 'rejected' ? '' : `; ${trouble}`}`
  if (state === 'pending' && asking.length === 0)
    return { said: 'It asked for its configuration, and has stopped asking', next: undefined }
  if (state === 'pending' || (asking.length > 0 && state !== 'approved')) {
    const [first] = asking
    const again = state === 'pending' ? '' : `. It asks again: ${whyAgain(machine)}`
    const next =
      asking.length > 1
        ? `${asking.length} claim to be it: see on its console which code is its own, then \`caretaker machine approve CODE\`${claimants.length < mostClaimants ? '' : `. Where it says “too many ask”, \`caretaker machine reject ${machine.id} --all-but ADDRESS\` keeps the place for its address`}`
        : `Compare ${first!.code} with its console, then \`caretaker machine approve ${first!.code}\``
    return { said: `${said}${again}`, next }
  }
  return { said, next: undefined }
}

/** Whether it matters when it asks again: it has not got its configuration by what it asked for last. */
function isExpected({ state }: Machine, told: Claimant, now: number): boolean {
  return told.asked > 0 && told.isRejected !== true && isAsking(told, now) && state !== 'rejected'
}

/** In ms: sooner is at once, for people. */
const soon = 180_000

/** When it asks again, as a clause; undefined where it does so within minutes. */
export function describeNext(told: Pick<Claimant, 'way' | 'tries' | 'lastAt'>, now: number): string | undefined {
  const by = asksBy(told)
  if (by === undefined) return undefined
  const ago = `it asked ${describeDuration(Math.max(0, now - Date.parse(told.lastAt)))} ago`
  if (by < now) return `${ago}, and should have asked again: see whether it is on, and restart it`
  return by - now <= soon
    ? undefined
    : `${ago}, and asks again within ${describeDuration(by - now)}; restarted, it asks at once`
}

/** Where it stands, as a sentence without its full stop. */
export function standing({ state, approval, delivery, order, trouble, since }: Machine, now: number): string {
  const ago = (at: string) => `${describeDuration(Math.max(0, now - Date.parse(at)))} ago`
  switch (state) {
    case 'pending':
      return 'It asks for its configuration, and a person has to decide'
    case 'approved':
      return `It may have its configuration as ${approval?.order.role} ${approval?.order.name} once, within ${describeDuration(Math.max(0, Date.parse(approval?.until ?? since) - now))}`
    case 'delivering':
      return `Its configuration began to leave ${ago(delivery?.at ?? since)}, and the end was not seen`
    case 'delivered':
      return `It was sent its configuration ${ago(delivery?.at ?? since)}, and installs`
    case 'verified':
      return `It answers as ${order?.name}, and joins the cluster`
    case 'locked':
      return 'It has joined the cluster'
    case 'rejected':
      return trouble === undefined ? 'It was rejected' : `It was rejected: ${trouble}`
    default:
      return state satisfies never
  }
}
