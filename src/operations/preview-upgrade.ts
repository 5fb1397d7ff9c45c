import type { Config } from '../config/config.ts'
import type { Check } from '../core/cluster/check.ts'
import { type Cluster, type Observed, observed, notObserved } from '../core/cluster/cluster.ts'
import { messageOf } from '../core/errors.ts'
import type { UpgradePreview } from '../core/upgrade/preview.ts'
import { estimateRollout, type NodeTimesByRole } from '../core/upgrade/estimate.ts'
import { etcdBarrier } from '../core/cluster/etcd.ts'
import { approvalObstacle, type Circumstances, type Obstacle, setAside } from '../core/upgrade/gates.ts'
import type { JobContext } from './job.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import type { Journal } from '../core/journal.ts'
import { describeLeftBehind, movementOf } from '../core/release/left-behind.ts'
import { isArmed } from '../core/cluster/next-boot.ts'
import type { Plan } from '../core/plan.ts'
import { type Power, powerObstacle } from '../core/power/feeds.ts'
import type { TargetDecision } from '../core/release/target.ts'
import { withdrawnReason } from '../core/release/policy.ts'
import { partsOf } from '../core/release/provisions.ts'
import { nodeTimes, type Rollout } from '../core/upgrade/record.ts'
import { describeAccepted } from '../core/cluster/storage.ts'
import { chooseTarget, remembered } from './facts.ts'
import { decideUpgrade, upgradeOrder } from '../core/upgrade/decide.ts'
import type { UpgradeDecision } from '../core/upgrade/decision.ts'
import type { UpgradeTarget } from '../core/upgrade/plan.ts'
import { compareVersions } from '../core/version.ts'
import type { Blackout } from '../core/upgrade/window.ts'

/** How long the questions besides the cluster itself may take, in ms: storage, the calendar, the user's own checks. */
const askedWithin = 10_000

/** What a run of `upgrade-node` would do now, with its reasons. Looks, and changes nothing. */
export async function previewUpgrade(
  context: Pick<
    JobContext,
    'observe' | 'config' | 'ports' | 'power' | 'now' | 'monotonic' | 'schematics' | 'signal' | 'ownNode'
  >,
): Promise<UpgradePreview> {
  const { observe, config, ports, power, now, schematics, ownNode } = context
  const { journal } = ports
  const cluster = await observe()
  const release = chooseTarget(cluster, journal, config.upgrade, { now: now(), ownNode })
  const goesTo = release.kind === 'target' ? release.version : undefined
  const leftBehind = describeLeftBehind(movementOf(cluster, ownNode), goesTo)
  const withdrawn = remembered.withdrawn.recall(journal) ?? []
  const { version, hold } = destinationOf(cluster, release, { ownNode, withdrawn })
  const waiting = ({ reason, until }: Obstacle): UpgradePreview => ({
    cluster,
    release,
    version,
    decision: { kind: 'wait', reason, ...(until === undefined ? {} : { until }) },
    order: [],
    takes: 0,
    toApprove: [],
    warnings: leftBehind,
  })
  const outage = journal.openOutage()
  // Before all else: whoever brings the cluster back needs the lease, and nodes that are away are away for that reason.
  if (outage) return waiting({ reason: `the cluster is still recovering from a power cut (${outage.stage})` })
  // Not knowing is no reason to give back what is in hand: the first reading of the UPS is a moment away.
  const unknown = [...power.upses.values()].find((state) => state.mode === 'unknown')
  if (unknown) return waiting({ reason: unknown.why })
  if (version === undefined) {
    if (release.kind !== 'wait') return waiting({ reason: release.reason })
    const until = release.until === undefined ? {} : { until: new Date(release.until) }
    return waiting({ reason: `${release.version}: ${release.reason}`, ...until })
  }
  const target = targetFor(version, config, schematics, ports)
  if (typeof target === 'string') return waiting({ reason: target })

  const toCome = hold === undefined ? upgradeOrder(cluster, target, config.upgrade) : []
  const gathered = await gather(context, version, toCome.length > 0)
  // What is installed is finished all the same, and what a person wants taken back goes back.
  const circumstances = { ...gathered, paused: gathered.paused ?? hold?.reason }
  const decision = withLimit(decideUpgrade(cluster, target, circumstances, config.upgrade), hold)
  const preview: UpgradePreview = {
    cluster,
    release,
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
  if (decision.kind === 'go' && decision.nodes.some(({ plan }) => begins(plan)) && !isUnderWay(cluster)) {
    // A machine that netboots must find the release that the others are brought to, or one that they had.
    const staged = await ports.share.staged()
    const wanted = target.schematicOf('')
    if (!staged.some((image) => image.version === version && image.schematic === wanted))
      return { ...preview, decision: { kind: 'wait', reason: `${version} is not staged on the share yet` } }
  }
  return preview
}

/** What nodes are to run; or why that is not known yet. The empty name stands for the schematic of most of them. */
function targetFor(
  version: string,
  { nodes, schematic }: Config,
  schematics: ReadonlyMap<string, RegisteredSchematic>,
  { journal, factory }: JobContext['ports'],
): UpgradeTarget | string {
  const registered = remembered.schematicIds.recall(journal) ?? {}
  const of = (node: string) => schematics.get(nodes.find(({ name }) => name === node)?.schematic ?? schematic)
  const unregistered = nodes.find(({ name }) => registered[of(name)?.id ?? ''] === undefined)
  if (unregistered) return `the schematic of ${unregistered.name} is not registered with the Factory yet`
  return {
    version,
    registry: factory.registry,
    schematicOf: (node) => registered[of(node)?.id ?? ''] ?? '',
    extensionsOf: (node) => of(node)?.schematic.customization?.systemExtensions?.officialExtensions ?? [],
    partsOf: (node) => partsOf(of(node)?.schematic ?? {}),
    rebootModeOf: (node) => nodes.find(({ name }) => name === node)?.rebootMode,
  }
}

/** Everything besides the cluster that the decision needs. What costs a question is asked only where a node is to come. */
async function gather(
  context: Pick<JobContext, 'config' | 'ports' | 'power' | 'now' | 'monotonic' | 'signal' | 'ownNode'>,
  version: string,
  asks: boolean,
): Promise<Circumstances> {
  const { config, ports, power, monotonic, ownNode } = context
  const { journal } = ports
  const { upgrade } = config
  const now = context.now()
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(askedWithin)])
  const nothing = { systems: [], unwell: [], lastReplicas: new Map<string, readonly string[]>() }
  const [storage, components, blackouts, failedChecks] = await Promise.all([
    asks ? ask(ports.kubernetes.storage(signal)) : observed(nothing),
    asks ? ask(ports.kubernetes.components(signal)) : observed([]),
    asks ? allBlackouts(config, ports, now, signal) : observed([]),
    asks ? failures(upgrade.checks, ports, signal) : [],
  ])
  const rollout = recordFor(version, journal)
  const losses = remembered.losses.recall(journal)
  // Also of one that was called off and begun anew.
  const canary = journal
    .rollouts(20)
    .filter(({ release }) => release === version)
    .flatMap(({ nodes }) => (upgrade.canary && nodes[upgrade.canary.node]) ?? [])
    .find(({ outcome, endedAt }) => outcome === 'upgraded' && endedAt !== undefined)
  return {
    now,
    powerObstacle: powerObstacle(power, monotonic(), config.power) ?? chargeObstacle(power, upgrade.minimumCharge),
    paused: pauseOf(config, journal),
    blackouts,
    approved: remembered.approved.recall(journal),
    openUntil: optionalDate(remembered.openUntil.recall(journal)),
    aborted: remembered.aborted.recall(journal),
    rollbacks: remembered.rollbacks.recall(journal) ?? [],
    mayLose: losses?.release === version ? losses.names : [],
    ownNode,
    blocked: new Map(
      Object.entries(remembered.blocked.recall(journal) ?? {}).flatMap(([name, { until, why }]) =>
        until > now.getTime() ? [[name, { until: new Date(until), why }]] : [],
      ),
    ),
    storage,
    components,
    acceptedStorage: config.storage.accept,
    failedChecks,
    canaryDoneAt: canary?.endedAt === undefined ? undefined : new Date(canary.endedAt),
    snapshotted: rollout?.snapshot !== undefined,
    times: timesOf(journal),
  }
}

/** The record of the rollout to this release, if it is under way. */
export function recordFor(version: string, journal: Journal): Rollout | undefined {
  const open = journal.openRollout()
  return open?.release === version ? open : undefined
}

/** How long nodes of this cluster have taken. */
export function timesOf(journal: Journal): NodeTimesByRole {
  const rollouts = journal.rollouts(20)
  const [worker, controlplane] = [nodeTimes(rollouts, 'worker'), nodeTimes(rollouts, 'controlplane')]
  return { ...(worker ? { worker } : {}), ...(controlplane ? { controlplane } : {}) }
}

async function allBlackouts(
  { upgrade }: Config,
  { calendar }: JobContext['ports'],
  now: Date,
  signal: AbortSignal,
): Promise<Observed<readonly Blackout[]>> {
  const own = upgrade.blackouts.map(({ from, to, reason }) => ({ from: Date.parse(from), to: Date.parse(to), reason }))
  if (!calendar) return observed(own)
  const found = await ask(calendar.blackouts(now, signal))
  return found.ok ? observed([...own, ...found.value]) : found
}

async function failures(
  checks: readonly Check[],
  ports: JobContext['ports'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    checks.map((check) => ports.checks.run(check, signal).catch((error: unknown) => messageOf(error))),
  )
  return answers.flatMap((failure) => (failure === undefined ? [] : [failure]))
}

function ask<T>(answer: Promise<T>): Promise<Observed<T>> {
  return answer.then(observed, (error: unknown) => notObserved(messageOf(error)))
}

function optionalDate(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}

/** Why rollouts are stopped by a person or by the configuration; what is armed is finished all the same. */
export function pauseOf(config: JobContext['config'], journal: Journal): string | undefined {
  return remembered.paused.recall(journal) ?? (config.upgrade.enabled ? undefined : 'upgrade.enabled is false')
}

/** Why the battery speaks against beginning: after an outage it must be able to carry the next one. */
function chargeObstacle({ upses }: Power, floor: number): string | undefined {
  const charges = [...upses.values()].flatMap((state) =>
    state.mode === 'on-mains' ? (state.reading.charge ?? []) : [],
  )
  const charge = Math.min(Infinity, ...charges)
  if (charge >= floor) return undefined
  return `the battery is charged to ${charge} %, and upgrades begin from ${floor} % on (upgrade.minimumCharge)`
}

/** What is not in the way and should be known: what keeps pods, what finds no place, and what closes the way back. */
function warningsOf({ nodes, workloads }: Cluster, version: string, asks: boolean): string[] {
  const barrier = asks ? etcdBarrier({ nodes }, version) : undefined
  if (!workloads.ok) return barrier === undefined ? [] : [barrier]
  const blocking = workloads.value.blocking.map(({ budget, why, pods }) => {
    const of = pods.map(({ name, node, owner }) => `${name}${owner ? ` of ${owner}` : ''} on ${node}`).join(', ')
    return `the disruption budget ${budget} never lets a pod go (${why}): ${of}`
  })
  const pending = workloads.value.pending.map((pod) => `a pod finds no node: ${pod}`)
  return [...(barrier === undefined ? [] : [barrier]), ...blocking, ...pending]
}

/** What of storage a person has accepted, and so is in the way of nothing. */
function storageWarnings({ storage, acceptedStorage = [], now }: Circumstances): string[] {
  return storage.ok ? describeAccepted(storage.value, acceptedStorage, now) : []
}

/** The release that nodes are brought to, and what keeps further nodes from beginning it. */
interface Destination {
  readonly version: string | undefined
  readonly hold?: Obstacle
}

/**
 * What is installed is finished, even when the policy has since changed its mind; a node that is only closed is not held
 * to it. Without a target it is the release that all nodes run, so that they get a schematic that has changed; where they
 * run several, nobody begins the newest of them. Nodes that have a withdrawn one are left alone.
 */
function destinationOf(
  cluster: Cluster,
  release: TargetDecision,
  { ownNode, withdrawn }: { readonly ownNode: string | undefined; readonly withdrawn: readonly string[] },
): Destination {
  const begun = cluster.nodes.flatMap((node) => {
    const mark = node.kubernetes.ok ? node.kubernetes.value.cordon : undefined
    if (mark?.why !== 'upgrade' || mark.release === undefined || mark.back) return []
    const runsIt = node.talos.ok && node.talos.value.version === mark.release
    return mark.rebooting || isArmed(node) || runsIt || !node.talos.ok ? [mark.release] : []
  })[0]
  if (begun !== undefined) return { version: begun }
  if (release.kind === 'target') return { version: release.version }
  const all = [...new Set(movementOf(cluster, ownNode).running)].toSorted(compareVersions)
  const running = all.filter((one) => !withdrawn.includes(one))
  const newest = running.at(-1)
  if (newest === undefined && all.length > 0)
    return { version: all.at(-1), hold: { reason: `${withdrawnReason(all.at(-1)!)}: no further node begins it` } }
  if (running.length <= 1) return { version: newest }
  const reason = release.kind === 'wait' ? `${release.version}: ${release.reason}` : release.reason
  const until = release.kind === 'wait' ? optionalDate(release.until) : undefined
  return { version: newest, hold: { reason, ...(until === undefined ? {} : { until }) } }
}

/** The decision with the time at which what held it back ends. */
function withLimit(decision: UpgradeDecision, hold: Obstacle | undefined): UpgradeDecision {
  if (decision.kind !== 'wait' || hold?.until === undefined || decision.reason !== hold.reason) return decision
  return { ...decision, until: hold.until }
}

/** Whether a node is begun on its way forward by it, and not only given back, tidied or taken back. */
export function begins(plan: Plan): boolean {
  const does = new Set(plan.flatMap(({ steps }) => steps.map((step) => step.do)))
  return (does.has('cordon') || does.has('note-staged')) && !does.has('roll-back')
}

function isUnderWay(cluster: Cluster): boolean {
  return cluster.nodes.some(({ kubernetes }) => kubernetes.ok && kubernetes.value.cordon?.why === 'upgrade')
}
