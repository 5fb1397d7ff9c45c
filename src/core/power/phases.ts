import type { PhaseId } from '../phase-id.ts'
import type { ReversiblePhase } from './reversible.ts'
import { bestEffort, type Phase, phase, type Step, type StopReason } from '../plan.ts'
import { type Machine, type Tier, tiers } from './machines.ts'
import type { Outage, OutageNode } from './outage.ts'

/** The parts that a plan for a shutdown is put together from. */

/** The longest that giving an order may take, in ms. */
const nodeOrder = 5_000
const hostOrder = 30_000

export interface ShutdownPhase extends Phase {
  /** Whether everything in it can be undone. */
  readonly reversible: boolean
  /** How long it may take, in ms. */
  readonly within: number
  /** The runtime that the later phases need, in ms; with less this phase is cut short. */
  readonly leaves: number
}

/** The machines that one order is given to: those of a tier, or all but the NAS and our own. */
type Together = Tier | 'all'
/** No one is left to wait for our own machine. */
type AwaitedTier = Exclude<Together, 'own-machine'>

export function shutDownPhaseOf(tier: Together): `shut-down-${Together}` {
  return `shut-down-${tier}`
}

export function awaitPhaseOf(tier: AwaitedTier): `await-${AwaitedTier}` {
  return `await-${tier}`
}

/** Whether machines are shut down in it, and not waited for or prepared. */
export function isShutDownPhase(id: PhaseId): boolean {
  return [...tiers, 'all' as const].some((tier) => id === shutDownPhaseOf(tier))
}

/** Requests the shutdown of the machines of a tier where it was not requested yet, and waits for all of them. */
export function stopTier(tier: Tier, members: readonly Machine[], outage: Outage, within: number): ShutdownPhase[] {
  const orderWithin = orderTime(members, within)
  const request = requesting(tier, pendingOf(members, outage), orderWithin)
  return tier === 'own-machine' ? request : [...request, ...waiting(tier, members, within - orderWithin)]
}

/** Those that no one has requested to shut down yet. */
function pendingOf(machines: readonly Machine[], outage: Outage): readonly Machine[] {
  return machines.filter(({ name }) => stateOf(outage, name) !== 'shutdown-sent')
}

/**
 * What it takes to give the order is part of the time that a machine may take. A host is logged in to: its server may
 * look us up in a DNS that is gone.
 */
function orderTime(members: readonly Machine[], within: number): number {
  const longest = members.some(({ kind }) => kind === 'host') ? hostOrder : nodeOrder
  return Math.min(longest, Math.round(within / 2))
}

/** Everything at once, and the NAS when half of what is left has passed: nodes may still be writing to it. */
export function shortForm(goes: readonly Machine[], outage: Outage, left: { readonly ms: number }): ShutdownPhase[] {
  const nas = goes.filter(({ tier }) => tier === 'nas')
  const own = goes.filter(({ tier }) => tier === 'own-machine')
  const others = goes.filter(({ tier }) => tier !== 'nas' && tier !== 'own-machine')
  const longest = Math.max(0, ...others.map(({ stops }) => stops))
  const order = orderTime(others, longest)
  const orderWithin = Math.min(order, Math.max(nodeOrder, Math.round(left.ms / 4)))
  const waits = nas.length > 0 ? Math.min(longest - order, Math.round(left.ms / 2)) : longest - order
  const phases = [
    ...requesting('all', pendingOf(others, outage), orderWithin),
    ...waiting('all', others, waits),
    ...(nas.length > 0 ? stopTier('nas', nas, outage, Math.max(...nas.map(({ stops }) => stops))) : []),
    ...(own.length > 0 ? stopTier('own-machine', own, outage, Math.max(...own.map(({ stops }) => stops))) : []),
  ]
  return leaving(phases, 0)
}

/** A phase that requests the shutdown of these machines; none where there are none. */
function requesting(tier: Together, machines: readonly Machine[], within: number): ShutdownPhase[] {
  const steps = machines.map(({ name, kind }): Step => {
    if (kind === 'host') return { do: 'shut-down-host', host: name, within }
    return { do: 'shut-down', node: name, force: true, within }
  })
  // A request to shut down is never interrupted: it may have arrived.
  return steps.length > 0 ? [irreversible(shutDownPhaseOf(tier), [], steps, within)] : []
}

/** A phase that waits until these machines are down; none where there are none. */
function waiting(tier: AwaitedTier, machines: readonly Machine[], within: number): ShutdownPhase[] {
  const steps = machines.map(({ name, kind }): Step => {
    if (kind === 'host') return { do: 'await-host-down', host: name, within }
    return { do: 'await-down', node: name, within }
  })
  return steps.length > 0 ? [irreversible(awaitPhaseOf(tier), ['short-battery'], steps, within)] : []
}

/** The same phases, each knowing what must be left for those after it: the time that they were given, or at least need. */
export function leaving(phases: readonly ShutdownPhase[], reserve: number): ShutdownPhase[] {
  return phases.map((one, index) => {
    const rest = phases.slice(index + 1).filter((later) => !later.reversible)
    return { ...one, leaves: sum(rest.map(({ within }) => (one.reversible ? within : within / 4))) + reserve }
  })
}

/** Stops as soon as the power changes, or the battery has no time left for it. */
export function reversible(id: ReversiblePhase, steps: readonly Step[], within: number): ShutdownPhase {
  const stops: readonly StopReason[] = ['power-change', 'short-battery']
  return { ...bestEffort(phase(id, stops, ...steps)), reversible: true, within, leaves: 0 }
}

export function irreversible(
  id: Exclude<PhaseId, ReversiblePhase>,
  stops: readonly StopReason[],
  steps: readonly Step[],
  within: number,
): ShutdownPhase {
  return { ...bestEffort(phase(id, stops, ...steps)), reversible: false, within, leaves: 0 }
}

export function stateOf(outage: Outage, name: string): OutageNode['state'] {
  return outage.nodes[name]?.state ?? 'up'
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
