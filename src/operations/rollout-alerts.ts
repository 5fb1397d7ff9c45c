import type { AlertContent, Alerts } from '../core/alert.ts'
import { type Cluster, describeIdentity, type Node } from '../core/cluster/cluster.ts'
import { isArmed } from '../core/cluster/next-boot.ts'
import type { Journal } from '../core/journal.ts'
import { roleObstacle } from '../core/upgrade/gates.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import { abortsIn } from './aborts.ts'
import { remembered } from './facts.ts'

/** What keeps a rollout from continuing: it is stuck until a person helps, a node stays cordoned, or a step has failed. */
export interface RolloutTrouble {
  readonly kind: 'stuck' | 'held' | 'failed'
  /** The node that it is about, where it is one. */
  readonly node?: string | undefined
  readonly text: string
}

const troubles = ['stuck', 'held', 'failed'] as const

/**
 * Opens the alert on what holds the rollout, and settles the others; undefined: it continues, or `ending` says why it does
 * not matter any more. Returns whether it is new.
 */
export function reportRollout(alerts: Alerts, trouble: RolloutTrouble | undefined, ending?: string): boolean {
  for (const kind of troubles) if (kind !== trouble?.kind) alerts.settle(`rollout.${kind}`, ending)
  if (!trouble) return false
  const { kind, node, text } = trouble
  return alerts.open(`rollout.${kind}`, { severity: 'warning', subject: node ?? 'rollout', text })
}

/**
 * What held up the rollout of another release holds up nothing any more. Not knowing where nodes go (an outage, a UPS that
 * was not heard yet) is no other release.
 */
export function settleFormer(alerts: Alerts, journal: Journal, version: string | undefined): void {
  const before = remembered.lookedAt.recall(journal)
  if (version === undefined || version === before) return
  if (before !== undefined) reportRollout(alerts, undefined, isTargetNow(version))
  remembered.lookedAt.remember(journal, version)
}

/** Alerts on a node that Caretaker cordoned and keeps cordoned, with the reason. */
export function reportWaiting(alerts: Alerts, { nodes }: Cluster, reason: string): void {
  const ours = nodes.find(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
  if (!ours) return void alerts.settle('rollout.held')
  reportRollout(alerts, { kind: 'held', node: ours.name, text: `${ours.name} stays cordoned: ${reason}` })
}

const isTargetNow = (version: string) => `${version} is the target release now`

/** What was observed of an approval. */
export type ApprovalNeed = Pick<UpgradePreview, 'version' | 'decision' | 'order' | 'toApprove'> & {
  /** The release that a person has approved last. */
  readonly approved: string | undefined
}

/**
 * Opens the alert on a release that waits for a person. It ends with what ended it, and stays open as long as something
 * else comes first: a power cut, or a node that does not answer. Returns whether it is new.
 */
export function reportApproval(alerts: Alerts, need: ApprovalNeed): boolean {
  const { version, toApprove } = need
  if (version !== undefined && toApprove.length > 0)
    return alerts.open('rollout.approval', {
      severity: 'warning',
      subject: version,
      text: `${version} waits for approval`,
      action: `Approve it with \`caretaker approve ${version}\``,
      offers: [{ do: 'approve', subject: version }],
    })
  const before = alerts.find('rollout.approval')
  const ending = before && endOfApproval(before.subject, need)
  if (ending !== undefined) alerts.settle('rollout.approval', ending)
  return false
}

/** Why a release waits for approval no more; undefined: nothing says so. */
function endOfApproval(waits: string, { version, decision, order, approved }: ApprovalNeed): string | undefined {
  if (approved === waits) {
    const next = decision.kind === 'wait' ? `; its rollout waits, because ${decision.reason}` : ''
    return `it is approved${next}`
  }
  if (version !== undefined && version !== waits) return isTargetNow(version)
  if (version !== undefined && decision.kind === 'upgraded') return `every node runs ${version}`
  // Nodes were looked at, and none of those to come needs it: the policy is another one, or they are paused.
  return order.length > 0 ? 'no node waits for it any more' : undefined
}

/** Alerts on an armed node, unless it is armed on purpose: the next power cut would reboot it. */
export function reportArmed(alerts: Alerts, { nodes }: Cluster, journal: Journal): void {
  const offLimits = [
    ...abortsIn(journal).map(({ release }) => release),
    ...(remembered.withdrawn.recall(journal) ?? []),
  ]
  const isOurs = ({ kubernetes, talos }: Node) => {
    const { cordon, staged } = kubernetes.ok ? kubernetes.value : {}
    if (cordon?.why === 'upgrade') return true
    return (
      staged?.release !== undefined &&
      talos.ok &&
      staged.bootId === talos.value.bootId &&
      !offLimits.includes(staged.release)
    )
  }
  const armed = nodes.filter((node) => isArmed(node) && !isOurs(node))
  alerts.reportEach(
    'node.armed',
    contentsOf(armed, ({ name }) => ({
      severity: 'warning',
      subject: name,
      text: `${name} starts another release at the next boot: an upgrade is installed that Caretaker will not finish`,
      action: `Disarm it with \`caretaker rollback ${name}\``,
    })),
  )
}

/** Nodes of which Talos and Kubernetes do not mean the same machine, or that run in another role than the configured one. */
export function reportMachines(alerts: Alerts, { nodes }: Cluster): void {
  alerts.reportEach(
    'node.identity',
    contentsOf(nodes, (node) => warn(node.name, describeIdentity(node), `${node.name} `)),
  )
  alerts.reportEach(
    'node.role',
    contentsOf(nodes, (node) => warn(node.name, roleObstacle([node]))),
  )
}

function warn(subject: string, text: string | undefined, before = ''): AlertContent | undefined {
  return text === undefined ? undefined : { severity: 'warning', subject, text: `${before}${text}` }
}

function contentsOf(
  nodes: readonly Node[],
  contentOf: (node: Node) => AlertContent | undefined,
): ReadonlyMap<string, AlertContent> {
  return new Map(
    nodes.flatMap((node) => {
      const content = contentOf(node)
      return content ? [[node.name, content] as const] : []
    }),
  )
}
