import { describeClosely } from '../duration.ts'
import type { Left } from './battery.ts'
import { type Machine, type Tier, tiers } from './machines.ts'
import type { Outage } from './outage.ts'
import type { PhaseId } from '../phase-id.ts'
import type { Step } from '../plan.ts'
import {
  awaitPhaseOf,
  irreversible,
  leaving,
  reversible,
  shortForm,
  type ShutdownPhase,
  stateOf,
  stopTier,
  sum,
} from './phases.ts'

/** Durations in ms. */
export interface ShutdownPolicy {
  /** The longest time that pods get to terminate. */
  readonly drainTimeout: number
  /** Reserved from the runtime that the UPS reports. */
  readonly reserve: number
}

/** Steps before the drain, if any. */
export interface PreparationPolicy {
  readonly shed: readonly unknown[]
  readonly storageFlags: boolean
}

/** In ms. A healthy API server answers in milliseconds; one that is down must not cost more of the battery. */
export const cordonWithin = 5_000
/** The same for scaling and for storage systems' settings, which need more calls. */
export const apiWithin = 10_000
/** A shorter drain is of no use to any pod, in ms. */
const shortestDrain = 5_000
/** The least time that a machine gets to stop before the next tier, in ms. */
const shortestStop = 5_000

export interface ShutdownPlan {
  readonly form: 'ordered' | 'compressed' | 'short'
  /** Why this form, for the journal. */
  readonly reason: string
  readonly phases: readonly ShutdownPhase[]
}

export interface ShutdownSituation {
  /** The machines that are losing their power. */
  readonly machines: readonly Machine[]
  readonly outage: Outage
  readonly left: Left
  readonly now: Date
  /** Phases that this run has carried out already, whatever came of them. */
  readonly carriedOut?: ReadonlySet<PhaseId>
  /** UPSes that switch off their outlets at the end, with the command for it. */
  readonly cut?: readonly {
    readonly ups: string
    readonly command: string
    /** Its upsd runs on the NAS that goes last. */ readonly beforeNas: boolean
  }[]
}

/**
 * Plans from the inventory and the outage's record, not from what Kubernetes says: its API may be the first to go. What
 * the record says is done is left out, so the plan that is made again after each phase, or after a crash, continues there.
 *
 * Everything is cordoned at once, or pods that are drained would land on nodes that go next. Then tier by tier, all
 * machines of one together: workers, those with storage, control planes, other hosts, the NAS. A machine that hangs
 * holds up no other: its tier's time ends.
 *
 * Nodes are always shut down with `force`: we have drained, and Talos' own drain would wait for an API server that may be
 * gone, fail after a minute, and then cut the node off without stopping its pods
 * (siderolabs/talos internal/app/machined v1alpha1_sequencer.go). Nothing needs the Kubernetes API once the first
 * control plane's shutdown was requested.
 *
 * | the battery leaves          | form       | then                                                         |
 * |-----------------------------|------------|--------------------------------------------------------------|
 * | all tiers in their time     | ordered    | pods get what is left of it, up to the policy                |
 * | less, but a quarter of that | compressed | nothing is drained, and each tier's time shrinks alike       |
 * | less than that              | short      | all machines are shut down at once, the NAS half of it later |
 *
 * The short form switches no outlets off: machines may still be stopping.
 */
export function planShutdown(situation: ShutdownSituation, policy: ShutdownPolicy): ShutdownPlan {
  const { outage, left, carriedOut = new Set(), cut = [] } = situation
  const due = (phases: readonly ShutdownPhase[]) => phases.filter(({ id }) => !carriedOut.has(id))
  const goes = situation.machines.filter((machine) => isStillToGo(machine, outage, carriedOut))
  const cutPhase = due(cutting(cut))
  const waves = wavesOf(goes)
  const budget = left.ms - policy.reserve - sum(cutPhase.map(({ within }) => within))
  const wants = sum(waves.map((wave) => wave.wants))
  const least = sum(waves.map(leastOf))

  if (budget < least && waves.length > 0) {
    const needs = describeClosely(least + left.ms - budget)
    return {
      form: 'short',
      reason: `${describeLeft(left)}, and an orderly shutdown needs ${needs}: all machines are shut down at once`,
      phases: due(shortForm(goes, outage, left)),
    }
  }

  // As much of each tier's time as there is, down to the least.
  const share = wants <= least ? 1 : Math.min(1, (budget - least) / (wants - least))
  const timed = waves.map((wave) => ({
    ...wave,
    stops: Math.round(leastOf(wave) + share * (wave.wants - leastOf(wave))),
  }))
  const preparing = share === 1 ? preparations({ ...situation, goes }, budget - wants, policy) : []
  // upsd goes down with the NAS that it runs on, and Caretaker with its own machine.
  const goesWith = (tier: Tier) => (tier === 'nas' && cut.some(({ beforeNas }) => beforeNas)) || tier === 'own-machine'
  const cutsBefore = waves.find(({ tier }) => goesWith(tier))?.tier
  const stops = timed.flatMap(({ tier, members, stops: within }) => [
    ...(tier === cutsBefore ? cutPhase : []),
    ...stopTier(tier, members, outage, within),
  ])
  const shrunk = share < 1 ? sum(timed.map((wave) => wave.stops)) / wants : undefined
  return {
    form: shrunk === undefined ? 'ordered' : 'compressed',
    reason: `${describeLeft(left)}: ${describePace({ ...situation, goes }, preparing, shrunk)}`,
    phases: leaving([...preparing, ...due(stops), ...(cutsBefore === undefined ? cutPhase : [])], policy.reserve),
  }
}

/** What was waited for is not waited for again in the same run, whatever came of it. No one waits for our own machine. */
function isStillToGo({ name, tier }: Machine, outage: Outage, carriedOut: ReadonlySet<PhaseId>): boolean {
  if (!isStillUp(outage, name)) return false
  if (tier === 'own-machine') return true
  return !carriedOut.has(awaitPhaseOf(tier)) && (tier === 'nas' || !carriedOut.has(awaitPhaseOf('all')))
}

function cutting(cut: NonNullable<ShutdownSituation['cut']>): ShutdownPhase[] {
  const steps = cut.map(({ ups, command }): Step => ({ do: 'ups-command', ups, command, within: cordonWithin }))
  return steps.length > 0 ? [irreversible('cut-power', ['short-battery'], steps, cordonWithin)] : []
}

/** The machines that go together, in the order in which they go; `wants` is the time of the slowest, in ms. */
interface Wave {
  readonly tier: Tier
  readonly members: readonly Machine[]
  readonly wants: number
}

function wavesOf(goes: readonly Machine[]): readonly Wave[] {
  return tiers.flatMap((tier) => {
    const members = goes.filter((machine) => machine.tier === tier)
    return members.length === 0 ? [] : [{ tier, members, wants: Math.max(...members.map(({ stops }) => stops)) }]
  })
}

/** What pods and tiers get of the time; `shrunk` is the share that tiers get where it is not all. */
function describePace(
  { machines, outage, goes, carriedOut = new Set() }: Preparing,
  preparing: readonly ShutdownPhase[],
  shrunk: number | undefined,
): string {
  if (shrunk !== undefined) return `no time to drain, and tiers get ${Math.round(shrunk * 100)} % of their time`
  const drain = preparing.find(({ id }) => id === 'drain')
  if (drain) return `pods have ${describeClosely(drain.within)} to terminate`
  const isDraining =
    !carriedOut.has('drain') && goes.some(({ name, kind }) => kind === 'node' && stateOf(outage, name) === 'up')
  return isDraining && !controlPlaneRequested(machines, outage) ? 'no time to drain' : 'resuming where it stopped'
}

/** How long a shutdown of these machines takes in full, with what it keeps back, in ms. */
export function needOf(machines: readonly Machine[], policy: ShutdownPolicy & PreparationPolicy): number {
  const longest = tiers.map((tier) =>
    Math.max(0, ...machines.filter((one) => one.tier === tier).map(({ stops }) => stops)),
  )
  const api = (policy.shed.length > 0 ? apiWithin : 0) + (policy.storageFlags ? apiWithin : 0)
  return cordonWithin + api + policy.drainTimeout + sum(longest) + policy.reserve
}

/** What can be undone, as far as there is time for it: the drain gets what the rest leaves. */
function preparations(
  { machines, goes, outage, now, carriedOut = new Set() }: Preparing,
  spare: number,
  policy: ShutdownPolicy,
): ShutdownPhase[] {
  if (controlPlaneRequested(machines, outage) || carriedOut.has('drain')) return []
  const undrained = goes.filter(({ name, kind }) => kind === 'node' && stateOf(outage, name) === 'up')
  if (undrained.length === 0) return []
  const ordered = outage.reason === 'ordered' ? ({ ordered: true } as const) : {}
  const mark = { why: 'power', at: now.toISOString(), ...ordered } as const
  const cordons = undrained.map(({ name }): Step => ({ do: 'cordon', node: name, mark, within: cordonWithin }))
  const scales = (outage.scaled ?? []).map((workload): Step => {
    return { do: 'scale', workload, replicas: 0, within: apiWithin }
  })
  const flags = (outage.storage ?? []).map((setting): Step => {
    return { do: 'set-storage', setting, value: setting.during, within: apiWithin }
  })
  const before = [
    // First of all, because it shows in no time whether there is an API server to talk to.
    reversible('cordon', cordons, cordonWithin),
    ...(scales.length > 0 ? [reversible('scale-down', scales, apiWithin)] : []),
    ...(flags.length > 0 ? [reversible('set-storage-flags', flags, apiWithin)] : []),
  ].filter(({ id }) => !carriedOut.has(id))
  const within = Math.round(Math.min(policy.drainTimeout, spare - sum(before.map((one) => one.within))))
  if (within < 0) return []
  if (policy.drainTimeout === 0) return before
  if (within < shortestDrain && within < policy.drainTimeout) return []
  // With every node cordoned, a disruption budget that refuses will refuse for ever.
  const drain = { deleteAfter: Math.round(within / 4), maxGrace: within }
  // A drain of our own machine would evict us, where we run in a pod.
  const drained = undrained.filter(({ tier }) => tier !== 'own-machine')
  const drains = drained.map(({ name }): Step => ({ do: 'drain', node: name, policy: drain, within }))
  return drains.length === 0 ? before : [...before, reversible('drain', drains, within)]
}

interface Preparing extends Omit<ShutdownSituation, 'left' | 'cut'> {
  readonly goes: readonly Machine[]
}

function leastOf({ wants }: { readonly wants: number }): number {
  return Math.min(wants, Math.max(shortestStop, Math.round(wants / 4)))
}

/** What could not be reached is looked at again, and is up when it answers. */
function isStillUp(outage: Outage, name: string): boolean {
  const state = stateOf(outage, name)
  return state !== 'off' && state !== 'abandoned' && (state !== 'unreached' || outage.stage !== 'stopped')
}

/** From then on no phase may need the Kubernetes API. */
function controlPlaneRequested(machines: readonly Machine[], outage: Outage): boolean {
  return machines.some(
    ({ name, tier }) =>
      tier === 'control-planes' && !['up', 'drained', 'back', 'wake-sent'].includes(stateOf(outage, name)),
  )
}

function describeLeft({ ms, told, why = 'the UPS does not report its runtime' }: Left): string {
  if (ms === Infinity) return 'on mains power'
  return told ? `the battery has ${describeClosely(ms)} left` : `${why}; ${describeClosely(ms)} are assumed`
}
