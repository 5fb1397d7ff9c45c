import { describe, expect, test } from 'vitest'
import { powerOf, stateOf } from '../core/power/states.ts'
import { outage } from '../operations/begun.ts'
import { battery, type Case, cp1, looks, mains, minute, off, second, w1, w2 } from '../operations/wakes.ts'

// Whether what was done is undone now, and for which of several machines.

const lasts = 'must last for'

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
