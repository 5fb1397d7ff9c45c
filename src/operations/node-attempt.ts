import type { Attempts } from '../core/cluster/cluster.ts'
import { type AgentError, messageOf } from '../core/errors.ts'
import type { PhaseId } from '../core/phase-id.ts'
import type { Step } from '../core/plan.ts'
import { bootedOldSystem, markOf } from '../core/upgrade/attempts.ts'
import { type NodePlan, outcomeOf } from '../core/upgrade/decision.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import { failureNote } from '../core/upgrade/release-plan.ts'
import { type Rollout, withNodeEnded, withNodeStarted, withPhase } from '../core/upgrade/record.ts'
import { remembered, withdrawRollbacks } from './facts.ts'
import type { JobContext } from './job.ts'
import { reportRollout } from './rollout-alerts.ts'

/** What becomes of one node's plan, written down where it belongs: in the rollout's record, and on the node. */
export interface NodeAttempt {
  phaseEnded(phase: PhaseId, ms: number): void
  failed(error: AgentError, at: Step['do'] | undefined): Promise<void>
  ended(): Promise<void>
}

export function beginAttempt(context: JobContext, preview: UpgradePreview, one: NodePlan): NodeAttempt {
  const { ports, alerts, now, emit } = context
  const { journal } = ports
  const { version, cluster } = preview
  const { node, intent } = one

  function change(record: Rollout | undefined, changed: (rollout: Rollout) => Rollout): void {
    if (record) journal.saveRollout(changed(record))
  }
  /** Also where it was cancelled meanwhile: what becomes of its nodes belongs to it. */
  const itsRollout = () => journal.rollouts(20).find(({ release }) => release === version)
  /** The rollout that brought a node forward has been cancelled by the time that it is back. */
  const rolloutOfNode = () => journal.rollouts(20).find(({ nodes }) => Object.hasOwn(nodes, node))

  const found = cluster.nodes.find(({ name }) => name === node)!
  if (intent === 'upgrade' && found.talos.ok) {
    const from = found.talos.value.version
    change(itsRollout(), (rollout) => withNodeStarted(rollout, { name: node, role: found.role, from }, now()))
  }

  return {
    phaseEnded: (phase, ms) => change(itsRollout(), (rollout) => withPhase(rollout, node, phase, ms)),
    failed: async (error, at) => {
      if (at === 'drain') leaveForLater(context, node, error.message)
      // What passes by itself is no fault of the release; what doesn't, the node itself remembers.
      if (!error.retryable && intent === 'rollback') {
        if (at === 'roll-back') withdrawRollbacks(journal, [node])
      } else if (!error.retryable && at !== 'cordon') {
        await noteFailure(context, preview, one, error.message)
        const ending = { outcome: 'failed', failure: error.message } as const
        change(itsRollout(), (rollout) => withNodeEnded(rollout, node, ending, now()))
      }
      const what = intent === 'rollback' ? 'rollback' : 'upgrade'
      reportRollout(alerts, { kind: 'failed', node, text: `the ${what} of ${node} failed: ${error.message}` })
    },
    ended: async () => {
      const outcome = outcomeOf(intent)
      const ends = { upgraded: `${node} runs ${version}`, 'rolled-back': `${node} is rolled back` }
      reportRollout(alerts, undefined, outcome === 'upgraded' || outcome === 'rolled-back' ? ends[outcome] : undefined)
      if (outcome === undefined) return
      const record = outcome === 'rolled-back' ? rolloutOfNode() : itsRollout()
      change(record, (rollout) => withNodeEnded(rollout, node, { outcome }, now()))
      if (outcome === 'upgraded') await emit({ type: 'node.upgraded', node, version: version! })
    },
  }
}

/** A node whose drain was refused lets others go before it, where that is the policy. */
function leaveForLater({ config, ports, now }: JobContext, node: string, why: string): void {
  const { whenBlocked, blockedTimeout } = config.upgrade.draining
  if (whenBlocked !== 'skip') return
  const blocked = remembered.blocked.recall(ports.journal) ?? {}
  remembered.blocked.remember(ports.journal, { ...blocked, [node]: { until: now().getTime() + blockedTimeout, why } })
}

/** On the node, so that a release that fails there is not tried for ever. */
async function noteFailure(
  { carryOut, observe, log }: JobContext,
  { cluster, version }: UpgradePreview,
  { node, plan }: NodePlan,
  failure: string,
): Promise<void> {
  if (version === undefined) return
  const steps = plan.flatMap((one) => one.steps)
  const begun = steps.find((step) => step.do === 'cordon')?.attempts
  const facts = cluster.nodes.find(({ name }) => name === node)?.kubernetes
  const before = facts?.ok && facts.value.attempts?.release === version ? facts.value.attempts : undefined
  // Plans that start later count on from what the node remembers.
  const count =
    begun?.count ?? (before === undefined ? 1 : before.failure === undefined ? before.count : before.count + 1)
  const { powercycled } = begun ?? before ?? {}
  // At once, and not when it is next decided on: until then someone may uncordon it, and our mark is gone.
  const now = (await observe()).nodes.find(({ name }) => name === node)
  const rolledBack = now !== undefined && bootedOldSystem(now, markOf(now))
  const attempts: Attempts = {
    release: version,
    count,
    failure,
    ...(rolledBack ? { rolledBack } : {}),
    ...(powercycled ? { powercycled } : {}),
  }
  await carryOut([failureNote({ name: node }, attempts)]).catch((error: unknown) =>
    log.warn({ reason: messageOf(error) }, 'failure not noted on the node'),
  )
}
