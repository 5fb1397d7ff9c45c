import type { KubernetesFacts } from '../cluster/cluster.ts'
import type { ScaledWorkload } from '../cluster/workload.ts'
import { earliestRelease } from '../release/first-seen.ts'
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
  /** Workloads that we scaled to zero, by the note on them; undefined: Kubernetes does not tell. */
  readonly scaled: readonly ScaledWorkload[] | undefined
}

/** Machines that are off, and that nobody but a person wakes. */
export interface LeftOff {
  /** No mark tells that they ran: they have none, or seem not to have been Ready long before they were given one. */
  readonly unmarked: readonly string[]
  /** Nodes that a person's order has shut down. */
  readonly ordered: readonly string[]
}

/**
 * The record of an outage, made anew from our marks on the nodes; undefined where no machine is to be woken because of
 * them, and no workload to be scaled up. `leftOff` tells of the rest.
 *
 * | node                                               | then                                                    |
 * |----------------------------------------------------|---------------------------------------------------------|
 * | cordoned by us for the power, up                   | uncordoned                                              |
 * | the same, off, was Ready until then                | woken, and uncordoned                                   |
 * | the same, off, was not Ready for long before       | uncordoned: a person may have had it off                |
 * | off, by a person's order, was Ready until then     | left alone: a person wakes it                           |
 * | cordoned by us for an upgrade, off                 | woken: it was up when it was cordoned                   |
 * | cordoned by somebody else, or not at all           | left alone                                              |
 *
 * A NAS is woken with nodes, because they boot and mount from it. Other hosts bear no marks.
 */
export function restoreOutage({ machines, scaled }: Remains, now: Date): Outage | undefined {
  const nodes = machines.filter(({ machine }) => machine.kind === 'node')
  const marked = nodes.filter(({ kubernetes }) => kubernetes?.cordon?.why === 'power')
  const upgrading = nodes.filter(({ kubernetes, isUp }) => kubernetes?.cordon?.why === 'upgrade' && !isUp)
  const ordered = marked.filter(isOrdered)
  const ours = marked.filter((sight) => !ordered.includes(sight))
  const toWake = [...ours.filter(wasUp), ...(marked.length > 0 ? upgrading : [])].filter(({ isUp }) => !isUp)
  // Workloads have nowhere to run while a person keeps their nodes down: they are looked at again afterwards.
  const scales = ordered.length > 0 ? undefined : scaled
  if (toWake.length === 0 && (scales ?? []).length === 0) return undefined
  const nas = toWake.length === 0 ? [] : machines.filter(({ machine, isUp }) => machine.tier === 'nas' && !isUp)
  const all = [...new Set([...ours, ...toWake, ...nas])]
  const begun = beginOutage(startOf(marked, now), 'restored', toWake.length > 0 ? 'stopped' : 'draining')
  const entries = all.map((sight): [string, OutageNode] => [
    sight.machine.name,
    { wasUp: sight.isUp || toWake.includes(sight) || nas.includes(sight), state: sight.isUp ? 'drained' : 'off' },
  ])
  return { ...begun, nodes: Object.fromEntries(entries), ...(scales ? { scaled: scales } : {}) }
}

/** What is left off by an outage that was made anew, or where none was to be made. */
export function leftOff(machines: readonly Sight[], outage?: Pick<Outage, 'nodes'>): LeftOff {
  const isUnmarked = (sight: Sight) => {
    const { machine, isUp, kubernetes } = sight
    const isNot = kubernetes?.cordon === undefined || (kubernetes.cordon.why === 'power' && !ranBefore(kubernetes))
    return !isUp && isNot && outage?.nodes[machine.name]?.wasUp !== true
  }
  const namesOf = (sights: readonly Sight[]) => sights.map(({ machine }) => machine.name)
  return { unmarked: namesOf(machines.filter(isUnmarked)), ordered: namesOf(machines.filter(isOrdered)) }
}

/** Whether a person's order has shut it down: one that was off before is nobody's order. */
export function isOrdered(sight: Sight): boolean {
  const { isUp, kubernetes } = sight
  return !isUp && kubernetes?.cordon?.why === 'power' && kubernetes.cordon.ordered === true && ranBefore(kubernetes)
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
  return isUp || (kubernetes !== undefined && ranBefore(kubernetes))
}

function ranBefore(kubernetes: KubernetesFacts): boolean {
  if (kubernetes.ready) return true
  const cordonedAt = Date.parse(kubernetes.cordon?.at ?? '')
  // By a clock that was decades behind everything would have run until then.
  if (cordonedAt < earliestRelease || kubernetes.notReadySince === undefined) return false
  return kubernetes.notReadySince >= cordonedAt - recently
}

/** The earliest time on a mark that can be one. */
function startOf(marked: readonly Sight[], now: Date): Date {
  const times = marked.map(({ kubernetes }) => Date.parse(kubernetes?.cordon?.at ?? ''))
  const sound = times.filter((at) => at > 0 && at < now.getTime())
  return sound.length === 0 ? now : new Date(Math.min(...sound))
}
