import { describe, expect, test } from 'vitest'
import wakeCluster from '../../jobs/wake-cluster.ts'
import type { Outcome } from '../../src/core/job.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Machine } from '../../src/core/power/machines.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { agentAt, at, outage } from '../operations/begun.ts'

// Whether anything is woken or undone now, or what is waited for first. Nothing is looked at but the power and the record.

const clock = 100_000
const [second, minute] = [1_000, 60_000]
const config = {
  power: {
    deadTime: 15 * second,
    minimumRuntime: 4 * minute,
    wake: { stableAfter: minute, reportAfter: 10 * minute, minimumCharge: 30, unknownChargeAfter: 30 * minute },
  },
  upses: [],
} as unknown as JobContext['config']

const on = (ups: string) => ({ feed: { powerValue: { [ups]: 1 }, minSupplies: 1 } })
const [cp1, w1, w2, bare] = [
  machineOf('cp-1', 'control-planes', minute, on('rack')),
  machineOf('w-1', 'workers', minute, on('rack')),
  machineOf('w-2', 'workers', minute, on('shelf')),
  machineOf('bare', 'workers', minute),
] as const
/** Mains power for so long, by a battery that could carry another cut. */
const mains = (lasts: number, figures: Partial<UpsReading> = { charge: 90 }) =>
  stateOf('on-mains', figures, clock - lasts, clock)
const battery = (changed: object = {}) =>
  ({ ...stateOf('on-battery', {}, clock - minute, clock), ...changed }) as PowerState
const off = { 'cp-1': 'off', 'w-1': 'off' } as const
const stopped = outage(off, { stage: 'stopped' })
const cut = (ago: number) => ({ ...stopped, cut: { rack: new Date(Date.parse(at) - ago).toISOString() } })

interface Case {
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

async function looks({ open = stopped, power, machines = [cp1, w1], wakeNow }: Case) {
  const agent = agentAt({ machines, open, power, ...(wakeNow ? { wakeNow } : {}) })
  const outcome = await wakeCluster.idle!({ ...agent.context, config })
  return { is: told(outcome), lines: agent.lines() }
}

const lasts = 'must last for'
describe('after a power cut', () => {
  test.each<Case>([
    { name: 'goes on once mains power has lasted', power: powerOf({ rack: mains(minute) }), is: 'goes on' },
    {
      name: 'waits for the rest of that time',
      power: powerOf({ rack: mains(minute - 1) }),
      is: `in 1 ms: mains power is back, and ${lasts} 60 s`,
    },
    { name: 'wakes nothing on battery', power: powerOf({ rack: battery() }), is: 'in 5000 ms: the UPS is on battery' },
    {
      name: 'wakes nothing while the UPS is critical',
      power: powerOf({ rack: stateOf('low-battery') }),
      is: 'in 5000 ms: the UPS is critical',
    },
    {
      name: 'wakes nothing that a person has ordered down',
      power: { ...powerOf({ rack: mains(minute) }), ordered: 1 as never },
      is: 'done: the cluster was shut down on request: wake it with `caretaker power wake`',
    },
    {
      name: 'waits for the battery',
      power: powerOf({ rack: mains(minute, { charge: 29 }) }),
      is: 'in 10000 ms: the battery is at 29 %, and waking needs 30 % (power.wake.minimumCharge)',
    },
    {
      name: 'tells people of a battery that takes long',
      power: powerOf({ rack: mains(10 * minute, { charge: 29 }) }),
      is: 'in 10000 ms: the battery is at 29 %, and waking needs 30 % (power.wake.minimumCharge)',
      alert:
        'outage.charge: machines stay down although mains power is back: the battery is at 29 %, and waking needs 30 % (power.wake.minimumCharge)',
    },
    {
      name: 'tells nobody of one that takes shorter',
      power: powerOf({ rack: mains(10 * minute - 1, { charge: 29 }) }),
      is: 'in 10000 ms: the battery is at 29 %, and waking needs 30 % (power.wake.minimumCharge)',
    },
    {
      name: 'goes on at once where a person wants that, whatever is left of the battery',
      power: powerOf({ rack: mains(0, { charge: 1 }) }),
      wakeNow: true,
      is: 'goes on',
    },
    {
      name: 'goes on at once where a person wants that, though FSD is left on mains power',
      power: powerOf({ rack: stateOf('latched', {}, clock - minute, clock) }),
      wakeNow: true,
      is: 'goes on',
    },
    {
      name: 'waits while FSD is left on mains power',
      power: powerOf({ rack: stateOf('latched', {}, clock - minute, clock) }),
      is: expect.stringMatching(/^in 5000 ms: the UPS /) as string,
    },
    {
      name: 'wakes nothing on battery, though a person wants that',
      power: powerOf({ rack: battery() }),
      wakeNow: true,
      is: 'in 5000 ms: the UPS is on battery',
    },
    {
      name: 'goes on where each machine has mains power of its own',
      power: powerOf({}),
      machines: [bare],
      open: outage({ bare: 'off' }, { stage: 'stopped' }),
      is: 'goes on',
    },
  ])('$name', async (one) => {
    const { is, lines } = await looks(one)
    expect(is).toEqual(one.is)
    expect(lines).toEqual(one.alert === undefined ? [] : [one.alert])
  })
})

describe('after a UPS was told to switch off its outlets', () => {
  test.each<Case>([
    {
      name: 'waits until it has done that for certain',
      open: cut(minute),
      power: powerOf({ rack: mains(100 * second) }),
      is: `in ${80 * second} ms: mains power is back, and ${lasts} 3 min`,
    },
    {
      name: 'waits for that though a person wants everything to be woken',
      open: cut(minute),
      power: powerOf({ rack: mains(100 * second) }),
      wakeNow: true,
      is: `in ${80 * second} ms: mains power is back, and ${lasts} 3 min`,
    },
    {
      name: 'goes on when mains power has lasted since',
      open: cut(minute),
      power: powerOf({ rack: mains(3 * minute) }),
      is: 'goes on',
    },
    {
      name: 'goes on when that was long ago',
      open: cut(3 * minute),
      power: powerOf({ rack: mains(minute) }),
      is: 'goes on',
    },
    {
      name: 'goes on with machines of another UPS',
      open: { ...outage({ 'w-2': 'off' }, { stage: 'stopped' }), cut: cut(second).cut },
      power: powerOf({ rack: mains(minute), shelf: mains(minute) }),
      machines: [w2],
      is: 'goes on',
    },
    {
      name: 'counts from the last of several',
      open: {
        ...outage({ both: 'off' }, { stage: 'stopped' }),
        cut: { rack: cut(170 * second).cut.rack, shelf: cut(minute).cut.rack },
      },
      power: powerOf({ rack: mains(minute), shelf: mains(minute) }),
      machines: [machineOf('both', 'workers', minute, { feed: { powerValue: { rack: 1, shelf: 1 }, minSupplies: 1 } })],
      is: `in ${2 * minute} ms: mains power is back, and ${lasts} 3 min`,
    },
  ])('$name', async (one) => {
    expect((await looks(one)).is).toBe(one.is)
  })
})

describe('where nothing went down', () => {
  const drained = outage({ 'cp-1': 'up', 'w-1': 'drained' })
  const shedding = outage({}, { stage: 'shedding' })
  test.each<Case>([
    {
      name: 'undoes at once what was done, on mains power',
      open: drained,
      power: powerOf({ rack: mains(0) }),
      is: 'goes on',
    },
    {
      name: 'undoes it whatever is left of the battery',
      open: drained,
      power: powerOf({ rack: mains(0, { charge: 1 }) }),
      is: 'goes on',
    },
    {
      name: 'undoes it on battery, once a person has called the shutdown off',
      open: drained,
      power: powerOf({ rack: battery({ calledOff: 'low-charge' }) }),
      is: 'goes on',
    },
    {
      name: 'undoes it for a machine that nothing was done to yet',
      open: outage({ 'w-1': 'up' }),
      power: powerOf({ rack: battery({ calledOff: 'low-charge' }), shelf: mains(0) }),
      machines: [w1],
      is: 'goes on',
    },
    {
      name: 'undoes it for a machine that is not on record yet',
      open: outage({ 'cp-1': 'drained' }),
      power: powerOf({ rack: battery({ calledOff: 'low-charge' }) }),
      machines: [w1],
      is: 'goes on',
    },
    {
      name: 'undoes nothing where the UPS of the machine is critical, though a shutdown was called off elsewhere',
      open: drained,
      power: powerOf({ rack: stateOf('low-battery'), shelf: battery({ calledOff: 'low-charge' }) }),
      is: 'in 5000 ms: rack: the UPS is critical',
    },
    {
      name: 'waits while one of two UPSes is critical and the other on battery: the shutdown has the word',
      open: drained,
      power: powerOf({ rack: stateOf('low-battery'), shelf: battery() }),
      machines: [w1, w2],
      is: 'in 5000 ms: rack: the UPS is critical',
    },
    {
      name: 'waits for a UPS that has not answered yet',
      open: drained,
      power: powerOf({ rack: 'unknown' }),
      is: 'in 5000 ms: no answer',
    },
    {
      name: 'waits on battery, where nobody has called it off: workloads that were shed stay down',
      open: drained,
      power: powerOf({ rack: battery() }),
      is: 'done: on battery: shed workloads stay down',
    },
    {
      name: 'lets shed workloads stay down on battery, also where a shutdown was called off',
      open: shedding,
      power: powerOf({ rack: battery({ calledOff: 'low-charge' }) }),
      is: 'done: on battery: shed workloads stay down',
    },
    {
      name: 'lets them stay down while any machine runs on battery',
      open: shedding,
      power: powerOf({ rack: mains(minute), shelf: battery() }),
      machines: [cp1, w1, w2],
      is: 'done: on battery: shed workloads stay down',
    },
    { name: 'scales them up on mains power', open: shedding, power: powerOf({ rack: mains(0) }), is: 'goes on' },
    {
      name: 'waits while a UPS is critical: the shutdown has the word',
      open: shedding,
      power: powerOf({ rack: stateOf('low-battery') }),
      is: 'in 5000 ms: the UPS is critical',
    },
  ])('$name', async (one) => {
    expect((await looks(one)).is).toBe(one.is)
  })

  test('wakes nothing on battery where a shutdown was called off when machines were down', async () => {
    const power = powerOf({ rack: battery({ calledOff: 'low-charge' }) })
    expect((await looks({ name: '', power, is: '' })).is).toBe('in 5000 ms: the UPS is on battery')
    const open = outage({ 'cp-1': 'drained', 'w-1': 'off' }, { stage: 'stopping' })
    expect((await looks({ name: '', open, power, is: '' })).is).toBe('goes on')
  })
})

describe('where only some machines have power again', () => {
  const power = powerOf({ rack: mains(minute), shelf: battery() })
  const three = [cp1, w1, w2]
  test.each<Case>([
    {
      name: 'goes on with those',
      open: outage({ ...off, 'w-2': 'off' }, { stage: 'stopped' }),
      power,
      machines: three,
      is: 'goes on',
    },
    {
      name: 'waits for the others when those are back',
      open: outage({ 'cp-1': 'back', 'w-1': 'back', 'w-2': 'off' }, { stage: 'waking' }),
      power,
      machines: three,
      is: `in ${minute} ms: other machines still have no power`,
    },
    {
      name: 'goes on while one of those is not back',
      open: outage({ 'cp-1': 'back', 'w-1': 'wake-sent', 'w-2': 'off' }, { stage: 'waking' }),
      power,
      machines: three,
      is: 'goes on',
    },
    {
      name: 'waits for the others when the only one is back',
      open: outage({ 'w-1': 'back', 'w-2': 'off' }, { stage: 'waking' }),
      power,
      machines: [w1, w2],
      is: `in ${minute} ms: other machines still have no power`,
    },
    {
      name: 'waits for none that was off before',
      open: outage({ 'cp-1': 'back', 'w-1': { wasUp: false, state: 'off' }, 'w-2': 'off' }, { stage: 'waking' }),
      power,
      machines: three,
      is: `in ${minute} ms: other machines still have no power`,
    },
    {
      name: 'ends when all are back that the outage was of',
      open: outage({ 'cp-1': 'back', 'w-1': 'back' }, { stage: 'waking' }),
      power,
      machines: three,
      is: 'goes on',
    },
    {
      name: 'tells the wait that ends first',
      open: outage({ 'w-1': 'off', 'w-2': 'off' }, { stage: 'stopped' }),
      power: powerOf({ rack: battery(), shelf: mains(58 * second) }),
      machines: [w1, w2],
      is: `in ${2 * second} ms: mains power is back, and ${lasts} 60 s`,
    },
  ])('$name', async (one) => {
    expect((await looks(one)).is).toBe(one.is)
  })
})
