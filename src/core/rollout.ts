import type { Cluster } from './cluster.ts'
import type { JobContext } from './job.ts'
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
      powerObstacle: powerObstacle(power, monotonic(), config.power) ?? outageObstacle(journal.openOutage()?.stage),
      paused: remembered.paused.recall(journal),
    },
    config.upgrade,
  )
  const order = upgradeOrder(cluster, target, config.upgrade)
  if (decision.kind === 'go' && !isUnderWay(cluster)) {
    // A machine that netboots must find the release that the others are brought to, or one that they had.
    const staged = await ports.share.staged()
    const wanted = registered[schematics.get(config.schematic)?.id ?? '']
    if (!staged.some((image) => image.version === version && image.schematic === wanted)) {
      return foresight({ kind: 'wait', reason: `${version} is not staged on the share yet` }, order)
    }
  }
  return foresight(decision, order)
}

/** What has begun is finished, even when the policy has since changed its mind; without a target the nodes' own release. */
function versionToRun(cluster: Cluster, release: TargetDecision): string | undefined {
  const begun = cluster.nodes.flatMap(({ kubernetes }) => {
    const cordon = kubernetes.ok ? kubernetes.value.cordon : undefined
    return cordon?.why === 'upgrade' && cordon.release !== undefined ? [cordon.release] : []
  })[0]
  if (begun !== undefined) return begun
  if (release.kind === 'target') return release.version
  const running = new Set(cluster.nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : [])))
  return running.size === 1 ? [...running][0] : undefined
}

function isUnderWay(cluster: Cluster): boolean {
  return cluster.nodes.some(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
}

function outageObstacle(stage: string | undefined): string | undefined {
  return stage === undefined ? undefined : `the cluster is still recovering from a power cut (${stage})`
}
