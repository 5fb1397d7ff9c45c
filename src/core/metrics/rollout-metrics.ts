import type { Node } from '../cluster/cluster.ts'
import { gates } from '../upgrade/gate.ts'
import type { Rollout } from '../upgrade/record.ts'
import { windowAt } from '../upgrade/window.ts'
import type { Facts, RolloutFacts } from '../known-facts.ts'
import { createSamples, gauge, type Sample, timestampOf } from './metric.ts'

const states = ['idle', 'upgrading', 'waiting', 'stuck'] as const
const nodeStates = ['to-come', 'under-way', 'upgraded', 'failed', 'released', 'rolled-back'] as const

/** The rollout, and what it waits for. */
export const rolloutMetrics = {
  caretaker_upgrades_enabled: gauge('Whether upgrade.enabled is set', {}),
  caretaker_rollouts_paused: gauge('Whether a person has paused rollouts', {}),
  caretaker_rollout_info: gauge('The rollout that is under way: 1', { version: 'release of Talos' }),
  caretaker_rollout_state: gauge('What the upgrade is at: 1 for one of these', { state: states.join(', ') }),
  caretaker_rollout_waiting: gauge('What the upgrade waits for: 1 for one of these, or for none', {
    gate: gates.join(', '),
  }),
  caretaker_rollout_nodes: gauge('Nodes of the newest rollout', { state: nodeStates.join(', ') }),
  caretaker_rollout_start_timestamp_seconds: gauge('When the newest rollout began', {}),
  caretaker_rollout_end_timestamp_seconds: gauge('When the newest rollout ended; absent while it is under way', {}),
  caretaker_rollout_node_phase_seconds: gauge('How long each phase took on the nodes of the newest rollout, together', {
    phase: 'id of a phase, such as drain or verify-boot',
  }),
  caretaker_upgrade_window_open: gauge('Whether nodes may be upgraded at this time of the week', {}),
  caretaker_upgrade_window_open_timestamp_seconds: gauge('When the next window opens; absent while one is open', {}),
  caretaker_upgrade_window_close_timestamp_seconds: gauge('When the window closes; absent while none is open', {}),
} as const

export function readRollout({ now, known, rollout }: Facts): readonly Sample[] {
  const samples = createSamples(rolloutMetrics)
  const { isEnabled, isPaused, newest, waitsAt } = rollout
  const isOpen = newest !== undefined && newest.endedAt === undefined
  samples.add('caretaker_upgrades_enabled', {}, isEnabled)
  samples.add('caretaker_rollouts_paused', {}, isPaused)
  if (isOpen) samples.add('caretaker_rollout_info', { version: newest.release }, 1)
  samples.oneOf('caretaker_rollout_state', {}, { state: states }, stateOf(waitsAt, isOpen))
  samples.oneOf('caretaker_rollout_waiting', {}, { gate: gates }, waitsAt)
  readWindow(samples, rollout, now)
  if (!newest) return samples.all
  samples.add('caretaker_rollout_start_timestamp_seconds', {}, timestampOf(newest.startedAt))
  samples.add('caretaker_rollout_end_timestamp_seconds', {}, timestampOf(newest.endedAt))
  const counts = nodesOf(newest, isOpen ? (known.cluster?.nodes ?? []) : [])
  for (const state of nodeStates) samples.add('caretaker_rollout_nodes', { state }, counts[state] ?? 0)
  for (const [phase, ms] of Object.entries(phasesOf(newest)))
    samples.add('caretaker_rollout_node_phase_seconds', { phase }, ms / 1_000)
  return samples.all
}

function stateOf(waitsAt: string | undefined, isOpen: boolean): (typeof states)[number] {
  if (waitsAt === 'stuck') return 'stuck'
  if (waitsAt !== undefined) return 'waiting'
  return isOpen ? 'upgrading' : 'idle'
}

/** A window that a person has opened counts as one, as long as no other is open. */
function readWindow(
  samples: ReturnType<typeof createSamples<typeof rolloutMetrics>>,
  { windows, timeZone, openUntil }: RolloutFacts,
  now: Date,
): void {
  const window = windowAt(windows, timeZone, now)
  const byHand = openUntil !== undefined && openUntil > now.getTime() ? openUntil : undefined
  samples.add('caretaker_upgrade_window_open', {}, window.open || byHand !== undefined)
  const closes = Math.max(byHand ?? 0, window.open ? (window.closesAt?.getTime() ?? 0) : 0)
  if (closes > 0) samples.add('caretaker_upgrade_window_close_timestamp_seconds', {}, closes / 1_000)
  if (!window.open && byHand === undefined)
    samples.add('caretaker_upgrade_window_open_timestamp_seconds', {}, window.opensAt.getTime() / 1_000)
}

type Counts = Readonly<Partial<Record<(typeof nodeStates)[number], number>>>

function nodesOf(rollout: Rollout, nodes: readonly Pick<Node, 'name' | 'talos'>[]): Counts {
  const counts: Record<string, number> = {}
  const begun = Object.entries(rollout.nodes)
  for (const [, { outcome }] of begun) {
    const state = outcome ?? 'under-way'
    counts[state] = (counts[state] ?? 0) + 1
  }
  const names = new Set(begun.map(([name]) => name))
  counts['to-come'] = nodes.filter((one) => !names.has(one.name) && !runs(one, rollout.release)).length
  return counts
}

function runs({ talos }: Pick<Node, 'talos'>, release: string): boolean {
  return talos.ok && talos.value.version === release
}

function phasesOf({ nodes }: Rollout): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { phases } of Object.values(nodes))
    for (const [phase, ms] of Object.entries(phases)) sums[phase] = (sums[phase] ?? 0) + ms
  return sums
}
