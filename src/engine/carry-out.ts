import { AgentError, assertNever, during, messageOf } from '../core/errors.ts'
import { etcdObstacle } from '../core/cluster/etcd.ts'
import type { Plan, Step } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import { observeNodes } from './observe.ts'
import { countedDownloads } from './counted-download.ts'
import type { CarryOutOptions, StepOf } from './step.ts'
import { confirm, install, installAndReboot, reboot, rollBack } from './order-steps.ts'
import {
  awaitDown,
  awaitHostDown,
  awaitStorage,
  bringBack,
  bringBackHost,
  shutDown,
  shutDownHost,
} from './power-steps.ts'
import { until, withDeadline } from './until.ts'
import { awaitChecks, awaitRolledBack, awaitUpgraded, settle, uncordon } from './upgrade-steps.ts'

/** Carries out a plan, phase by phase. */
export async function carryOut(plan: Plan, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { log, signal, wording, whyNotBegin, onPhase } = options
  for (const [index, phase] of plan.entries()) {
    const { id, steps, bestEffort } = phase
    signal.throwIfAborted()
    const reason = whyNotBegin?.(phase)
    // It can be tried again when the reason has passed.
    if (reason !== undefined) throw new AgentError('not-now', `stopped before ${wording.titleOf(id)}: ${reason}`)
    log.info({ phase: id, progress: `${index + 1}/${plan.length}` }, 'phase started')
    const beganAt = performance.now()
    const results = await Promise.allSettled(steps.map((step) => carryOutStep(step, ports, options)))
    signal.throwIfAborted()
    for (const result of results) {
      if (result.status === 'fulfilled') continue
      if (!bestEffort) throw result.reason
      log.warn({ phase: id, reason: messageOf(result.reason) }, 'step failed; carrying on')
    }
    onPhase?.(id, performance.now() - beganAt)
  }
}

async function carryOutStep(step: Step, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { onStep, signal, wording } = options
  onStep?.(step, { kind: 'started' })
  try {
    await perform(step, ports, options)
  } catch (error) {
    // A run that was cancelled says so; everything else says what was being done.
    const told = signal.aborted ? (signal.reason as Error) : during(wording.describeStep(step), error)
    onStep?.(step, { kind: 'failed', error: told })
    throw told
  }
  onStep?.(step, { kind: 'done' })
}

/** The one place where a step turns into a call on the outside world. */
async function perform(step: Step, ports: Ports, options: CarryOutOptions): Promise<void> {
  const { talos, kubernetes, upses, snapshots } = ports
  const { signal, pollEvery } = options
  const limit = (within: number, call: (signal: AbortSignal) => Promise<unknown>) =>
    withDeadline(within, signal, async (limited) => void (await call(limited)))
  switch (step.do) {
    case 'pull-image':
      return limit(step.within, (limited) => talos.pullImage(step.node, step.image, limited))
    case 'cordon':
      return limit(step.within, (limited) => kubernetes.cordon(step.node, step.mark, step.attempts, limited))
    case 'note-failure':
      return limit(10_000, (limited) => kubernetes.noteFailure(step.node, step.attempts, limited))
    case 'note-staged':
      return limit(10_000, (limited) => kubernetes.noteStaged(step.node, step.mark, limited))
    case 'drain':
      return limit(step.within, (limited) => kubernetes.drain(step.node, step.policy, limited))
    case 'confirm':
      return confirm(step, ports, options)
    case 'snapshot-etcd':
      return limit(step.within, (limited) => snapshots.keep(step, talos.snapshotEtcd(step.node, limited), limited))
    case 'forfeit-leadership':
      return limit(30_000, (limited) => talos.forfeitLeadership(step.node, limited, step.machine))
    case 'install':
      return install(step, ports, options)
    case 'reboot':
      return reboot(step, ports, options)
    case 'install-and-reboot':
      return installAndReboot(step, ports, options)
    case 'roll-back':
      return rollBack(step, ports, options)
    case 'await-upgraded':
      return awaitUpgraded(step, ports, options)
    case 'await-rolled-back':
      return awaitRolledBack(step, ports, options)
    case 'await-checks':
      return awaitChecks(step, ports, options)
    case 'await-etcd':
      return until('etcd to be healthy', { within: step.within, pollEvery, signal }, async (limited) => {
        return etcdObstacle(await observeNodes(options.inventory, ports, limited)) ?? true
      })
    case 'uncordon':
      return uncordon(step, ports, options)
    case 'settle':
      return settle(step, ports, options)
    case 'shut-down':
      return shutDown(step, ports, options)
    case 'await-down':
      return awaitDown(step, ports, options)
    case 'shut-down-host':
      return shutDownHost(step, ports, options)
    case 'await-host-down':
      return awaitHostDown(step, ports, options)
    case 'scale':
      return limit(step.within, (limited) => kubernetes.scale(step.workload, step.replicas, limited))
    case 'set-storage':
      return limit(step.within, (limited) => kubernetes.setStorage(step.setting, step.value, limited))
    case 'await-storage':
      return awaitStorage(step, ports, options)
    case 'ups-command':
      return limit(step.within, async (limited) => upses.get(step.ups)?.command(step.command, limited))
    case 'log-out-of-ups':
      return limit(5_000, async (limited) => upses.get(step.ups)?.logOut(limited))
    case 'log-in-to-ups':
      return limit(5_000, async (limited) => upses.get(step.ups)?.logIn(limited))
    case 'bring-back':
      return bringBack(step, ports, options)
    case 'bring-back-host':
      return bringBackHost(step, ports, options)
    case 'stage-image':
      return stageImage(step, ports, options)
    default:
      return assertNever(step)
  }
}

async function stageImage(
  step: StepOf<'stage-image'>,
  { share, factory }: Pick<Ports, 'share' | 'factory'>,
  { onProgress, signal }: CarryOutOptions,
): Promise<void> {
  const counted = countedDownloads(factory, (progress) => onProgress?.(step, progress))
  await share.stage(step.image, counted, signal)
  const { publishAs } = step
  if (publishAs === undefined) return
  await share.publish(publishAs, step.image, signal).catch(async (error: unknown) => {
    if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
    // What was kept has rotted, or somebody has changed it: it counts as absent now, and is brought again.
    await share.stage(step.image, counted, signal)
    await share.publish(publishAs, step.image, signal)
  })
}
