import type { RolloutAnswer } from '../core/operator.ts'
import { describeDuration } from '../core/duration.ts'
import { describeTime } from '../core/time.ts'
import type { Abort } from '../core/upgrade/abort.ts'
import type { Rollout, RolloutNode } from '../core/upgrade/record.ts'
import type { PhaseId } from '../core/phase-id.ts'
import { english } from '../core/wording.ts'
import { describePaused, renderPlan } from './render.ts'
import { hanging, paragraphs, table } from './table.ts'

/** A rollout: what is decided, what people requested, and the progress of its nodes. */
export function renderRollout(answer: RolloutAnswer, zone: string): string {
  const { plan, current, approved, aborted, paused, openUntil, snapshot } = answer
  const facts = [
    ['approved', approved],
    ['aborted', aborted.length === 0 ? undefined : aborted.map((one) => describeAborted(one, zone)).join('; ')],
    ['paused', paused && describePaused(paused, zone)],
    ['window', openUntil && `open until ${describeTime(openUntil, zone)}, by request`],
    [
      'snapshot',
      snapshot &&
        `${snapshot.file}, ${(snapshot.bytes / 1e6).toFixed(1)} MB, taken on ${describeTime(snapshot.at, zone)}`,
    ],
  ] as const
  return [
    renderPlan(plan, zone),
    ...facts.flatMap(([name, text]) => (text === undefined ? [] : [hanging(`${name}:`.padEnd(10), text)])),
    ...(current ? ['', renderOne(current, zone)] : []),
  ].join('\n')
}

/** `v1.14.1, on 2026-07-15 10:00 CEST by admin@nas (unverified)`. */
function describeAborted({ release, by, at }: Abort, zone: string): string {
  return by === undefined || at === undefined ? release : `${release}, on ${describeTime(at, zone)} by ${by}`
}

export function renderHistory(rollouts: readonly Rollout[], zone: string): string {
  return rollouts.map((rollout) => renderOne(rollout, zone)).join('\n\n')
}

function renderOne({ release, startedAt, endedAt, outcome, nodes, snapshot }: Rollout, zone: string): string {
  const lasts = endedAt === undefined ? '' : `, after ${describeDuration(Date.parse(endedAt) - Date.parse(startedAt))}`
  const head = `${release}: started on ${describeTime(startedAt, zone)}, ${outcome ?? 'in progress'}${lasts}`
  const rows = Object.entries(nodes).map(([name, node]) => [
    name,
    node.from,
    node.outcome ?? 'in progress',
    node.tookMs === undefined ? '' : describeDuration(node.tookMs),
    describePhases(node),
    node.failures.at(-1) ?? '',
  ])
  return [
    paragraphs([head]),
    ...(snapshot === undefined ? [] : [paragraphs([`etcd snapshot: ${snapshot}`])]),
    ...(rows.length === 0
      ? []
      : [
          table(
            [
              'NODE',
              'FROM',
              'OUTCOME',
              'TOOK',
              { title: 'PHASES', flows: true },
              { title: 'LAST FAILURE', flows: true },
            ],
            rows,
          ),
        ]),
  ].join('\n')
}

/** The phases that took at least a second. */
function describePhases({ phases }: RolloutNode): string {
  return Object.entries(phases)
    .filter(([, ms]) => ms >= 1_000)
    .map(([phase, ms]) => `${english.titleOf(phase as PhaseId)} ${describeDuration(ms)}`)
    .join(', ')
}
