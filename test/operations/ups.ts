import wakeCluster from '../../jobs/wake-cluster.ts'
import { outage } from './begun.ts'
import { type Course, runs } from './running.ts'
import { config, cp1, mains, minute, w1, w2 } from './wakes.ts'
import { powerOf } from '../core/power/states.ts'

/** A cluster that is woken, or what was done to it undone. */

/** Everything was shut down, and is to be woken. */
export const down = (more: object = {}) => outage({ 'cp-1': 'off', 'w-1': 'off' }, { stage: 'stopped', ...more })
/** Nodes were cordoned and drained, and nothing went down. */
export const drained = (more: object = {}) => outage({ 'cp-1': 'up', 'w-1': 'drained' }, more)

/** By default mains power is back for a minute, and everything is off. */
export function wakes({ power = powerOf({ rack: mains(minute) }), open = down(), ...more }: Partial<Course> = {}) {
  return runs(wakeCluster, { machines: [cp1, w1], open, power, config, ...more })
}

export { cp1, w1, w2 }
