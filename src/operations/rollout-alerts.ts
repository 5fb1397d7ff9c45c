import { describeIdentity, type Node } from '../core/cluster/cluster.ts'
import { isArmed } from '../core/cluster/next-boot.ts'
import type { Journal } from '../core/journal.ts'
import { roleObstacle } from '../core/upgrade/gates.ts'
import { alertOnce } from './alerts.ts'
import { remembered } from './facts.ts'
import type { JobContext } from './job.ts'
import type { UpgradePreview } from './preview-upgrade.ts'

/** What people are told of nodes and rollouts, and when it is settled. */

/** A node that another boot would change is told of, unless we made it so on purpose: the next power cut reboots it. */
export function noticeArmed({ cluster }: UpgradePreview, journal: Journal): void {
  const offLimits = [remembered.aborted.recall(journal), ...(remembered.withdrawn.recall(journal) ?? [])]
  const ours = ({ kubernetes, talos }: Node) => {
    const { cordon, staged } = kubernetes.ok ? kubernetes.value : {}
    if (cordon?.why === 'upgrade') return true
    return (
      staged !== undefined && talos.ok && staged.bootId === talos.value.bootId && !offLimits.includes(staged.release)
    )
  }
  const names = cluster.nodes.filter((node) => isArmed(node) && !ours(node)).map(({ name }) => name)
  const text = `${names.join(', ')} starts another release at the next boot: an upgrade is installed there that nothing here will finish. \`caretaker rollback NODE\` disarms it`
  alertOnce(journal, 'armed', names.length > 0 ? text : undefined)
}

/** Nodes of which Talos and Kubernetes do not mean the same machine, or that run in another role than the configured one. */
export function noticeMachines({ cluster }: UpgradePreview, journal: Journal): void {
  const strangers = cluster.nodes.flatMap((node) => {
    const why = describeIdentity(node)
    return why === undefined ? [] : [`${node.name} ${why}`]
  })
  alertOnce(journal, 'identity', strangers.length > 0 ? strangers.join('; ') : undefined)
  alertOnce(journal, 'roles', roleObstacle(cluster.nodes))
}

/** A node of ours that stays cordoned is nobody's plan: a person should hear of it. */
export function noticeWaiting({ cluster }: UpgradePreview, reason: string, journal: Journal): void {
  const ours = cluster.nodes.find(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
  if (ours) alertOnce(journal, 'rollout', `${ours.name} stays cordoned: ${reason}`, ours.name)
}

export async function noticeStuck({ ports, emit }: JobContext, node: string, reason: string): Promise<void> {
  if (alertOnce(ports.journal, 'rollout', `the rollout is stuck: ${reason}`, node))
    await emit({ type: 'rollout.stuck', node, reason })
}

export function noticeFailure(journal: Journal, failure: string, node?: string): void {
  alertOnce(journal, 'rollout', failure, node)
}

/** Rollouts go on. */
export function settleRollout(journal: Journal): void {
  alertOnce(journal, 'rollout', undefined)
}

export async function askForApproval({ ports, emit }: JobContext, preview: UpgradePreview): Promise<void> {
  const { toApprove, version } = preview
  if (version === undefined) return
  const asks = toApprove.length > 0
  if (alertOnce(ports.journal, 'approval', asks ? `${version} waits for approval` : undefined))
    await emit({ type: 'approval.needed', version })
}
