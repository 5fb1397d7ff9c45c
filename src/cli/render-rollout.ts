import type { RolloutAnswer } from '../core/operator.ts'
import { describeDuration } from '../core/duration.ts'
import type { Rollout, RolloutNode } from '../core/upgrade/record.ts'
import type { PhaseId } from '../core/phase-id.ts'
import { english } from '../core/wording.ts'
import { renderPlan } from './render.ts'
import { table } from './table.ts'

/** A rollout as a person reads it: what is decided, what has been said, and how its nodes fare. */
export function renderRollout(answer: RolloutAnswer): string {
  const { plan, current, approved, aborted, paused, openUntil, snapshot } = answer
  const facts = [
    ['approved', approved],
    ['aborted', aborted],
    ['paused', paused?.replace(/^paused: /, '')],
    ['window', openUntil && `opened by hand until ${openUntil}`],
    ['snapshot', snapshot && `${snapshot.file}, ${(snapshot.bytes / 1e6).toFixed(1)} MB of ${snapshot.at}`],
  ] as const
  return [
    renderPlan(plan),
    ...facts.flatMap(([name, text]) => (text === undefined ? [] : [`${`${name}:`.padEnd(9)} ${text}`])),
    ...(current ? ['', renderOne(current)] : []),
  ].join('\n')
}

export function renderHistory(rollouts: readonly Rollout[]): string {
  return rollouts.map(renderOne).join('\n\n')
}

function renderOne({ release, startedAt, endedAt, outcome, nodes, snapshot }: Rollout): string {
  const lasts = endedAt === undefined ? '' : `, after ${describeDuration(Date.parse(endedAt) - Date.parse(startedAt))}`
  const head = `${release}: begun ${startedAt.slice(0, 16).replace('T', ' ')}, ${outcome ?? 'under way'}${lasts}`
  const rows = Object.entries(nodes).map(([name, node]) => [
    name,
    node.from,
    node.outcome ?? 'under way',
    node.tookMs === undefined ? '' : describeDuration(node.tookMs),
    describePhases(node),
    node.failures.at(-1) ?? '',
  ])
  return [
    head,
    ...(snapshot === undefined ? [] : [`etcd snapshot: ${snapshot}`]),
    ...(rows.length === 0 ? [] : [table(['NODE', 'FROM', 'OUTCOME', 'TOOK', 'PHASES', 'LAST FAILURE'], rows)]),
  ].join('\n')
}

/** The phases that took a while: the others say nothing. */
function describePhases({ phases }: RolloutNode): string {
  return Object.entries(phases)
    .filter(([, ms]) => ms >= 1_000)
    .map(([phase, ms]) => `${english.titleOf(phase as PhaseId)} ${describeDuration(ms)}`)
    .join(', ')
}
