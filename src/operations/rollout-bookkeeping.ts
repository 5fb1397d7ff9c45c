import type { Journal } from '../core/journal.ts'
import { movementOf } from '../core/release/left-behind.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import { isForward, type UpgradeDecision } from '../core/upgrade/decision.ts'
import { beginRollout, endRollout, withNodeEnded } from '../core/upgrade/record.ts'
import { hasNothingToBoot } from '../core/upgrade/rollback.ts'
import { windowAt } from '../core/upgrade/window.ts'
import { isAborted } from './aborts.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'
import { recordFor } from './upgrade-circumstances.ts'

/** The records of rollouts and of what people have asked for: for people and for estimates. What decides is on the nodes. */

/** One request is one reboot: when the node has another boot, and nothing of ours on it, the request is fulfilled. */
export function tidyRollbacks({ cluster }: UpgradePreview, journal: Journal): void {
  const requests = remembered.rollbacks.recall(journal) ?? []
  const open = requests.filter(({ node, bootId, force }) => {
    const found = cluster.nodes.find(({ name }) => name === node)
    if (!found?.talos.ok || !found.kubernetes.ok || found.identity.kind === 'another') return found !== undefined
    if (!force && hasNothingToBoot(found) && !found.kubernetes.value.cordon) return false
    return found.talos.value.bootId === bootId || found.kubernetes.value.cordon?.back === true
  })
  if (open.length !== requests.length) remembered.rollbacks.remember(journal, open)
}

/** Notes at which gate the upgrade waits. */
export function noteWait(journal: Journal, decision: UpgradeDecision): void {
  const waits = decision.kind === 'wait' ? (decision.gate ?? 'node') : undefined
  remembered.waitsAt.remember(journal, decision.kind === 'stuck' ? 'stuck' : waits)
}

/** Reports a window that closed with nodes left to upgrade, and what it waited for. */
export async function noteWindow(
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
export async function noteArrival(
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

/** Nodes that a previous agent upgraded and could not record. */
export function noteFinished({ ports, now }: JobContext, { cluster }: UpgradePreview): void {
  const open = ports.journal.openRollout()
  if (!open) return
  let record = open
  for (const { name, talos, kubernetes } of cluster.nodes) {
    const begun = Object.hasOwn(open.nodes, name) ? open.nodes[name] : undefined
    const isThere = talos.ok && talos.value.version === open.release && kubernetes.ok && !kubernetes.value.cordon
    if (begun && begun.endedAt === undefined && isThere)
      record = withNodeEnded(record, name, { outcome: 'upgraded' }, now())
  }
  if (record !== open) ports.journal.saveRollout(record)
}

/** The first node that goes forward starts the record of its rollout. */
export async function beginRecord({ ports, now, emit }: JobContext, preview: UpgradePreview): Promise<void> {
  const { journal } = ports
  const { decision, version } = preview
  if (version === undefined || decision.kind !== 'go' || !decision.nodes.some(isForward)) return
  if (recordFor(version, journal) || isAborted(journal, version)) return
  const open = journal.openRollout()
  if (open) journal.saveRollout(endRollout(open, 'superseded', now()))
  journal.saveRollout(beginRollout(version, now()))
  await emit({ type: 'rollout.started', version })
}

/** One snapshot of etcd a rollout is enough. */
export async function noteSnapshot({ ports }: JobContext, { decision, version }: UpgradePreview): Promise<void> {
  const { journal, snapshots } = ports
  const isTaken = decision.kind === 'go' && decision.first.some(({ id }) => id === 'snapshot-etcd')
  const record = version === undefined ? undefined : recordFor(version, journal)
  const [newest] = isTaken && record ? await snapshots.list() : []
  if (record && newest) journal.saveRollout({ ...record, snapshot: newest.file })
}

/** Every node runs what it is to run. */
export async function endRecord({ ports, now, emit }: JobContext, version: string | undefined): Promise<void> {
  const open = ports.journal.openRollout()
  if (!open) return
  ports.journal.saveRollout(endRollout(open, open.release === version ? 'done' : 'superseded', now()))
  if (open.release === version) await emit({ type: 'rollout.finished', version })
}
