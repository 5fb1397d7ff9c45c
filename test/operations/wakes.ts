import wakeCluster from '../../jobs/wake-cluster.ts'
import type { Outcome } from '../../src/core/job.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Machine } from '../../src/core/power/machines.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { stateOf } from '../core/power/states.ts'
import { agentAt, at, outage } from './begun.ts'

/** The first look of the job that wakes a cluster: at the power and the record, and at nothing else. */

/** On the monotonic clock, in ms, as that of `agentAt`. */
export const clock = 100_000
export const [second, minute] = [1_000, 60_000]
export const config = {
  power: {
    deadTime: 15 * second,
    minimumRuntime: 4 * minute,
    shed: [],
    storageFlags: false,
    wake: {
      stableAfter: minute,
      reportAfter: 10 * minute,
      minimumCharge: 30,
      unknownChargeAfter: 30 * minute,
      retryInterval: 30 * second,
      giveUpAfter: 15 * minute,
      storageTimeout: 30 * minute,
    },
  },
  storage: { accept: [] },
  upses: [],
} as unknown as JobContext['config']

const on = (ups: string) => ({ feed: { powerValue: { [ups]: 1 }, minSupplies: 1 } })
export const [cp1, w1, w2, bare] = [
  machineOf('cp-1', 'control-planes', minute, on('rack')),
  machineOf('w-1', 'workers', minute, on('rack')),
  machineOf('w-2', 'workers', minute, on('shelf')),
  machineOf('bare', 'workers', minute),
] as const
/** Mains power for so long, by a battery that could carry another cut. */
export const mains = (lasts: number, figures: Partial<UpsReading> = { charge: 90 }) =>
  stateOf('on-mains', figures, clock - lasts, clock)
/** In use for a minute. */
export const battery = (changed: object = {}) =>
  ({ ...stateOf('on-battery', {}, clock - minute, clock), ...changed }) as PowerState
export const off = { 'cp-1': 'off', 'w-1': 'off' } as const
const stopped = outage(off, { stage: 'stopped' })
/** As everything is off, once a UPS was told so long ago to switch its outlets off. */
export const cut = (ago: number) => ({ ...stopped, cut: { rack: new Date(Date.parse(at) - ago).toISOString() } })

export interface Case {
  readonly name: string
  readonly open?: Outage
  readonly power: Power
  readonly machines?: readonly Machine[]
  readonly wakeNow?: true
  readonly is: string
  readonly alert?: string
}

function told(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'goes on'
  if (outcome.kind !== 'later') return `${outcome.kind}: ${outcome.summary}`
  return `in ${outcome.at.getTime() - Date.parse(at)} ms: ${outcome.reason}`
}

/** Whether it goes on, or what it waits for; and the alerts that it leaves. */
export async function looks({ open = stopped, power, machines = [cp1, w1], wakeNow }: Case) {
  const agent = agentAt({ machines, open, power, ...(wakeNow ? { wakeNow } : {}) })
  const outcome = await wakeCluster.idle!({ ...agent.context, config })
  return { is: told(outcome), lines: agent.lines() }
}
