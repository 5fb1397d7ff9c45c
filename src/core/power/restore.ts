import type { KubernetesFacts } from '../cluster/cluster.ts'
import type { ScaledWorkload } from '../cluster/workload.ts'
import type { Machine } from './machines.ts'
import { beginOutage, type Outage, type OutageNode } from './outage.ts'

/** A node that fell silent so many ms before it was cordoned may have been the first to lose its power. */
const recently = 15 * 60_000

/** What is seen of a machine. */
export interface Sight {
  readonly machine: Machine
  /** It runs, and is not on its way down. */
  readonly isUp: boolean
  /** Of a node: what Kubernetes knows of it. */
  readonly kubernetes?: KubernetesFacts | undefined
}

/** What an outage without a record has left behind. */
export interface Remains {
  readonly machines: readonly Sight[]
  /** Workloads that we scaled to zero, by the note on them. */
  readonly scaled: readonly ScaledWorkload[]
}

/** What can be told of an outage without a record. */
export interface Restored {
  /** Its record, made anew. */
  readonly outage: Outage
  /** Machines that are off, and of which no mark tells whether they are to be woken. */
  readonly unmarked: readonly string[]
  /** Nodes that a person's order has shut down: a person wakes them. */
  readonly ordered: readonly string[]
}

/**
 * The record of an outage, made anew from our marks on the nodes; undefined where no machine is to be woken because of
 * them, and no workload to be scaled up.
 *
 * | node                                               | then                                                    |
 * |----------------------------------------------------|---------------------------------------------------------|
 * | cordoned by us for the power, up                   | uncordoned                                              |
 * | the same, off, was Ready until then                | woken, and uncordoned                                   |
 * | the same, off, was not Ready for long before       | uncordoned: a person may have had it off                |
 * | the same, off, by a person's order                 | left alone: a person wakes it                           |
 * | cordoned by us for an upgrade, off                 | woken: it was up when it was cordoned                   |
 * | cordoned by somebody else, or not at all           | left alone                                              |
 *
 * A NAS is woken with nodes, because they boot and mount from it. Other hosts bear no marks.
 */
export function restoreOutage({ machines, scaled }: Remains, now: Date): Restored | undefined {
  const nodes = machines.filter(({ machine }) => machine.kind === 'node')
  const marked = nodes.filter(({ kubernetes }) => kubernetes?.cordon?.why === 'power')
  const upgrading = nodes.filter(({ kubernetes, isUp }) => kubernetes?.cordon?.why === 'upgrade' && !isUp)
  const ordered = marked.filter(({ isUp, kubernetes }) => !isUp && kubernetes?.cordon?.ordered === true)
  const ours = marked.filter((sight) => !ordered.includes(sight))
  const toWake = [...ours.filter(wasUp), ...(marked.length > 0 ? upgrading : [])].filter(({ isUp }) => !isUp)
  const left = { unmarked: unmarkedIn(machines), ordered: ordered.map(({ machine }) => machine.name) }
  // Workloads have nowhere to run while a person keeps their nodes down.
  const scales = ordered.length > 0 ? [] : scaled
  if (toWake.length === 0 && scales.length === 0) return undefined
  const nas = toWake.length === 0 ? [] : machines.filter(({ machine, isUp }) => machine.tier === 'nas' && !isUp)
  const all = [...new Set([...ours, ...toWake, ...nas])]
  const begun = beginOutage(startOf(marked, now), 'restored', toWake.length > 0 ? 'stopped' : 'draining')
  const entries = all.map((sight): [string, OutageNode] => [
    sight.machine.name,
    { wasUp: sight.isUp || toWake.includes(sight) || nas.includes(sight), state: sight.isUp ? 'drained' : 'off' },
  ])
  return { outage: { ...begun, nodes: Object.fromEntries(entries), scaled: scales }, ...left }
}

/**
 * The record of an outage of which nothing is left but that the journal was lost and no control plane answers: they are
 * woken, because the marks are with them, and the NAS before them. Undefined where one answers.
 */
export function restoreBlindly(machines: readonly Sight[], lostAt: Date): Outage | undefined {
  const controlPlanes = machines.filter(({ machine }) => machine.tier === 'control-planes')
  if (controlPlanes.length === 0 || controlPlanes.some(({ isUp }) => isUp)) return undefined
  const nas = machines.filter(({ machine, isUp }) => machine.tier === 'nas' && !isUp)
  const entries = [...nas, ...controlPlanes].map(({ machine }): [string, OutageNode] => [
    machine.name,
    { wasUp: true, wasHealthy: false, state: 'off' },
  ])
  return { ...beginOutage(lostAt, 'restored', 'stopped'), nodes: Object.fromEntries(entries) }
}

/** Whether a node ran when it was cordoned, as far as Kubernetes tells: it was Ready, or had been until shortly before. */
function wasUp({ isUp, kubernetes }: Sight): boolean {
  if (isUp || kubernetes === undefined) return isUp
  if (kubernetes.ready) return true
  const cordonedAt = Date.parse(kubernetes.cordon?.at ?? '')
  return kubernetes.notReadySince !== undefined && kubernetes.notReadySince >= cordonedAt - recently
}

/** The earliest time on a mark that can be one. */
function startOf(marked: readonly Sight[], now: Date): Date {
  const times = marked.map(({ kubernetes }) => Date.parse(kubernetes?.cordon?.at ?? ''))
  const sound = times.filter((at) => at > 0 && at < now.getTime())
  return sound.length === 0 ? now : new Date(Math.min(...sound))
}

function unmarkedIn(machines: readonly Sight[]): readonly string[] {
  return machines.flatMap(({ machine, isUp, kubernetes }) =>
    !isUp && kubernetes?.cordon === undefined && machine.tier !== 'nas' ? [machine.name] : [],
  )
}
