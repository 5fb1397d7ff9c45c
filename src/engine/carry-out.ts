import { setTimeout as sleep } from 'node:timers/promises'
import { isHealthy, whyUnhealthy } from '../core/cluster.ts'
import { AgentError, assertNever, during, messageOf } from '../core/errors.ts'
import type { CarryOutChoices } from '../core/job.ts'
import type { Logger } from '../core/log.ts'
import { describeStep, type Plan, type Step } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import type { Inventory } from './observe.ts'
import { observe, observeNode, question } from './observe.ts'
import { etcdObstacle, leavingObstacle } from '../core/etcd.ts'
import { until, withDeadline } from './until.ts'

export interface CarryOutOptions extends CarryOutChoices {
  readonly inventory: Inventory
  readonly log: Logger
  readonly signal: AbortSignal
  /** Between two looks of a wait, in ms. */
  readonly pollEvery: number
}

/** Carries out a plan, phase by phase. Knows nothing of why. */
export async function carryOut(plan: Plan, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { log, signal, mayGoOn } = options
  for (const [index, { name, steps, bestEffort }] of plan.entries()) {
    signal.throwIfAborted()
    const reason = mayGoOn?.(name)
    // It can be tried again when the reason has passed.
    if (reason !== undefined) throw new AgentError('timed-out', `stopped before ${name}: ${reason}`)
    log.info({ phase: name, progress: `${index + 1}/${plan.length}` }, 'phase started')
    const results = await Promise.allSettled(steps.map((step) => carryOutStep(step, ports, options)))
    signal.throwIfAborted()
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      if (!bestEffort) throw result.reason
      log.warn({ phase: name, reason: messageOf(result.reason) }, 'step failed; carrying on')
    }
  }
}

async function carryOutStep(step: Step, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { onStep, signal } = options
  onStep?.(step, { kind: 'started' })
  try {
    await perform(step, ports, options)
  } catch (error) {
    // A run that was called off says so; everything else says what was being done.
    const told = signal.aborted ? (signal.reason as Error) : during(describeStep(step), error)
    onStep?.(step, { kind: 'failed', error: told })
    throw told
  }
  onStep?.(step, { kind: 'done' })
}

/** The one place where a step turns into a call on the outside world. */
async function perform(step: Step, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { talos, kubernetes, factory, share, ups } = ports
  const { signal, pollEvery } = options
  const limit = (within: number, call: (signal: AbortSignal) => Promise<void>) => withDeadline(within, signal, call)
  switch (step.do) {
    case 'pull-image':
      return limit(step.within, (limited) => talos.pullImage(step.node, step.image, limited))
    case 'cordon':
      return limit(step.within, (limited) => kubernetes.cordon(step.node, step.mark, step.attempts, limited))
    case 'note-failure':
      return limit(10_000, (limited) => kubernetes.noteFailure(step.node, step.attempts, limited))
    case 'drain':
      return limit(step.within, (limited) => kubernetes.drain(step.node, step.policy, limited))
    case 'install':
      return limit(step.within, (limited) => talos.install(step.node, step.image, limited))
    case 'reboot':
      return reboot(step, ports, options)
    case 'install-and-reboot':
      return installAndReboot(step, ports, options)
    case 'await-upgraded':
      return awaitUpgraded(step, ports, options)
    case 'await-etcd':
      return until('etcd to be whole', { within: step.within, pollEvery, signal }, async (limited) => {
        return etcdObstacle((await observe(options.inventory, ports, limited)).nodes) ?? true
      })
    case 'uncordon':
      return uncordon(step, ports, options)
    case 'settle':
      return settle(step, ports, options)
    case 'shut-down':
      return shutDown(step, ports, options)
    case 'await-down':
      return awaitDown(step, ports, options)
    case 'log-out-of-ups':
      return ups ? limit(5_000, (limited) => ups.logOut(limited)) : undefined
    case 'log-in-to-ups':
      return ups ? limit(5_000, (limited) => ups.logIn(limited)) : undefined
    case 'bring-back':
      return bringBack(step, ports, options)
    case 'confirm':
      return confirm(step, ports, options)
    case 'stage-image':
      return void (await share.stage(step.image, { publish: step.publish }, factory, signal))
    default:
      return assertNever(step)
  }
}

type StepOf<Do extends Step['do']> = Extract<Step, { do: Do }>

/**
 * Marks the node as about to reboot, and answers whether to send the order: not again to one that is on its way down or has
 * another boot already, because a second reboot would hit the new system.
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

async function reboot(step: StepOf<'reboot'>, ports: Ports, { signal, log }: CarryOutOptions): Promise<void> {
  const { node } = step
  if (!(await markBeforeReboot(step, ports, signal))) return
  await withDeadline(60_000, signal, (limited) => ports.talos.reboot(node, limited)).catch((error: unknown) => {
    // The answer may be lost although the order arrived: the wait that follows sees which.
    if (signal.aborted || !(error instanceof AgentError && error.retryable)) throw error
    log.warn({ node, reason: messageOf(error) }, 'no answer to the reboot')
  })
}

async function installAndReboot(
  step: StepOf<'install-and-reboot'>,
  ports: Ports,
  { signal }: CarryOutOptions,
): Promise<void> {
  const { node, image, within } = step
  if (!(await markBeforeReboot(step, ports, signal))) return
  await withDeadline(within, signal, (limited) => ports.talos.installAndReboot(node, image, limited))
}

/**
 * A new boot with the wanted release, whole and healthy. That the machine runs and is ready proves nothing by itself:
 * after a rollback it is just that, with the old release.
 */
function awaitUpgraded(step: StepOf<'await-upgraded'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { node: name, version, schematic, bootId, within } = step
  return until(
    `${name} to run ${version}`,
    { within, pollEvery: options.pollEvery, signal: options.signal },
    async (signal) => {
      const node = await observeNode(name, options.inventory, ports, signal)
      if (!node.talos.ok) return `it ${whyUnhealthy(node)}`
      const facts = node.talos.value
      if (facts.bootId === bootId) return `it has not rebooted, and is ${facts.stage}`
      if (facts.stage !== 'running') return `it is ${facts.stage} (${facts.unmet.join(', ')})`
      if (facts.version !== version)
        throw new AgentError('rejected', `rolled back: it rebooted and runs ${facts.version}, not ${version}`)
      if (facts.schematic !== schematic) {
        throw new AgentError('rejected', `it runs the schematic ${facts.schematic ?? '(none)'}, not ${schematic}`)
      }
      if (facts.fallbackPending) return 'its boot is not confirmed yet'
      return isHealthy(node) || `it ${whyUnhealthy(node)}`
    },
  )
}

/** One bad look may be a lost packet; two in a row are not. */
async function settle({ node: name, lasts }: StepOf<'settle'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { inventory, pollEvery, signal } = options
  const end = performance.now() + lasts
  let bad = 0
  while (performance.now() < end || bad > 0) {
    await sleep(Math.max(1, Math.min(pollEvery, end - performance.now())), undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
    const node = await observeNode(name, inventory, ports, signal)
    bad = isHealthy(node) ? 0 : bad + 1
    if (bad >= 2) throw new AgentError('timed-out', `after its upgrade it ${whyUnhealthy(node)}`)
  }
}

/**
 * A node that doesn't take the call is asked again until its time is up: the network may blink. One that can't be reached
 * twice is off, booting or cut off; nobody told it, and the watch that follows the plan looks at it again.
 */
async function shutDown(
  { node, force, within }: StepOf<'shut-down'>,
  { talos }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let refusals = 0
  await until(`${node} to take the order`, { within, pollEvery: Math.min(pollEvery, 500), signal }, async (limited) => {
    try {
      await withDeadline(question, limited, (soon) => talos.shutDown(node, { force }, soon))
      return true
    } catch (error) {
      refusals = error instanceof AgentError && error.code === 'unreachable' ? refusals + 1 : 0
      if (refusals >= 2) throw new AgentError('rejected', `it can't be reached (${messageOf(error)})`)
      throw error
    }
  })
}

/** Down is what fails to answer twice in a row. */
async function awaitDown(
  { node, within }: StepOf<'await-down'>,
  { talos }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  let silences = 0
  await until(`${node} to be down`, { within, pollEvery: Math.min(pollEvery, 500), signal }, async (limited) => {
    const answers = await withDeadline(question, limited, (soon) => talos.version(node, soon)).then(
      () => true,
      (error: unknown) => error instanceof AgentError && !error.retryable,
    )
    silences = answers ? 0 : silences + 1
    return silences >= 2 || 'it still answers'
  })
}

async function bringBack(step: StepOf<'bring-back'>, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { node: name, afterKubernetes, ready, within } = step
  const { signal, pollEvery } = options
  const wait = { within, pollEvery, signal }
  if (afterKubernetes) {
    await until('the Kubernetes API to answer', wait, async (limited) => {
      await withDeadline(question, limited, (soon) => ports.kubernetes.version(soon))
      return true
    }).catch((error: unknown) => {
      // A control plane that does not come back is no reason to leave the workers off.
      if (signal.aborted) throw error
    })
  }
  await wake(step, ports, options)
  if (ready) {
    await until(`${name} to be ready`, wait, async (limited) => {
      const node = await observeNode(name, options.inventory, ports, limited)
      return isHealthy(node) || `${name} ${whyUnhealthy(node)}`
    })
  }
  await uncordon({ do: 'uncordon', node: name, why: 'power' }, ports, options)
}

async function uncordon(
  { node, why, forgetAttempts }: StepOf<'uncordon'>,
  { kubernetes }: Ports,
  { signal, pollEvery }: CarryOutOptions,
): Promise<void> {
  await until(`the API server to uncordon ${node}`, { within: 60_000, pollEvery, signal }, async (limited) => {
    await kubernetes.uncordon(node, why, { forgetAttempts: forgetAttempts ?? false }, limited)
    return true
  })
}

/** Pulling, draining and installing take their time, and the others' health was looked at before all of it. */
async function confirm(
  { node }: StepOf<'confirm'>,
  ports: Ports,
  { inventory, signal }: CarryOutOptions,
): Promise<void> {
  const { nodes } = await observe(inventory, ports, signal)
  const obstacle = leavingObstacle(nodes, node)
  if (obstacle) throw new AgentError('timed-out', `it can't be taken away now: ${obstacle}`)
}

async function wake(
  { node, mac, retryEvery, within }: StepOf<'bring-back'>,
  ports: Ports,
  { signal, pollEvery, log }: CarryOutOptions,
): Promise<void> {
  let sentAt = -Infinity
  const what =
    mac === undefined ? `${node} to be switched on (it has no mac, so press its button)` : `${node} to come up`
  await until(what, { within, pollEvery, signal }, async (limited) => {
    const facts = await withDeadline(question, limited, (soon) => ports.talos.look(node, soon)).catch(() => undefined)
    // A node that is still going down answers too.
    if (facts && facts.stage !== 'shutting down') return true
    if (mac !== undefined && performance.now() - sentAt >= retryEvery) {
      sentAt = performance.now()
      await ports.wakeOnLan
        .wake(mac)
        .catch((error: unknown) => log.warn({ node, reason: messageOf(error) }, 'magic packet not sent'))
    }
    return facts ? 'it is still shutting down' : 'it does not answer yet'
  })
}
