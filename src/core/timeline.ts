import { describeDuration } from './duration.ts'
import type { Machine } from './machines.ts'
import type { Outage } from './outage.ts'
import { describeStep } from './plan.ts'
import type { ShutdownPlan } from './shutdown.ts'

/** One phase of a shutdown in time, in ms from its beginning. */
export interface TimelineRow {
  readonly phase: string
  readonly from: number
  /** When it ends at the latest. */
  readonly to: number
  /** When it is likely to end, from how long it took before; absent where nothing is on record. */
  readonly likely?: number
  readonly steps: readonly string[]
  readonly reversible: boolean
}

export function timelineOf(plan: ShutdownPlan, took: ReadonlyMap<string, number> = new Map()): readonly TimelineRow[] {
  let from = 0
  return plan.phases.map(({ name, steps, within, reversible }) => {
    const times = steps.flatMap((step) => {
      const machine = step.do === 'await-down' ? step.node : step.do === 'await-host-down' ? step.host : undefined
      return machine === undefined ? [] : [took.get(machine)]
    })
    const known = times.filter((time) => time !== undefined)
    const isKnown = known.length > 0 && known.length === times.length
    const row = {
      phase: name,
      from,
      to: from + within,
      ...(isKnown ? { likely: from + Math.min(within, Math.max(...known)) } : {}),
      steps: steps.map(describeStep),
      reversible,
    }
    from += within
    return row
  })
}

/** How long each machine took to stop when it last did, in ms, from the records of outages, newest first. */
export function stopTimes(outages: readonly Outage[], machines: readonly Machine[]): ReadonlyMap<string, number> {
  return new Map(
    machines.flatMap(({ name }): [string, number][] => {
      for (const { nodes } of outages) {
        const { 'shutdown-sent': told, off } = nodes[name]?.at ?? {}
        if (told !== undefined && off !== undefined) return [[name, Math.max(0, Date.parse(off) - Date.parse(told))]]
      }
      return []
    }),
  )
}

/** `needs 4 min of 25 min`, or that it does not fit. */
export function describeFit(needs: number, left: number | undefined): string {
  const takes = `takes ${describeDuration(needs)} at most`
  if (left === undefined) return `${takes}; the UPS does not say how long the battery lasts`
  return needs <= left
    ? `${takes}, and the battery lasts ${describeDuration(left)}`
    : `${takes}, and the battery lasts only ${describeDuration(left)}: it is shortened`
}
