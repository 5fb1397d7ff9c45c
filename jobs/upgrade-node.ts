import { allEnded } from '../src/core/at-once.ts'
import { AgentError, assertNever } from '../src/core/errors.ts'
import { after, done, every, later, on, type Outcome, stuck } from '../src/core/job.ts'
import { type Step, whyNotBegin } from '../src/core/plan.ts'
import { withdrawnReason } from '../src/core/release/policy.ts'
import { type NodePlan, outcomeOf, type UpgradeDecision } from '../src/core/upgrade/decision.ts'
import type { UpgradePreview } from '../src/core/upgrade/preview.ts'
import { remembered } from '../src/operations/facts.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { beginAttempt } from '../src/operations/node-attempt.ts'
import { previewUpgrade } from '../src/operations/preview-upgrade.ts'
import {
  reportApproval,
  reportArmed,
  reportMachines,
  reportRollout,
  reportWaiting,
  settleFormer,
} from '../src/operations/rollout-alerts.ts'
import {
  beginRecord,
  endRecord,
  noteArrival,
  noteFinished,
  noteSnapshot,
  noteWait,
  noteWindow,
  tidyRollbacks,
} from '../src/operations/rollout-bookkeeping.ts'
import { rolloutStopReasons } from '../src/operations/stop-reasons.ts'

type Go = UpgradeDecision & { kind: 'go' }
type Stuck = UpgradeDecision & { kind: 'stuck' }

/** Upgrades one node to the target release, or as many workers as may be down at once, then asks to be run again. */
export default defineJob({
  name: 'upgrade-node',
  about: 'upgrades the next node to the target release if nothing blocks it, then the one after',
  triggers: [
    on('agent.started'),
    on('image.staged'),
    on('node.returned'),
    on('power.on-mains'),
    on('cluster.woken'),
    every('10m'),
  ],
  purpose: 'upgrade',
  runs: 'queue',

  // There is no cluster yet whose Lease could be taken.
  idle: async ({ config }) =>
    config.nodes.length === 0 ? done('no node is configured, so there is nothing to upgrade') : undefined,

  async run(context) {
    const { config, alerts, now } = context
    const preview = await previewUpgrade(context)
    await noteObservations(context, preview)
    const { cluster, decision, version } = preview
    switch (decision.kind) {
      case 'upgraded':
        await endRecord(context, version)
        reportRollout(alerts, undefined, version && `every node runs ${version}`)
        return done(describeArrival(context, preview))
      case 'wait':
        reportWaiting(alerts, cluster, decision.reason)
        return later(decision.reason, decision.until ?? after(now(), config.upgrade.retryAfter))
      case 'stuck':
        await tellStuck(context, decision)
        return stuck(decision.reason)
      case 'go':
        await beginRecord(context, preview)
        return upgrade(context, preview, decision)
      default:
        return assertNever(decision)
    }
  },
})

/** Records and reports what was observed, whatever is decided. */
async function noteObservations(context: JobContext, preview: UpgradePreview): Promise<void> {
  const { alerts, emit, ports } = context
  const { cluster, decision, version } = preview
  settleFormer(alerts, ports.journal, version)
  tidyRollbacks(preview, ports.journal)
  reportArmed(alerts, cluster, ports.journal)
  reportMachines(alerts, cluster)
  noteWait(ports.journal, decision)
  await noteWindow(context, preview)
  await noteArrival(context, preview)
  noteFinished(context, preview)
  if (decision.kind === 'stuck') return
  const asks = reportApproval(alerts, { ...preview, approved: remembered.approved.recall(ports.journal) })
  if (asks && version !== undefined) await emit({ type: 'approval.needed', version })
}

async function tellStuck({ alerts, emit }: JobContext, { node, reason }: Stuck): Promise<void> {
  const isNew = reportRollout(alerts, { kind: 'stuck', node, text: `the rollout is stuck: ${reason}` })
  if (isNew) await emit({ type: 'rollout.stuck', node, reason })
}

async function upgrade(context: JobContext, preview: UpgradePreview, { first, nodes }: Go): Promise<Outcome> {
  const { config, alerts, now, carryOut, signal, log } = context
  const { version } = preview
  try {
    await carryOut(first, { whyNotBegin: (phase) => whyNotBegin(phase, rolloutStopReasons(context, version)) })
    await noteSnapshot(context, preview)
  } catch (error) {
    // Nothing was changed yet, so no node has failed.
    if (signal.aborted || !(error instanceof AgentError)) throw error
    reportRollout(alerts, { kind: 'failed', text: `the rollout can't continue: ${error.message}` })
    return later(error.message, after(now(), config.upgrade.retryAfter))
  }
  for (const { node, intent, reason } of nodes) log.info({ node, version, intent }, reason)
  return together(await allEnded(nodes.map((one) => bring(context, preview, one))))
}

/** Carries out the plan for one node and records the result. Throws only what ends the run. */
async function bring(context: JobContext, preview: UpgradePreview, one: NodePlan): Promise<Outcome> {
  const { config, now, carryOut, signal } = context
  const { version } = preview
  const { node, intent, reason, plan } = one
  const attempt = beginAttempt(context, preview, one)
  let failedAt: Step['do'] | undefined
  try {
    await carryOut(plan, {
      whyNotBegin: (phase) => whyNotBegin(phase, rolloutStopReasons(context, version, node)),
      onPhase: attempt.phaseEnded,
      onStep: (step, { kind }) => {
        if (kind === 'failed') failedAt = step.do
      },
    })
  } catch (error) {
    if (signal.aborted || !(error instanceof AgentError)) throw error
    await attempt.failed(error, failedAt)
    return later(error.message, after(now(), config.upgrade.retryAfter))
  }
  await attempt.ended()
  return later(outcomeOf(intent) === 'upgraded' ? `${node} runs ${version}; on to the next` : reason, now())
}

/** Runs again at the earliest of them; the reason names them all. */
function together(ends: readonly Outcome[]): Outcome {
  const waits = ends.flatMap((end) => (end.kind === 'later' ? [end] : []))
  const at = Math.min(...waits.map((end) => end.at.getTime()))
  return later(waits.map(({ reason }) => reason).join('; '), new Date(at))
}

/** Names nodes that are ahead of the target or run an unofficial release: they are left alone. */
function describeArrival({ ports }: JobContext, { cluster, version }: UpgradePreview): string {
  if (version === undefined) return 'no node reports its version'
  const withdrawn = remembered.withdrawn.recall(ports.journal) ?? []
  const others = cluster.nodes.flatMap(({ name, talos }) => {
    if (!talos.ok || talos.value.version === version) return []
    const runs = talos.value.version
    return [`${name} (${withdrawn.includes(runs) ? withdrawnReason(runs) : runs})`]
  })
  return `every node runs ${version}${others.length === 0 ? '' : `, except ${others.join(', ')}`}`
}
