import { type Cluster, isArmed, runningVersions } from './cluster.ts'
import type { JobContext } from './job.ts'
import type { Journal } from './journal.ts'
import type { Plan } from './plan.ts'
import { powerObstacle } from './power.ts'
import type { TargetDecision } from './release.ts'
import { chooseTarget, remembered } from './target.ts'
import { decideUpgrade, upgradeOrder, type UpgradeDecision } from './upgrade.ts'
import type { UpgradeTarget } from './upgrade-plan.ts'

export interface Foresight {
  readonly cluster: Cluster
  /** What the release policy says. */
  readonly release: TargetDecision
  /** The release that nodes are brought to now; undefined when no node tells what it runs. */
  readonly version: string | undefined
  readonly decision: UpgradeDecision
  /** The nodes to come, in order. */
  readonly order: readonly string[]
}

/** What a run of `upgrade-node` would do now, with its reasons. Looks, and changes nothing. */
export async function foresee({
  observe,
  config,
  ports,
  power,
  now,
  monotonic,
  schematics,
}: Pick<
  JobContext,
  'observe' | 'config' | 'ports' | 'power' | 'now' | 'monotonic' | 'schematics'
>): Promise<Foresight> {
  const { journal } = ports
  const cluster = await observe()
  const release = chooseTarget(cluster, journal, config.upgrade, now())
  const version = versionToRun(cluster, release)
  const foresight = (decision: UpgradeDecision, order: readonly string[] = []): Foresight => ({
    cluster,
    release,
    version,
    decision,
    order,
  })
  const outage = journal.openOutage()
  // Before all else: whoever brings the cluster back needs the lease, and nodes that are away are away for that reason.
  if (outage) {
    return foresight({ kind: 'wait', reason: `the cluster is still recovering from a power cut (${outage.stage})` })
  }
  // Not knowing is no reason to give back what is in hand: the first reading of the UPS is a moment away.
  if (power.mode === 'unknown') return foresight({ kind: 'wait', reason: power.why })
  if (version === undefined) {
    const waiting = release.kind === 'wait' ? `${release.version}: ${release.reason}` : release.reason
    return foresight({
      kind: 'wait',
      reason: waiting,
      ...(release.kind === 'wait' && release.until !== undefined ? { until: new Date(release.until) } : {}),
    })
  }

  const registered = remembered.schematicIds.recall(journal) ?? {}
  const schematicOf = (node: string) =>
    schematics.get(config.nodes.find(({ name }) => name === node)?.schematic ?? config.schematic)
  const unregistered = config.nodes.find(({ name }) => registered[schematicOf(name)?.id ?? ''] === undefined)
  if (unregistered)
    return foresight({
      kind: 'wait',
      reason: `the schematic of ${unregistered.name} is not registered with the Factory yet`,
    })
  const target: UpgradeTarget = {
    version,
    registry: ports.factory.registry,
    schematicOf: (node) => registered[schematicOf(node)!.id]!,
    extensionsOf: (node) => schematicOf(node)?.schematic.customization?.systemExtensions?.officialExtensions ?? [],
  }

  const decision = decideUpgrade(
    cluster,
    target,
    {
      now: now(),
      powerObstacle: powerObstacle(power, monotonic(), config.power),
      paused: pauseOf(config, journal),
    },
    config.upgrade,
  )
  const order = upgradeOrder(cluster, target, config.upgrade)
  if (decision.kind === 'go' && begins(decision.plan) && !isUnderWay(cluster)) {
    // A machine that netboots must find the release that the others are brought to, or one that they had.
    const staged = await ports.share.staged()
    const wanted = registered[schematics.get(config.schematic)?.id ?? '']
    if (!staged.some((image) => image.version === version && image.schematic === wanted)) {
      return foresight({ kind: 'wait', reason: `${version} is not staged on the share yet` }, order)
    }
  }
  return foresight(decision, order)
}

/** Why rollouts are stopped by a person or by the configuration; what is armed is finished all the same. */
export function pauseOf(config: JobContext['config'], journal: Journal): string | undefined {
  return remembered.paused.recall(journal) ?? (config.upgrade.enabled ? undefined : 'upgrade.enabled is false')
}

/**
 * What is installed is finished, even when the policy has since changed its mind; a node that is only closed is not held
 * to it. Without a target it is the release that all nodes run.
 */
function versionToRun(cluster: Cluster, release: TargetDecision): string | undefined {
  const begun = cluster.nodes.flatMap((node) => {
    const mark = node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
    if (mark?.why !== 'upgrade' || mark.release === undefined) return []
    const runsIt = node.talos.ok && node.talos.value.version === mark.release
    return mark.rebooting || isArmed(node) || runsIt || !node.talos.ok ? [mark.release] : []
  })[0]
  if (begun !== undefined) return begun
  if (release.kind === 'target') return release.version
  const running = new Set(runningVersions(cluster))
  return running.size === 1 ? [...running][0] : undefined
}

/** Whether a node is taken out of service by it, and not only given back or tidied. */
export function begins(plan: Plan): boolean {
  return plan.some(({ steps }) => steps.some((step) => step.do === 'cordon'))
}

function isUnderWay(cluster: Cluster): boolean {
  return cluster.nodes.some(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
}
