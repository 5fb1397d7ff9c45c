import { describeDuration } from '../duration.ts'
import type { Machine } from './machines.ts'
import type { Outage } from './outage.ts'
import type { PhaseId } from '../phase-id.ts'
import type { Wording } from '../wording.ts'
import type { ShutdownPlan } from './shutdown.ts'

/** One phase of a shutdown in time, in ms from its start. */
export interface TimelineRow {
  readonly phase: PhaseId
  readonly from: number
  /** When it ends at the latest. */
  readonly to: number
  /** When it is likely to end, from how long it took before; absent where nothing is on record. */
  readonly likely?: number
  /** In words, for people. */
  readonly steps: readonly string[]
  readonly reversible: boolean
}

/** @param took how long each machine took to stop when it last did, in ms, by name */
export function timelineOf(
  plan: Pick<ShutdownPlan, 'phases'>,
  { describeStep }: Pick<Wording, 'describeStep'>,
  took: ReadonlyMap<string, number> = new Map(),
): readonly TimelineRow[] {
  let from = 0
  /** When the shutdown of the machines that are waited for was requested. */
  let requestedAt = 0
  return plan.phases.map(({ id, steps, within, reversible }) => {
    const times = steps.flatMap((step) => {
      const machine = step.do === 'await-down' ? step.node : step.do === 'await-host-down' ? step.host : undefined
      return machine === undefined ? [] : [took.get(machine)]
    })
    const known = times.filter((time) => time !== undefined)
    const isKnown = known.length > 0 && known.length === times.length
    const row = {
      phase: id,
      from,
      to: from + within,
      ...(isKnown ? { likely: Math.min(from + within, Math.max(from, requestedAt + Math.max(...known))) } : {}),
      steps: steps.map((step) => describeStep(step)),
      reversible,
    }
    if (steps.some(({ do: what }) => what === 'shut-down' || what === 'shut-down-host')) requestedAt = from
    from += within
    return row
  })
}

/** How long each machine took to stop when it last did, in ms, from the records of outages, newest first. */
export function stopTimes(outages: readonly Outage[], machines: readonly Machine[]): ReadonlyMap<string, number> {
  return new Map(
    machines.flatMap(({ name }): [string, number][] => {
      for (const { nodes } of outages) {
        const { 'shutdown-sent': requested, off } = nodes[name]?.at ?? {}
        // One that was requested again after it was off says nothing of how long it takes.
        const took = Date.parse(off ?? '') - Date.parse(requested ?? '')
        if (took >= 0) return [[name, took]]
      }
      return []
    }),
  )
}

/**
 * `takes 4 min at most, and the battery lasts 25 min`, or that it does not fit. `why` is why it is not known how long it
 * lasts, as a clause.
 */
export function describeFit(
  needs: number,
  left: number | undefined,
  reserve = 0,
  why = 'the UPS does not report its runtime',
): string {
  const kept = reserve > 0 ? ` and keeps ${describeDuration(reserve)} in reserve` : ''
  const takes = `takes ${describeDuration(needs - reserve)} at most${kept}`
  if (left === undefined) return `${takes}; ${why}`
  return needs <= left
    ? `${takes}, and the battery lasts ${describeDuration(left)}`
    : `${takes}, and the battery lasts only ${describeDuration(left)}: it is shortened`
}
