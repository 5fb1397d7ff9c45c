import { canonicalAddress, normalMac } from '../../core/address.ts'
import { counted } from '../../core/count.ts'
import { AgentError } from '../../core/errors.ts'
import { hasReached, type Boot } from '../../core/netboot/boots.ts'
import type { Asked } from '../../core/operator.ts'
import type { RequestAnswer } from '../../core/request-answer.ts'
import { orderFor, whyDoubtful, whyImpossible } from '../../core/provision/approval.ts'
import { isSuperseded, waitingClaimants } from '../../core/provision/claimants.ts'
import type { Claimant, Machine, MachineOrder } from '../../core/provision/machine.ts'
import type { ConfigRenderer } from '../../core/provision/render.ts'
import type { InventoryNode } from '../../core/provision/inventory.ts'
import type { ApproveMachine, ConsoleAnswer, MachineDetails, MachineRequests } from '../../core/provision/requests.ts'
import { cleanText, describeRequester, longestReason } from '../../core/requester.ts'
import type { BootKeeper } from '../netboot/keeper.ts'
import { standingOf } from '../netboot/standing.ts'
import { patiently, recordChange, type RequestMeans, unchanged } from '../request.ts'
import { describeMachine, describeSeen, detailMachine, standing } from './describe.ts'
import { keyOf, nextWords } from './approving.ts'
import type { MachineDesk } from './desk.ts'
import type { Inventory } from './inventory.ts'
import { findNamed } from './named.ts'
import type { SeenWaiting, WaitingRoom } from './waiting-room.ts'

export interface MachineMeans extends RequestMeans {
  /** What was seen of machines that wait in maintenance. */
  readonly room: WaitingRoom
  readonly inventory: Pick<Inventory, 'nodes' | 'forget'>
  readonly desk: MachineDesk
  readonly renderer: ConfigRenderer
  /** Who keeps what machines do that boot from the network. */
  readonly boots: Pick<BootKeeper, 'machines'>
}

/** What was seen booting longer ago is not told of, in ms. */
const seenWithin = 86_400_000

/** Requests about machines on their way into the cluster. */
export function createMachineRequests(means: MachineMeans): MachineRequests<Asked> {
  const { desk, renderer } = means
  return {
    list: () => listed(means),
    find: ({ machine }) => {
      const found = named(means, machine)
      return found.kind === 'seen'
        ? describeSeen(found.boot)
        : {
            ...detailMachine(found.machine, {
              desk,
              now: means.now().getTime(),
              named: found.claimant,
              patchFiles: renderer.choices().patches,
            }),
            ...inMaintenance(means.room.of(found.machine.id, found.claimant?.address)),
          }
    },
    console: ({ machine }) => consoleOf(means, machine),
    inventory: () => means.inventory.nodes(),
    orderFor: (request) => {
      const { machine, claimant } = demand(means, request.machine)
      const who = meant(machine, claimant, desk.nameOf(machine), means.now().getTime())
      return wantedOrder(means, request, machine, who).order
    },
    approve: (request, asked) => approve(means, request, asked),
    reject: (request, asked) => reject(means, request, asked),
    forget: async ({ machine }, asked) => {
      const node = means.inventory.forget(machine)
      if (node) forgetNode(means, node)
      if (node && desk.machines().every((one) => desk.nameOf(one) !== machine))
        return changed(means, machine, `${machine} is no node of the inventory any more`, asked)
      const known = demand(means, machine).machine
      const name = desk.nameOf(known)
      desk.forget(known.id)
      return changed(
        means,
        name,
        `${name} is forgotten: if it asks again it is new${isOnItsWay(known) ? '. It may have its configuration: if it joins the cluster, it is in no inventory' : ''}`,
        asked,
      )
    },
  }
}

/** It may have its configuration, and has not joined yet. */
const isOnItsWay = ({ state }: Machine) => state === 'delivering' || state === 'delivered' || state === 'verified'

/** Of one that has its configuration there is nothing to withdraw. */
function cannotBeTakenBack(machine: Machine, now: number): string {
  return isOnItsWay(machine) ? `. ${standing(machine, now)}: to keep it out, switch it off` : ''
}

/** What it was made is forgotten with it. */
function forgetNode({ desk }: MachineMeans, { name, uuid }: InventoryNode): void {
  const known = desk.machines().find((one) => one.id === uuid && desk.nameOf(one) === name)
  if (known?.state === 'locked') desk.forget(known.id)
}

const risk =
  'While it waits, anybody on its network can read its kernel arguments and wipe its disks: decide soon, or switch it off'

function inMaintenance(seen: SeenWaiting | undefined): Pick<MachineDetails, 'maintenance'> {
  if (!seen) return {}
  const { at, fingerprint, version, maker, product, disks } = seen
  const made = [maker, product].filter((part) => part !== undefined).join(' ')
  return { maintenance: { at, fingerprint, version, product: made === '' ? undefined : made, disks, risk } }
}

function consoleOf(means: MachineMeans, text: string): ConsoleAnswer {
  const found = named(means, text)
  const claimants = found.kind === 'seen' ? [] : found.claimant ? [found.claimant] : found.machine.claimants
  const addresses = claimants.map(({ address }) => address)
  const address = addresses.find((one) => means.room.console(one).length > 0) ?? addresses[0]
  return { address, lines: address === undefined ? [] : means.room.console(address) }
}

function changed(means: MachineMeans, subject: string, said: string, asked: Asked): RequestAnswer {
  return recordChange(means.ports.journal, { kind: 'event', subject, said }, asked.by)
}

/** Those that a person has to decide about, then those that asked last, then what was seen booting. */
function listed(means: MachineMeans) {
  const { desk } = means
  const now = means.now().getTime()
  const isWaiting = (machine: Machine) =>
    machine.state !== 'approved' && waitingClaimants(machine, now).some(({ asked }) => asked > 0)
  const all = desk.machines()
  return [
    ...[...all.filter(isWaiting), ...all.filter((one) => !isWaiting(one))].map((one) =>
      describeMachine(one, { desk, now }),
    ),
    ...seen(means).map(describeSeen),
  ]
}

/** Machines that have taken a boot from the network, and are neither on record nor in the configuration. */
function seen({ desk, boots, ports, config, now }: MachineMeans): readonly Boot[] {
  const at = now().getTime()
  const claims = desk
    .machines()
    .flatMap(({ claimants }) => claimants.map(({ claim, address }) => ({ ...claim, address })))
  const isKnown = ({ mac, uuid, address }: Boot) =>
    claims.some(
      (claim) =>
        (mac !== undefined && claim.mac === mac) ||
        (uuid !== undefined && claim.uuid === uuid) ||
        claim.address === address,
    )
  return [...boots.machines.values()]
    .flatMap(([last]) => (last ? [last] : []))
    .filter((boot) => hasReached(boot, 'taken') && at - Date.parse(boot.lastAt) < seenWithin && !isKnown(boot))
    .filter((boot) => standingOf(ports.journal, config(), boot, at).name === undefined)
    .toReversed()
}

function named(means: MachineMeans, text: string) {
  const { desk } = means
  return findNamed(text, { machines: desk.machines(), seen: seen(means), nameOf: desk.nameOf })
}

/** @throws AgentError `not-found`, or `rejected` where it has not asked yet */
function demand(
  means: MachineMeans,
  text: string,
): { readonly machine: Machine; readonly claimant: Claimant | undefined } {
  const found = named(means, text)
  if (found.kind === 'seen')
    throw new AgentError('rejected', `${text} was seen booting, and has not asked for a configuration yet`)
  return found
}

/** Who of those that claim to be a machine is meant. @throws AgentError `rejected` where that has to be said */
function meant(machine: Machine, named: Claimant | undefined, name: string, now: number): Claimant {
  if (named) return named
  const waiting = waitingClaimants(machine, now)
  const [first, second] = waiting
  if (second)
    throw new AgentError(
      'rejected',
      `${waiting.length} claim to be ${name}: name the one that is meant by the code that its console shows (${waiting.map(({ code, address }) => `${code} at ${address}`).join(', ')})`,
    )
  // Whoever was rejected may have been so by mistake.
  const only = first ?? (machine.claimants.length === 1 ? machine.claimants[0] : undefined)
  if (!only) throw new AgentError('rejected', `${name} does not ask for its configuration`)
  return only
}

async function approve(means: MachineMeans, request: ApproveMachine, asked: Asked): Promise<RequestAnswer> {
  const { desk, renderer } = means
  const { machine, claimant } = demand(means, request.machine)
  const who = meant(machine, claimant, desk.nameOf(machine), means.now().getTime())
  if (who.asked === 0)
    throw new AgentError(
      'rejected',
      `${desk.nameOf(machine)} has taken its configuration and has not asked since: approve it again once it asks`,
    )
  const { order, written } = wantedOrder(means, request, machine, who)
  const cluster = await means.agent.observe(patiently(asked.signal)).catch(() => undefined)
  await desk.refresh(machine.id)
  const { warnings } = await renderer.render(order, who.claim)
  // It has taken time: what is decided about is what is there now.
  const present = desk.get(machine.id)
  const still = present?.claimants.find(({ code }) => code === who.code)
  const now = means.now().getTime()
  const isRejectedSince = still?.isRejected === true && who.isRejected !== true
  if (!present || !still || isRejectedSince)
    throw new AgentError('rejected', `${request.machine} has changed meanwhile: look at it again`)
  const others = desk.machines().filter(({ id }) => id !== machine.id)
  const fingerprint = keyOf(means, present, still, request)
  const before = present.claimants.find(({ code }) => code === present.approval?.code)
  const facts = {
    order,
    written,
    evidence: desk.evidenceOf(present, still),
    cluster,
    machine: present,
    others,
    isTaken: isTakenFor(means, who)(order.name),
    isBegunAnew: before !== undefined && before.code !== still.code && isSuperseded(present, before, now),
    isKeyUnseen: still.way === 'maintenance' && fingerprint === undefined,
  }
  const why = whyImpossible(facts)
  if (why !== undefined) throw new AgentError('rejected', why)
  const doubts = whyDoubtful(facts)
  if (doubts.length > 0 && !request.force)
    throw new AgentError(
      'rejected',
      `${who.claim.mac ?? machine.id} is not approved as ${order.role}: ${doubts.join('; ')}. Approve it with --force if you are sure`,
    )
  desk.approve({ id: machine.id, code: who.code, order, by: describeRequester(asked.by), fingerprint })
  const forced = doubts.length > 0 ? `, forced although ${doubts.join('; ')}` : ''
  const warned = warnings.length === 0 ? '' : `; ${counted(warnings.length, 'warning')}: ${warnings.join('; ')}`
  const said = `${who.claim.mac ?? machine.id} at ${who.address} may have its configuration as ${order.role} ${order.name}, once and within 30 min${forced}${nextWords(still, now)}${warned}`
  return changed(means, order.name, said, asked)
}

/** @throws AgentError `misconfigured` where something has to be said that is written nowhere */
function wantedOrder(
  means: MachineMeans,
  request: ApproveMachine,
  machine: Machine,
  { claim }: Pick<Claimant, 'claim'>,
) {
  const written = means.renderer.match(claim)
  const isTaken = isTakenFor(means, { claim })
  const { role, ...rest } = orderFor(request, { written, before: machine.order, claim, isTaken })
  if (role === undefined)
    throw new AgentError('misconfigured', 'say what it is to be: a worker or a controlplane (`--role`)')
  const order: MachineOrder = { ...rest, role }
  return { order, written }
}

/** Whether a node has a name that is another machine than the one that claims this. */
function isTakenFor({ config, inventory }: MachineMeans, { claim: { mac, uuid } }: Pick<Claimant, 'claim'>) {
  return (name: string): boolean => {
    const joined = inventory.nodes().find((one) => one.name === name)
    const node = config().nodes.find((one) => one.name === name)
    const macs = [...(joined?.macs ?? []), ...[node?.mac ?? []].flat().map((one) => normalMac(one))]
    const isItself = (mac !== undefined && macs.includes(mac)) || (uuid !== undefined && joined?.uuid === uuid)
    return (joined !== undefined || node !== undefined) && !isItself
  }
}

async function reject(
  means: MachineMeans,
  request: Parameters<MachineRequests<Asked>['reject']>[0],
  asked: Asked,
): Promise<RequestAnswer> {
  const { desk } = means
  const { machine, claimant } = demand(means, request.machine)
  const reason = cleanText(request.reason ?? '', longestReason)
  const name = desk.nameOf(machine)
  if (request.allBut !== undefined) {
    const address = canonicalAddress(request.allBut)
    if (address === undefined)
      throw new AgentError('misconfigured', `${request.allBut} is no address such as 192.168.0.21`)
    desk.keepFor(machine.id, address)
    const why = reason === undefined ? '' : `: ${reason}`
    return changed(means, name, `whoever claims to be ${name} is rejected for an hour, but for ${address}${why}`, asked)
  }
  const hasAny =
    machine.state === 'approved' || machine.claimants.some((one) => one.isRejected !== true && one.asked > 0)
  if (machine.state === 'rejected' || !hasAny)
    return unchanged(
      `${name} asks for nothing that could be rejected${cannotBeTakenBack(machine, means.now().getTime())}`,
    )
  desk.reject({ id: machine.id, code: claimant?.code, reason })
  const who = claimant && machine.claimants.length > 1 ? `${name} at ${claimant.address}, code ${claimant.code},` : name
  return changed(
    means,
    name,
    `${who} does not get its configuration${reason === undefined ? '' : `: ${reason}`}`,
    asked,
  )
}
