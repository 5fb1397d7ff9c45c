import type { Config } from '../config/config.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import type { Journal } from '../core/journal.ts'
import { etcdBarrier } from '../core/cluster/etcd.ts'
import { describeAccepted } from '../core/cluster/storage.ts'
import { describeLeftBehind, movementOf } from '../core/release/left-behind.ts'
import { partsOf } from '../core/release/provisions.ts'
import { isSameImage } from '../core/release/image.ts'
import { isTold } from '../core/release/registration.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import { type Abort, describeAbort } from '../core/upgrade/abort.ts'
import { decideUpgrade } from '../core/upgrade/decide.ts'
import { isForward, nodesThatPull, type UpgradeDecision } from '../core/upgrade/decision.ts'
import { destinationOf } from '../core/upgrade/destination.ts'
import { estimateRollout } from '../core/upgrade/estimate.ts'
import { approvalObstacle, type Circumstances, type Obstacle, setAside } from '../core/upgrade/gates.ts'
import { upgradeOrder } from '../core/upgrade/order.ts'
import type { UpgradeTarget } from '../core/upgrade/policy.ts'
import { abortOf } from './aborts.ts'
import { chooseTarget, remembered } from './facts.ts'
import type { JobContext } from './job.ts'
import { orderFor } from '../core/release/staging.ts'
import { wantedImages } from './staging-view.ts'
import { gatherCircumstances, pauseOf } from './upgrade-circumstances.ts'

/** What a run of `upgrade-node` would do now, with its reasons. Looks, and changes nothing. */
export async function previewUpgrade(
  context: Pick<
    JobContext,
    'observe' | 'config' | 'ports' | 'power' | 'now' | 'monotonic' | 'clock' | 'schematics' | 'signal' | 'ownNode'
  >,
): Promise<UpgradePreview> {
  const { observe, config, ports, power, now, clock, schematics, ownNode } = context
  const { journal } = ports
  const cluster = await observe()
  const release = chooseTarget(cluster, journal, config.upgrade, { now: now(), ownNode, clock })
  const goesTo = release.kind === 'target' ? release.version : undefined
  const leftBehind = describeLeftBehind(movementOf(cluster, ownNode), goesTo)
  const withdrawn = remembered.withdrawn.recall(journal) ?? []
  const aborted = release.kind === 'current' ? undefined : abortOf(journal, release.version)
  const held = heldBy(config, journal, aborted)
  const { version, hold } = destinationOf(cluster, release, { ownNode, withdrawn, aborted })
  const waiting = ({ gate, reason, until }: Obstacle): UpgradePreview => ({
    cluster,
    release,
    held,
    version,
    decision: { kind: 'wait', gate, reason, ...(until === undefined ? {} : { until }) },
    order: [],
    takes: 0,
    toApprove: [],
    warnings: leftBehind,
  })
  const outage = journal.openOutage()
  // Before all else: whoever brings the cluster back needs the lease, and nodes that are away are away for that reason.
  if (outage)
    return waiting({ gate: 'outage', reason: `the cluster is still recovering from a power cut (${outage.stage})` })
  // Not knowing is no reason to give back what is in hand: the first reading of the UPS is a moment away.
  const unknown = [...power.upses.values()].find((state) => state.mode === 'unknown')
  if (unknown) return waiting({ gate: 'power', reason: unknown.why })
  if (version === undefined) {
    if (release.kind !== 'wait') return waiting({ gate: 'release', reason: release.reason })
    const until = release.until === undefined ? {} : { until: new Date(release.until) }
    return waiting({ gate: 'release', reason: `${release.version}: ${release.reason}`, ...until })
  }
  const target = targetFor(version, config, schematics, ports)
  if (typeof target === 'string') return waiting({ gate: 'release', reason: target })

  const toCome = hold === undefined ? upgradeOrder(cluster, target, config.upgrade) : []
  const gathered = await gatherCircumstances(context, version, toCome.length > 0)
  // What is installed is finished all the same, and what a person wants taken back goes back.
  const circumstances = { ...gathered, hold }
  const decision = decideUpgrade(cluster, target, circumstances, config.upgrade)
  const preview: UpgradePreview = {
    cluster,
    release,
    held,
    version,
    decision,
    order: toCome.map(({ name }) => name),
    takes: estimateRollout(toCome, cluster.nodes, circumstances.times, config.upgrade),
    toApprove: toCome
      .filter((node) => setAside(node, circumstances) === undefined)
      .filter((node) => approvalObstacle(node, target, circumstances, config.upgrade) !== undefined)
      .map(({ name }) => name),
    warnings: [...leftBehind, ...warningsOf(cluster, version, toCome.length > 0), ...storageWarnings(circumstances)],
  }
  if (decision.kind === 'go' && decision.nodes.some(isForward) && !isUnderWay(cluster)) {
    const reason = await stagingObstacle(version, context)
    if (reason !== undefined) return { ...preview, decision: { kind: 'wait', gate: 'staging', reason } }
  }
  const untold = installerObstacle(decision, context)
  if (untold !== undefined) return { ...preview, decision: { kind: 'wait', gate: 'staging', reason: untold } }
  return preview
}

/** Why the share holds the release back. A machine that netboots must find what the others are brought to, or had. */
async function stagingObstacle(
  version: string,
  { config, ports: { journal, share }, schematics }: Pick<JobContext, 'config' | 'ports' | 'schematics'>,
): Promise<string | undefined> {
  const staged = await share.staged()
  const images = wantedImages({ config, journal, schematics })
  const lacking = images.find(
    (image) => !staged.some((one) => isSameImage(one, { ...image, version, schematic: image.schematicId })),
  )
  if (lacking) return `${images.length > 1 ? `${version} for ${lacking.name}` : version} is not staged on the share yet`
  // What is staged may be there because nodes run it, and not because anybody decided to bring others to it.
  const decided = remembered.target.recall(journal)
  return decided === undefined || decided === version ? undefined : `${version} is not the target release yet`
}

/** Why no installer is ordered: where nodes pull it from its schematic is unknown. What is installed needs none. */
function installerObstacle(
  decision: UpgradeDecision,
  { config, ports: { journal, factory }, schematics }: Pick<JobContext, 'config' | 'ports' | 'schematics'>,
): string | undefined {
  const registrations = remembered.registrations.recall(journal) ?? {}
  const untold = nodesThatPull(decision).find(
    (node) => !isTold(registrations[schematicOf(node, config, schematics)?.id ?? ''], factory.registry),
  )
  if (untold === undefined) return undefined
  return `${factory.registry}, where the installer of ${untold} is pulled from, has not been told its schematic yet`
}

/** The empty name stands for most nodes. */
function schematicOf(
  node: string,
  { nodes, schematic }: Pick<Config, 'nodes' | 'schematic'>,
  schematics: ReadonlyMap<string, RegisteredSchematic>,
): RegisteredSchematic | undefined {
  return schematics.get(nodes.find(({ name }) => name === node)?.schematic ?? schematic)
}

/** By what a person holds rollouts back, or that of the release that is decided on. */
function heldBy(config: Config, journal: Journal, aborted: Abort | undefined): readonly string[] {
  const paused = pauseOf(config, journal)
  return [...(paused === undefined ? [] : [paused]), ...(aborted === undefined ? [] : [describeAbort(aborted)])]
}

/** What nodes are to run; or why that is not known yet. The empty name stands for the schematic of most of them. */
function targetFor(
  version: string,
  config: Config,
  schematics: ReadonlyMap<string, RegisteredSchematic>,
  { journal, factory }: JobContext['ports'],
): UpgradeTarget | string {
  const { nodes } = config
  const registered = remembered.registrations.recall(journal) ?? {}
  const of = (node: string) => schematicOf(node, config, schematics)
  const unregistered = nodes.find(({ name }) => registered[of(name)?.id ?? ''] === undefined)
  if (unregistered) return `the schematic of ${unregistered.name} is not registered with the Factory yet`
  return {
    version,
    registry: factory.registry,
    schematicOf: (node) => registered[of(node)?.id ?? '']?.id ?? '',
    extensionsOf: (node) => of(node)?.schematic.customization?.systemExtensions?.officialExtensions ?? [],
    partsOf: (node) => partsOf(of(node)?.schematic ?? {}),
    networkBootOf: (node, release) => {
      const image = wantedImages({ config, journal, schematics }).find(
        ({ diskless, nodes: [only] }) => diskless && only === node,
      )
      return image && { order: orderFor(image, { version: release }), file: image.file }
    },
    rebootModeOf: (node) => nodes.find(({ name }) => name === node)?.rebootMode,
  }
}

/** What is not in the way and should be known: what keeps pods, what finds no place, and what closes the way back. */
function warningsOf({ nodes, workloads }: Cluster, version: string, asks: boolean): string[] {
  const barrier = asks ? etcdBarrier({ nodes }, version) : undefined
  if (!workloads.ok) return barrier === undefined ? [] : [barrier]
  const blocking = workloads.value.blocking.map(({ budget, why, pods }) => {
    const of = pods.map(({ name, node, owner }) => `${name}${owner ? ` of ${owner}` : ''} on ${node}`).join(', ')
    return `the disruption budget ${budget} never allows an eviction (${why}): ${of}`
  })
  const pending = workloads.value.pending.map((pod) => `a pod is unschedulable: ${pod}`)
  return [...(barrier === undefined ? [] : [barrier]), ...blocking, ...pending]
}

/** What of storage a person has accepted, and so is in the way of nothing. */
function storageWarnings({ storage, acceptedStorage = [], now }: Circumstances): string[] {
  return storage.ok ? describeAccepted(storage.value, acceptedStorage, now) : []
}

function isUnderWay(cluster: Cluster): boolean {
  return cluster.nodes.some(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
}
