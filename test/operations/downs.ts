import shutDownCluster from '../../jobs/shut-down-cluster.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { clock, cp1, nas, outage, w1, w2 } from './begun.ts'
import { type Course, runs } from './running.ts'

/** A shutdown of the cluster from its beginning, or from what is on record. */

export const [second, minute] = [1_000, 60_000]
export const on = (...upses: readonly string[]) => ({
  feed: { powerValue: Object.fromEntries(upses.map((ups) => [ups, 1])), minSupplies: 1 },
})
/** On another UPS. */
export const s1 = machineOf('s-1', 'workers', minute, on('shelf'))
/** Its battery lasts so long from now on. */
export const low = (lasts = 20 * minute, changed: object = {}) =>
  ({ ...stateOf('low-battery', { runtime: lasts }, clock - minute, clock), ...changed }) as PowerState
export const mains = stateOf('on-mains', {}, clock, clock)
export const battery = stateOf('on-battery', { runtime: 20 * minute }, clock, clock)
/** Everything is off, and all is done but to log out of the UPS. */
export const off = (more: object = {}) => outage({ 'cp-1': 'off', 'w-1': 'off' }, { stage: 'stopped', ...more })

export interface Down extends Omit<Partial<Course>, 'config'> {
  /** Of `power`. */
  readonly policy?: object
  readonly cuts?: readonly string[]
  /** Where the upsd of the UPS `rack` runs. */
  readonly server?: string
}

/** Without `open` the shutdown begins now; by default of a control plane and a worker. */
export async function shutsDown({
  policy,
  cuts = [],
  server = '10.0.0.1',
  power = powerOf({ rack: low() }),
  ...more
}: Down = {}) {
  const config = {
    power: {
      shed: [],
      storageFlags: false,
      deadTime: 15 * second,
      onMainsAfter: 60 * minute,
      assumedRuntime: 5 * minute,
      shutdownTimeout: minute,
      drainTimeout: minute,
      reserve: 10 * second,
      ...policy,
    },
    upses: ['rack', 'shelf'].map((label) => ({
      label,
      host: label === 'rack' ? server : '10.0.0.2',
      ...(cuts.includes(label) ? { cutPower: { command: 'shutdown.return' } } : {}),
    })),
    hosts: [
      { name: 'pve', address: '10.0.0.6', nas: false },
      { name: 'nas', address: '10.0.0.5', nas: true },
    ],
  }
  const names = ['cp-1', 'w-1', 'w-2', 's-1', 'both']
  return runs(shutDownCluster, { machines: [cp1, w1], recently: names, hostsUp: ['nas'], power, config, ...more })
}

export { cp1, nas, outage, w1, w2 }
