import { setTimeout as sleep } from 'node:timers/promises'
import { isHealthy, type Node, type TalosFacts, whyUnhealthy } from '../core/cluster.ts'
import { isClosedByUs, leavingObstacle } from '../core/disruption.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Identity } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import type { CarryOutOptions, StepOf } from './carry-out.ts'
import { observeNode, observeNodes, question } from './observe.ts'
import { until, withDeadline } from './until.ts'

/** A node that was told to reboot leaves its stage at once; after this time, in ms, it has not heard it. */
const takesHoldWithin = 30_000

/** Pulling, draining and installing take their time, and the others' health was looked at before all of it. */
export async function confirm(
  { node, limits }: StepOf<'confirm'>,
  ports: Ports,
  { inventory, signal }: CarryOutOptions,
): Promise<void> {
  const [nodes, storage] = await Promise.all([
    observeNodes(inventory, ports, signal),
    withDeadline(question, signal, (limited) => ports.kubernetes.storage(limited)),
  ])
  const closed = nodes.some((one) => one.name === node && isClosedByUs(one))
  const [replica] = storage.lastReplicas.get(node) ?? []
  const obstacle = !closed
    ? 'our cordon is gone, so its pods may be back'
    : replica === undefined
      ? leavingObstacle(nodes, node, limits)
      : `it holds the last healthy replica of ${replica}`
  if (obstacle) throw new AgentError('timed-out', `it can't be taken away now: ${obstacle}`)
}

/**
 * Marks the node as about to reboot, and answers whether to send the order: not again to one that is on its way down or
 * has another boot already, because a second reboot would hit the new system.
 */
async function markBeforeReboot(
  { node, bootId, mark }: StepOf<'reboot' | 'install-and-reboot'>,
  { talos, kubernetes }: Ports,
  signal: AbortSignal,
): Promise<boolean> {
  const facts = await withDeadline(question, signal, (limited) => talos.look(node, limited))
  if (facts.bootId !== bootId || facts.stage !== 'running') return false
  await withDeadline(10_000, signal, (limited) => kubernetes.cordon(node, mark, undefined, limited))
  return true
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
  await order(step.node, options, (limited) => ports.talos.reboot(step.node, step.mode, limited))
}

/** A node that hangs in its boot is taken back too, and one whose API server is away with it: the mark may be missing. */
export async function rollBack(step: StepOf<'roll-back'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { signal, log } = options
  const facts = await withDeadline(question, signal, (limited) => ports.talos.look(step.node, limited))
  // Only of a boot that was seen: an order that arrived before would be followed by a second one, the other way.
  if (facts.bootId !== step.bootId || !['running', 'booting'].includes(facts.stage)) return
  await withDeadline(10_000, signal, (limited) =>
    ports.kubernetes.cordon(step.node, step.mark, undefined, limited),
  ).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error
    log.warn({ node: step.node, reason: messageOf(error) }, 'rolling back without a mark on the node')
  })
  await order(step.node, options, (limited) => ports.talos.rollback(step.node, limited))
}

export async function installAndReboot(
  step: StepOf<'install-and-reboot'>,
  ports: Ports,
  { signal }: CarryOutOptions,
): Promise<void> {
  const { node, image, mode, within } = step
  if (!(await markBeforeReboot(step, ports, signal))) return
  await withDeadline(within, signal, (limited) => ports.talos.installAndReboot(node, image, mode, limited))
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
    if (facts.version !== version)
      throw new AgentError('rejected', `rolled back: it rebooted and runs ${facts.version}, not ${version}`)
    if (facts.schematic !== schematic)
      throw new AgentError('rejected', `it runs the schematic ${facts.schematic ?? '(none)'}, not ${schematic}`)
    const stranger = whyAnother(facts, identity)
    if (stranger) throw new AgentError('rejected', stranger)
    return facts.fallbackPending ? 'its boot is not confirmed yet' : undefined
  })
}

export async function awaitRebooted(
  step: StepOf<'await-rebooted'>,
  ports: Ports,
  options: CarryOutOptions,
): Promise<void> {
  await awaitBoot(step, `${step.node} to be back`, ports, options, () => undefined)
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
      return look(facts) ?? (isHealthy(node) || `it ${describeUnhealthy(node)}`)
    })
  } finally {
    stopFollowing()
  }
  if (neverBegan) throw new AgentError('timed-out', 'the reboot never began: it runs on as before, and is told again')
}

function describeUnhealthy(node: Node): string {
  return `${whyUnhealthy(node)}${node.talos.ok ? describeTrouble(node.talos.value) : ''}`
}

function describeTrouble({ unmet, ailing }: TalosFacts): string {
  const told = [...unmet, ...ailing.map((service) => `${service} is not well`)].join(', ')
  return told && ` (${told})`
}

/** Why this is not the machine that was taken away, or not as it was. */
function whyAnother(facts: TalosFacts, { uuid, extensions, kernelArguments = [] }: Identity): string | undefined {
  if (uuid !== undefined && facts.uuid !== undefined && facts.uuid !== uuid)
    return `another machine answers at its address: its UUID is ${facts.uuid}, and was ${uuid}`
  const lacking = extensions.filter((extension) => facts.extensions && !facts.extensions.includes(extension))
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
