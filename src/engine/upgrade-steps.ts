import { setTimeout as sleep } from 'node:timers/promises'
import { describeIdentity, isHealthy, type Node, type TalosFacts, whyUnhealthy } from '../core/cluster.ts'
import { isClosedByUs, leavingObstacle } from '../core/disruption.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { hasEtcdLeader, quorumObstacle } from '../core/etcd.ts'
import { type ExpectedMachine, whyAnotherMachine } from '../core/identity.ts'
import { nextBootObstacle } from '../core/next-boot.ts'
import type { Identity } from '../core/plan.ts'
import { lackingExtensions } from '../core/provisions.ts'
import { whyNotBack } from '../core/rollback.ts'
import type { Ports } from '../core/ports.ts'
import { leavingStorageObstacle } from '../core/storage.ts'
import type { CarryOutOptions, StepOf } from './carry-out.ts'
import { observeNode, observeNodes, question } from './observe.ts'
import { until, withDeadline } from './until.ts'

/** A node that was told to reboot leaves its stage at once; after this time, in ms, it has not heard it. */
const takesHoldWithin = 30_000

/** Pulling, draining and installing take their time, and the others' health was looked at before all of it. */
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
  const obstacle =
    (found && (describeIdentity(found) ?? (found.talos.ok && whyAnotherMachine(found.talos.value, machine)))) ||
    (!found || !isClosedByUs(found)
      ? 'our cordon is gone, so its pods may be back'
      : (leavingStorageObstacle(storage, node) ?? leavingObstacle(nodes, node, limits)))
  if (obstacle) throw new AgentError('timed-out', `it can't be taken away now: ${obstacle}`)
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

/**
 * What the machine at this node's address says, if it is the one that is meant. An address can lead to another machine
 * from one moment to the next, as when DHCP leases are given anew.
 *
 * @throws AgentError `timed-out` where it is another one, or runs in another role: that is for people to mend, and no
 *   failure of the release
 */
async function lookAtMachine(
  node: string,
  machine: ExpectedMachine,
  { talos }: Pick<Ports, 'talos'>,
  signal: AbortSignal,
): Promise<TalosFacts> {
  const facts = await withDeadline(question, signal, (limited) => talos.look(node, limited))
  const another = whyAnotherMachine(facts, machine)
  if (another) throw new AgentError('timed-out', `nothing is done to ${node}: ${another}`)
  return facts
}

/** Lets another member lead etcd before this one goes. */
export async function forfeitLeadership(
  { node, machine }: StepOf<'forfeit-leadership'>,
  { talos }: Ports,
  { signal }: CarryOutOptions,
): Promise<void> {
  await lookAtMachine(node, machine, { talos }, signal)
  await withDeadline(30_000, signal, (limited) => talos.forfeitLeadership(node, limited))
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
    throw new AgentError('timed-out', 'it has rebooted since it was observed')
  await note('started')
  await withDeadline(within, signal, (limited) => talos.install(node, image, limited, machine))
  await note('succeeded')
}

/** The answer may be lost although the order arrived: the wait that follows sees which. */
async function order(
  node: string,
  { signal, log }: CarryOutOptions,
  call: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await withDeadline(60_000, signal, call).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error
    log.warn({ node, reason: messageOf(error) }, 'no answer to the order to reboot')
  })
}

export async function reboot(step: StepOf<'reboot'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  if (!(await markBeforeReboot(step, ports, options.signal))) return
  await order(step.node, options, (limited) => ports.talos.reboot(step.node, step.mode, limited, step.machine))
}

/** A node that hangs in its boot is taken back too, and one whose API server is away with it: the mark may be missing. */
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
    log.warn({ node: step.node, reason: messageOf(error) }, 'rolling back without a mark on the node')
  })
  await order(step.node, options, (limited) => ports.talos.rollback(step.node, limited, step.machine))
}

/** No leader for longer than this, in ms, is no election any more (etcd's election timeout is a second). */
const electionWithin = 5_000

/**
 * Whether etcd keeps its quorum without this node, observed now: draining took its time. That nobody sees a leader may
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
    if (obstacle) throw new AgentError('timed-out', `${node} can't be rolled back now: ${obstacle}`)
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
  await withDeadline(within, signal, (limited) => ports.talos.installAndReboot(node, image, mode, limited, machine))
}

/**
 * A new boot with the wanted release, whole and healthy, and the same machine as before. That it runs and is ready
 * proves nothing by itself: after a rollback it is just that, with the old release.
 */
export async function awaitUpgraded(
  step: StepOf<'await-upgraded'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const { node, version, schematic, identity } = step
  await awaitBoot(step, `${node} to run ${version}`, ports, options, (facts) => {
    const stranger = whyStranger(facts, identity)
    if (stranger) throw new AgentError('rejected', stranger)
    if (facts.version !== version)
      throw new AgentError('rejected', `rolled back: it rebooted and runs ${facts.version}, not ${version}`)
    if (facts.schematic !== schematic)
      throw new AgentError('rejected', `it runs the schematic ${facts.schematic ?? '(none)'}, not ${schematic}`)
    const missing = whatIsMissing(facts, identity)
    if (missing) throw new AgentError('rejected', missing)
    const next = nextBootObstacle(facts)
    if (next) throw new AgentError('rejected', next)
    return facts.fallbackPending ? 'its boot is not confirmed yet' : undefined
  })
}

/** A new boot of what the node was to go back to: a reboot that fails makes Talos switch the boot entry once more. */
export async function awaitRolledBack(
  step: StepOf<'await-rolled-back'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  await awaitBoot(step, `${step.node} to be back`, ports, options, (facts) => {
    const elsewhere = whyNotBack(facts, step.mark)
    if (elsewhere) throw new AgentError('rejected', `the rollback did not work: ${elsewhere}`)
    return undefined
  })
}

/** Waits for another boot than `bootId`, looks at what runs then, and waits for it to be healthy. */
async function awaitBoot(
  { node: name, bootId, within }: { readonly node: string; readonly bootId: string; readonly within: number },
  what: string,
  ports: Ports,
  options: CarryOutOptions,
  look: (facts: TalosFacts) => string | undefined,
): Promise<void> {
  const { pollEvery, signal, inventory } = options
  const stopFollowing = follow(name, ports, options)
  const patience = Math.min(takesHoldWithin, within / 2)
  let unmovedSince: number | undefined
  let stranger: string | undefined
  let neverBegan = false
  try {
    await until(what, { within, pollEvery, signal }, async (limited) => {
      const node = await observeNode(name, inventory, ports, limited)
      if (!node.talos.ok) {
        unmovedSince = undefined
        return `it ${whyUnhealthy(node)}`
      }
      const facts = node.talos.value
      if (facts.bootId === bootId) {
        unmovedSince = facts.stage === 'running' ? (unmovedSince ?? performance.now()) : undefined
        // Talos answers OK also where another sequence keeps the reboot from starting.
        if (unmovedSince !== undefined && performance.now() - unmovedSince > patience) return (neverBegan = true)
        return `it has not rebooted, and is ${facts.stage}`
      }
      if (facts.stage !== 'running') return `it is ${facts.stage}${describeTrouble(facts)}`
      // What another machine runs is no failure of this one: people have to mend the addresses first.
      if (node.identity.kind === 'another') return (stranger = describeIdentity(node)) === undefined || true
      // No time brings its name back.
      if (node.identity.kind === 'renamed') throw new AgentError('rejected', `it ${describeIdentity(node)}`)
      return look(facts) ?? (isHealthy(node) || `it ${describeUnhealthy(node)}`)
    })
  } finally {
    stopFollowing()
  }
  if (stranger !== undefined) throw new AgentError('timed-out', `it ${stranger}`)
  if (neverBegan) throw new AgentError('timed-out', 'the reboot never began: it runs on as before, and is told again')
}

function describeUnhealthy(node: Node): string {
  return `${whyUnhealthy(node)}${node.talos.ok ? describeTrouble(node.talos.value) : ''}`
}

function describeTrouble({ unmet, ailing }: TalosFacts): string {
  const told = [...unmet, ...ailing.map((service) => `${service} is not well`)].join(', ')
  return told && ` (${told})`
}

/** Why this is not the machine that was taken away. The machine id decides; a UUID may be shared by a batch of boards. */
function whyStranger(facts: TalosFacts, { uuid, machineId }: Identity): string | undefined {
  if (machineId !== undefined && facts.machineId !== undefined)
    return machineId === facts.machineId
      ? undefined
      : `another machine answers at its address: its machine id is ${facts.machineId}, and was ${machineId}`
  if (uuid !== undefined && facts.uuid !== undefined && facts.uuid !== uuid)
    return `another machine answers at its address: its UUID is ${facts.uuid}, and was ${uuid}`
  return undefined
}

/** What it came back without, of what it must have. */
function whatIsMissing(facts: TalosFacts, { extensions, kernelArguments = [] }: Identity): string | undefined {
  const lacking = facts.extensions ? lackingExtensions(extensions, facts.extensions) : []
  if (lacking.length > 0) return `it came back without ${lacking.join(', ')}`
  const lost = kernelArguments.filter((argument) => !facts.kernelArguments.includes(argument))
  return lost.length > 0 ? `it came back without the kernel arguments ${lost.join(' ')}` : undefined
}

/** Tells what the node says meanwhile: for people to see, and proof of nothing. Returns what ends it. */
function follow(node: string, { talos }: Ports, { signal, onHint, pollEvery }: CarryOutOptions): () => void {
  if (!onHint) return () => {}
  const ended = new AbortController()
  const either = AbortSignal.any([signal, ended.signal])
  const listen = async () => {
    while (!either.aborted) {
      try {
        for await (const text of talos.follow(node, either)) onHint(node, text)
      } catch {
        // A node that reboots breaks off; another connection is made when it is back.
      }
      await sleep(pollEvery, undefined, { signal: either }).catch(() => {})
    }
  }
  void listen()
  return () => ended.abort()
}

/** One bad look may be a lost packet; two in a row are not. */
export async function settle(
  { node: name, lasts }: StepOf<'settle'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  const { inventory, pollEvery, signal } = options
  const end = performance.now() + lasts
  let bad = 0
  while (performance.now() < end || bad > 0) {
    await sleep(Math.max(1, Math.min(pollEvery, end - performance.now())), undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
    const node = await observeNode(name, inventory, ports, signal)
    bad = isHealthy(node) ? 0 : bad + 1
    if (bad >= 2) throw new AgentError('timed-out', `after its upgrade it ${describeUnhealthy(node)}`)
  }
}

/** The user's own conditions, until all of them hold. */
export async function awaitChecks(
  { checks, within }: StepOf<'await-checks'>,
  ports: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  await until('the checks to pass', { within, pollEvery, signal }, async (limited) => {
    const failures = await Promise.all(checks.map((check) => ports.checks.run(check, limited)))
    return failures.find((failure) => failure !== undefined) ?? true
  })
}

export async function uncordon(
  { node, why, forgetAttempts }: StepOf<'uncordon'>,
  { kubernetes }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  await until(`the API server to uncordon ${node}`, { within: 60_000, pollEvery, signal }, async (limited) => {
    await kubernetes.uncordon(node, why, { forgetAttempts: forgetAttempts ?? false }, limited)
    return true
  })
}
