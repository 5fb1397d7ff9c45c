import { leastTimeLeft } from '../core/power/feeds.ts'
import type { Machine } from '../core/power/machines.ts'
import type { Left } from '../core/power/battery.ts'
import type { JobContext } from './job.ts'

/** What the battery has left for these machines. It never grows within a run, whatever the UPS says. */
export type BatteryBudget = (machines: readonly Machine[]) => Left

export function createBatteryBudget({ config, power, monotonic }: JobContext): BatteryBudget {
  let endsAt = Infinity
  let heard: number | undefined
  let lastEnds: readonly number[] = []
  return (machines) => {
    const least = leastTimeLeft(machines, power, monotonic(), config.power.assumedRuntime)
    const newest = Math.max(...[...power.upses.values()].map((state) => ('lastHeard' in state ? state.lastHeard : 0)))
    // A single false reading does not count against its neighbours: it would shut everything down at once. Where there is
    // no UPS nothing is ever heard, and the first look counts.
    if (newest !== heard) lastEnds = [...lastEnds.slice(-2), monotonic() + least.ms]
    heard = newest
    endsAt = Math.min(endsAt, Math.max(...lastEnds))
    return { ms: Math.max(0, endsAt - monotonic()), told: least.told, why: least.why }
  }
}
