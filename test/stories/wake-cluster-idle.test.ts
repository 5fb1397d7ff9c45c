import { describe, expect, test } from 'vitest'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { outage } from '../operations/begun.ts'
import { bare, battery, type Case, clock, cut, looks, mains, minute, second, w2 } from '../operations/wakes.ts'

// Whether anything is woken now, or what is waited for first.

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
