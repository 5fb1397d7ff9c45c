import type { Attempts, Cluster } from '../src/core/cluster/cluster.ts'
import { AgentError, assertNever, messageOf } from '../src/core/errors.ts'
import { defineJob, type JobContext } from '../src/operations/job.ts'
import { after, done, every, later, on, type Outcome } from '../src/core/job.ts'
import type { Journal } from '../src/core/journal.ts'
import { movementOf } from '../src/core/release/left-behind.ts'
import { phase, type Step } from '../src/core/plan.ts'
import { powerObstacle } from '../src/core/power/feeds.ts'
import { bootedOldSystem, markOf } from '../src/core/upgrade/attempts.ts'
import { withdrawnReason } from '../src/core/release/policy.ts'
import type { UpgradePreview } from '../src/core/upgrade/preview.ts'
import { begins, previewUpgrade, pauseOf, recordFor } from '../src/operations/preview-upgrade.ts'
import {
  beginRollout,
  endRollout,
  type Rollout,
  withNodeEnded,
  withNodeStarted,
  withPhase,
} from '../src/core/upgrade/record.ts'
import { remembered, withdrawRollbacks } from '../src/operations/facts.ts'
import { reportApproval, reportArmed, reportMachines, reportRollout } from '../src/operations/rollout-alerts.ts'
import type { NodePlan } from '../src/core/upgrade/decision.ts'
import { windowAt } from '../src/core/upgrade/window.ts'

/** Phases that a failing battery keeps from beginning, and those that a person does: what is installed is finished. */
const beforeReboot = [
  'fetch',
  'snapshot',
  'close',
  'empty',
  'confirm',
  'note',
  'install',
  'hand over',
  'reboot',
  'roll back',
]
const beforeInstall = ['fetch', 'snapshot', 'close', 'empty', 'note', 'install']

/** Brings one node to the wanted Talos release, or as many workers as may be away at once, then asks to be run again. */
export default defineJob({
  name: 'upgrade-node',
  about: 'brings the next node to the release to go to, if everything speaks for it, and then the one after',
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

  // Nobody is asked for a lease of a cluster that does not exist yet.
  idle: async ({ config }) =>
    config.nodes.length === 0 ? done('no node is configured, so there is nothing to upgrade') : undefined,

  async run(context) {
    const { config, ports, alerts, now, emit, carryOut, signal, log } = context
    const { journal } = ports
    const preview = await previewUpgrade(context)
    const { decision, version, cluster } = preview
    tidyRollbacks(preview, journal)
    reportArmed(alerts, cluster, journal)
    reportMachines(alerts, cluster)
    await noticeWindow(context, preview)
    await noteArrival(context, preview)
    noteFinished(context, preview)
    if (decision.kind !== 'stuck') await askForApproval(context, preview)
    switch (decision.kind) {
      case 'upgraded': {
        const open = journal.openRollout()
        if (open) {
          journal.saveRollout(endRollout(open, open.release === version ? 'done' : 'superseded', now()))
          if (open.release === version) await emit({ type: 'rollout.finished', version })
        }
        reportRollout(alerts, undefined)
        return done(version === undefined ? 'no node tells what it runs' : describeArrival(context, cluster, version))
      }
      case 'wait': {
        // A node of ours that stays closed is nobody's plan: a person should hear of it.
        const ours = cluster.nodes.find(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
        if (ours)
          reportRollout(alerts, {
            kind: 'held',
            node: ours.name,
            text: `${ours.name} stays cordoned: ${decision.reason}`,
          })
        else alerts.settle('rollout.held')
        return later(decision.reason, decision.until ?? after(now(), config.upgrade.retryAfter))
      }
      case 'stuck':
        if (
          reportRollout(alerts, {
            kind: 'stuck',
            node: decision.node,
            text: `the rollout is stuck: ${decision.reason}`,
          })
        )
          await emit({ type: 'rollout.stuck', node: decision.node, reason: decision.reason })
        return done(`stuck: ${decision.reason}`)
      case 'go':
        break
      default:
        return assertNever(decision)
    }

    if (
      version !== undefined &&
      decision.nodes.some(({ plan }) => begins(plan)) &&
      !recordFor(version, journal) &&
      remembered.aborted.recall(journal) !== version
    ) {
      const open = journal.openRollout()
      if (open) journal.saveRollout(endRollout(open, 'superseded', now()))
      journal.saveRollout(beginRollout(version, now()))
      await emit({ type: 'rollout.started', version })
    }
    const mayGoOn = (name: string) => whyNot(context, 'the rollout', version, name)
    try {
      await carryOut(decision.first, { mayGoOn })
      await noteSnapshot(context, preview)
    } catch (error) {
      // Nothing was touched yet, so no node has failed.
      if (signal.aborted || !(error instanceof AgentError)) throw error
      reportRollout(alerts, { kind: 'failed', text: error.message })
      return later(error.message, after(now(), config.upgrade.retryAfter))
    }
    for (const { node, reason } of decision.nodes) log.info({ node, version }, reason)
    const ends = await Promise.all(decision.nodes.map((one) => bring(context, preview, one)))
    return together(ends)
  },
})

/** Carries one node's plan out, and writes down what became of it. Throws only what ends the run. */
async function bring(context: JobContext, preview: UpgradePreview, { node, reason, plan }: NodePlan): Promise<Outcome> {
  const { config, ports, alerts, now, emit, carryOut, signal } = context
  const { journal } = ports
  const { version, cluster } = preview
  const found = cluster.nodes.find(({ name }) => name === node)!
  const write = (change: (rollout: Rollout) => Rollout) => {
    // Also where it was called off meanwhile: what becomes of its nodes belongs to it.
    const record = journal.rollouts(20).find(({ release }) => release === version)
    if (record) journal.saveRollout(change(record))
  }
  const does = (what: Step['do']) => plan.some(({ steps }) => steps.some((step) => step.do === what))
  if (does('cordon') && !does('roll-back') && found.talos.ok) {
    const from = found.talos.value.version
    write((rollout) => withNodeStarted(rollout, { name: node, role: found.role, from }, now()))
  }
  let failedAt: Step['do'] | undefined
  try {
    await carryOut(plan, {
      // What a person wants taken back is no part of the rollout that they stopped.
      mayGoOn: (name) =>
        whyNot(
          context,
          does('roll-back')
            ? 'a person'
            : does('install') || does('install-and-reboot')
              ? 'the rollout'
              : 'what is begun',
          version,
          name,
        ) ?? (does('roll-back') ? undefined : overtakenBy(journal, node, name)),
      onPhase: (name, ms) => write((rollout) => withPhase(rollout, node, name, ms)),
      onStep: (step, { kind }) => {
        if (kind === 'failed') failedAt = step.do
      },
    })
  } catch (error) {
    if (signal.aborted || !(error instanceof AgentError)) throw error
    if (failedAt === 'drain') leaveForLater(context, node, error.message)
    // What passes by itself is no fault of the release; what doesn't, the node itself remembers.
    if (!error.retryable && failedAt === 'roll-back') {
      withdrawRollbacks(journal, [node])
    } else if (!error.retryable && failedAt !== 'cordon' && failedAt !== 'await-rolled-back' && !does('roll-back')) {
      await noteFailure(context, preview, { node, plan, failure: error.message })
      write((rollout) => withNodeEnded(rollout, node, 'failed', now(), error.message))
    }
    reportRollout(alerts, { kind: 'failed', node, text: error.message })
    return later(error.message, after(now(), config.upgrade.retryAfter))
  }
  reportRollout(alerts, undefined)
  if (does('await-upgraded')) {
    write((rollout) => withNodeEnded(rollout, node, 'upgraded', now()))
    await emit({ type: 'node.upgraded', node, version: version! })
    return later(`${node} runs ${version}; on to the next`, now())
  }
  if (does('await-rolled-back')) {
    // The rollout that brought it forward has been called off by then.
    const brought = journal.rollouts(20).find(({ nodes }) => Object.hasOwn(nodes, node))
    if (brought) journal.saveRollout(withNodeEnded(brought, node, 'rolled-back', now()))
  } else if (does('note-failure')) write((rollout) => withNodeEnded(rollout, node, 'failed', now()))
  else if (does('uncordon')) write((rollout) => withNodeEnded(rollout, node, 'given-back', now()))
  return later(reason, now())
}

/** Nodes that are ahead, or that run no official release, are named: they stay as they are. */
function describeArrival({ ports }: JobContext, { nodes }: Cluster, version: string): string {
  const withdrawn = remembered.withdrawn.recall(ports.journal) ?? []
  const others = nodes.flatMap(({ name, talos }) => {
    if (!talos.ok || talos.value.version === version) return []
    const runs = talos.value.version
    return [`${name} (${withdrawn.includes(runs) ? withdrawnReason(runs) : runs})`]
  })
  return `every node runs ${version}${others.length === 0 ? '' : `, except ${others.join(', ')}`}`
}

/** One snapshot of etcd a rollout is enough. */
async function noteSnapshot({ ports }: JobContext, { decision, version }: UpgradePreview): Promise<void> {
  const { journal, snapshots } = ports
  const isSaved =
    decision.kind === 'go' && decision.first.some(({ steps }) => steps.some((step) => step.do === 'snapshot-etcd'))
  const record = version === undefined ? undefined : recordFor(version, journal)
  const [newest] = isSaved && record ? await snapshots.list() : []
  if (record && newest) journal.saveRollout({ ...record, snapshot: newest.file })
}

/** The soonest of them decides when to look again; all of them say why. */
function together(ends: readonly Outcome[]): Outcome {
  const waits = ends.flatMap((end) => (end.kind === 'later' ? [end] : []))
  const at = Math.min(...waits.map((end) => end.at.getTime()))
  return later(waits.map(({ reason }) => reason).join('; '), new Date(at))
}

/** Why this phase may not begin: a battery that fails, a person, or the end of what was wanted. */
function whyNot(
  context: JobContext,
  wantedBy: 'the rollout' | 'what is begun' | 'a person',
  version: string | undefined,
  name: string,
): string | undefined {
  const { config, ports, power, monotonic } = context
  const { journal } = ports
  const failing = beforeReboot.includes(name) ? powerObstacle(power, monotonic(), config.power) : undefined
  if (failing) return failing
  if (wantedBy !== 'the rollout' || !beforeInstall.includes(name)) return undefined
  if (version !== undefined && remembered.aborted.recall(journal) === version)
    return `the rollout of ${version} was aborted`
  if (version !== undefined && remembered.withdrawn.recall(journal)?.includes(version)) return withdrawnReason(version)
  return pauseOf(config, journal)
}

/** A person wants this node taken back: it does not go further forward first. */
function overtakenBy(journal: Journal, node: string, name: string): string | undefined {
  const requests = remembered.rollbacks.recall(journal) ?? []
  if (!beforeReboot.includes(name) || !requests.some((request) => request.node === node)) return undefined
  return `${node} is to be taken back`
}

/** A node whose drain was refused lets others go before it, where that is the policy. */
function leaveForLater({ config, ports, now }: JobContext, node: string, why: string): void {
  const { whenBlocked, blockedFor } = config.upgrade.draining
  if (whenBlocked !== 'skip') return
  const blocked = remembered.blocked.recall(ports.journal) ?? {}
  remembered.blocked.remember(ports.journal, { ...blocked, [node]: { until: now().getTime() + blockedFor, why } })
}

/** One request is one reboot: when the node has another boot, and nothing of ours on it, the request is fulfilled. */
function tidyRollbacks({ cluster }: UpgradePreview, journal: Journal): void {
  const requests = remembered.rollbacks.recall(journal) ?? []
  const open = requests.filter(({ node, bootId }) => {
    const found = cluster.nodes.find(({ name }) => name === node)
    if (!found?.talos.ok || !found.kubernetes.ok || found.identity.kind === 'another') return found !== undefined
    return found.talos.value.bootId === bootId || found.kubernetes.value.cordon?.back === true
  })
  if (open.length !== requests.length) remembered.rollbacks.remember(journal, open)
}

/** A window that closes with nodes still to come is told of, with what it waited for. */
async function noticeWindow(
  { config, ports, now, emit }: JobContext,
  { decision, order }: UpgradePreview,
): Promise<void> {
  const { journal } = ports
  const before = remembered.windowWaits.recall(journal)
  const state = windowAt(config.upgrade.windows, config.upgrade.timeZone, now())
  const waits = decision.kind === 'wait' || decision.kind === 'stuck'
  if (before && before.closesAt <= now().getTime()) {
    remembered.windowWaits.remember(journal, undefined)
    if (order.length > 0) await emit({ type: 'window.missed', nodes: order.length, reason: before.reason })
  }
  if (state.open && state.closesAt)
    remembered.windowWaits.remember(
      journal,
      waits && order.length > 0 ? { closesAt: state.closesAt.getTime(), reason: decision.reason } : undefined,
    )
}

/** A rollout whose release every node has reached is done, also where the way leads on to another one at once. */
async function noteArrival(
  { ports, now, emit, ownNode }: JobContext,
  { cluster, version }: UpgradePreview,
): Promise<void> {
  const open = ports.journal.openRollout()
  if (!open || open.release === version) return
  const { running } = movementOf(cluster, ownNode)
  const isThere = running.length > 0 && running.every((one) => one === open.release)
  if (!isThere || !cluster.nodes.every(({ talos }) => talos.ok)) return
  ports.journal.saveRollout(endRollout(open, 'done', now()))
  await emit({ type: 'rollout.finished', version: open.release })
}

/** What an agent before us brought to its release, and did not live to write down. */
function noteFinished({ ports, now }: JobContext, { cluster }: UpgradePreview): void {
  const open = ports.journal.openRollout()
  if (!open) return
  let record = open
  for (const { name, talos, kubernetes } of cluster.nodes) {
    const begun = Object.hasOwn(open.nodes, name) ? open.nodes[name] : undefined
    const isThere = talos.ok && talos.value.version === open.release && kubernetes.ok && !kubernetes.value.cordon
    if (begun && begun.endedAt === undefined && isThere) record = withNodeEnded(record, name, 'upgraded', now())
  }
  if (record !== open) ports.journal.saveRollout(record)
}

async function askForApproval({ alerts, emit }: JobContext, { toApprove, version }: UpgradePreview): Promise<void> {
  const isNew = reportApproval(alerts, toApprove.length > 0 ? version : undefined)
  if (isNew && version !== undefined) await emit({ type: 'approval.needed', version })
}

/** So that a release that fails on a node is not tried there for ever. */
async function noteFailure(
  { carryOut, observe, log }: JobContext,
  { cluster, version }: UpgradePreview,
  { node, plan, failure }: Pick<NodePlan, 'node' | 'plan'> & { readonly failure: string },
): Promise<void> {
  if (version === undefined) return
  const steps = plan.flatMap((one) => one.steps)
  const begun = steps.find((step) => step.do === 'cordon')?.attempts
  const facts = cluster.nodes.find(({ name }) => name === node)?.kubernetes
  const before = facts?.ok && facts.value.attempts?.release === version ? facts.value.attempts : undefined
  // Plans that begin later count on from what the node remembers.
  const count =
    begun?.count ?? (before === undefined ? 1 : before.failure === undefined ? before.count : before.count + 1)
  const { powercycled } = begun ?? before ?? {}
  // At once, and not when it is next decided on: until then somebody may uncordon it, and our mark is gone.
  const now = (await observe()).nodes.find(({ name }) => name === node)
  const rolledBack = now !== undefined && bootedOldSystem(now, markOf(now))
  const attempts: Attempts = {
    release: version,
    count,
    failure,
    ...(rolledBack ? { rolledBack } : {}),
    ...(powercycled ? { powercycled } : {}),
  }
  await carryOut([phase('note', { do: 'note-failure', node, attempts })]).catch((error: unknown) =>
    log.warn({ reason: messageOf(error) }, 'failure not noted on the node'),
  )
}
