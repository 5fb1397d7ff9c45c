import { setTimeout as sleep } from 'node:timers/promises'
import { describeIdentity, type TalosFacts } from '../core/cluster/cluster.ts'
import { isCordonedByUs, leavingObstacle } from '../core/cluster/disruption.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { hasEtcdLeader, quorumObstacle } from '../core/cluster/etcd.ts'
import { demandMachine, type ExpectedMachine, whyAnotherMachine } from '../core/cluster/identity.ts'
import type { Ports } from '../core/ports.ts'
import { leavingStorageObstacle } from '../core/cluster/storage.ts'
import type { CarryOutOptions, StepOf } from './step.ts'
import { observeNodes, question } from './observe.ts'
import { withDeadline } from './until.ts'

/** Steps that change a machine: each checks the machine and its state right before the call. */

/** Pulling, draining and installing take time, so the other nodes' health is checked again. */
export async function confirm(
  { node, machine, limits }: StepOf<'confirm'>,
  ports: Ports,
  { inventory, signal }: CarryOutOptions,
): Promise<void> {
  const [nodes, storage] = await Promise.all([
    observeNodes(inventory, ports, signal),
    withDeadline(question, signal, (limited) => ports.kubernetes.storage(limited)),
  ])
  const found = nodes.find(({ name }) => name === node)
  const elsewhere = found && describeIdentity(found)
  const obstacle =
    (elsewhere && `it ${elsewhere}`) ||
    (found?.talos.ok && whyAnotherMachine(found.talos.value, machine)) ||
    (!found || !isCordonedByUs(found)
      ? 'our cordon is gone, so its pods may have returned'
      : (leavingStorageObstacle(storage, node) ?? leavingObstacle(nodes, node, limits)))
  if (obstacle) throw new AgentError('not-now', `it can't go down now: ${obstacle}`)
}

/**
 * Marks the node as about to reboot, and answers whether to send the order: not again to one that is on its way down or
 * has another boot already, because a second reboot would hit the new system.
 */
async function markBeforeReboot(
  { node, machine, bootId, mark }: StepOf<'reboot' | 'install-and-reboot'>,
  { talos, kubernetes }: Ports,
  signal: AbortSignal,
): Promise<boolean> {
  const facts = await lookAtMachine(node, machine, { talos }, signal)
  if (facts.bootId !== bootId || facts.stage !== 'running') return false
  await withDeadline(10_000, signal, (limited) => kubernetes.noteMark(node, mark, limited))
  return true
}

/** What the machine at this node's address says, if it is the one that is meant. @throws as `demandMachine` */
async function lookAtMachine(
  node: string,
  machine: ExpectedMachine,
  { talos }: Pick<Ports, 'talos'>,
  signal: AbortSignal,
): Promise<TalosFacts> {
  const facts = await withDeadline(question, signal, (limited) => talos.observe(node, limited))
  demandMachine(node, facts, machine)
  return facts
}

/** Runs the installer on a cordoned node, which remembers it: until the next boot nothing else may show that it is armed. */
export async function install(
  { node, machine, image, mark, bootId, within }: StepOf<'install'>,
  { talos, kubernetes }: Ports,
  { signal }: CarryOutOptions,
): Promise<void> {
  const note = async (installer: 'started' | 'succeeded') => {
    if (!mark) return
    await withDeadline(10_000, signal, (limited) => kubernetes.noteMark(node, { ...mark, installer }, limited))
  }
  const facts = await lookAtMachine(node, machine, { talos }, signal)
  // The mark would name a boot that is over, and so say that what is installed now has been booted already.
  if (facts.bootId !== (mark?.bootId ?? bootId))
    throw new AgentError('not-now', 'it has rebooted since it was observed')
  await note('started')
  await withDeadline(within, signal, (limited) => talos.install(node, image, limited, machine))
  await note('succeeded')
}

/** The answer may be lost although the request arrived: the wait that follows finds out. */
async function order(
  node: string,
  { signal, log }: CarryOutOptions,
  call: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await withDeadline(60_000, signal, call).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error
    log.warn({ node, reason: messageOf(error) }, 'no answer to the reboot request')
  })
}

export async function reboot(step: StepOf<'reboot'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  if (!(await markBeforeReboot(step, ports, options.signal))) return
  await order(step.node, options, (limited) => ports.talos.reboot(step.node, step.mode, limited, step.machine))
}

/** Also rolls back a node that hangs in its boot, or has taken the API server down: its annotation may be missing. */
export async function rollBack(step: StepOf<'roll-back'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { signal, log } = options
  const facts = await lookAtMachine(step.node, step.machine, ports, signal)
  // Only of a boot that was seen: an order that arrived before would be followed by a second one, the other way.
  if (facts.bootId !== step.bootId || !['running', 'booting'].includes(facts.stage)) return
  if (!step.force) await confirmQuorum(step, ports, options)
  await withDeadline(10_000, signal, (limited) =>
    ports.kubernetes.cordon(step.node, step.mark, undefined, limited),
  ).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error
    log.warn({ node: step.node, reason: messageOf(error) }, 'rolling back without an annotation on the node')
  })
  await order(step.node, options, (limited) => ports.talos.rollback(step.node, limited, step.machine))
}

/** No leader for longer than this, in ms, is no election any more (etcd's election timeout is a second). */
const electionWithin = 5_000

/**
 * Whether etcd keeps its quorum without this node, observed now: draining took its time. That no one sees a leader may
 * be an election, so it counts only when it lasts.
 *
 * @throws AgentError `timed-out` where the quorum would be lost
 */
async function confirmQuorum(
  { node, twoMembers }: StepOf<'roll-back'>,
  ports: Ports,
  { inventory, signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  if (!inventory.some(({ name, role }) => name === node && role === 'controlplane')) return
  const end = performance.now() + electionWithin
  while (true) {
    const nodes = await observeNodes(inventory, ports, signal)
    const obstacle = quorumObstacle(nodes, [node], twoMembers === 'allow')
    if (obstacle) throw new AgentError('not-now', `${node} can't be rolled back now: ${obstacle}`)
    const controlPlanes = nodes.filter(({ role }) => role === 'controlplane')
    if (controlPlanes.length === 1 || hasEtcdLeader(nodes) || performance.now() >= end) return
    await sleep(pollEvery, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}

export async function installAndReboot(
  step: StepOf<'install-and-reboot'>,
  ports: Ports,
  { signal }: CarryOutOptions,
): Promise<void> {
  const { node, machine, image, mode, within } = step
  if (!(await markBeforeReboot(step, ports, signal))) return
  await withDeadline(within, signal, (limited) => ports.talos.installAndReboot(node, { image, mode }, limited, machine))
}
