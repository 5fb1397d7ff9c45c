import { describe, expect, test } from 'vitest'
import type { Sample } from '../../../src/core/power/battery.ts'
import { lookAt, newUse } from '../../../src/core/power/look.ts'
import type { Heard, PowerState } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { stateOf } from './states.ts'
import { policy as base } from './stories.ts'

// What one look leaves for the next.
const policy: PowerPolicy = { ...base, onBatteryBelow: 50 }
const at = 10_000_000
const saying = (status: string, figures: Partial<UpsReading> = {}): UpsReading => ({
  status: status.split(' '),
  ...figures,
})
const before = (status: string, figures: Partial<UpsReading> = {}, more: Partial<Heard> = {}): PowerState => ({
  ...(stateOf('on-mains', {}, at - 60_000, at - 1_000) as PowerState & { mode: 'on-mains' }),
  reading: saying(status, figures),
  ...more,
})
const heardOf = (state: PowerState, status: string, figures: Partial<UpsReading> = {}) =>
  lookAt(state, { kind: 'reading', at, reading: saying(status, figures) }, policy).heard

describe('figures are as old as they were read', () => {
  const old = before('OL', { charge: 90 }, { figuresAt: at - 5_000 })
  test('in a status alone, which leaves them as they were', () => {
    expect(lookAt(old, { kind: 'status', at, status: ['OL'] }, policy).heard).toMatchObject({
      figuresAt: at - 5_000,
      lastHeard: at,
      reading: { charge: 90 },
    })
    expect(heardOf(old, 'OL', { charge: 90 }).figuresAt).toBe(at)
  })

  test('and those that nobody has read are of now', () => {
    const silent: PowerState = { mode: 'critical', reason: 'outage-resumed', since: at, lastHeard: at, ...newUse(at) }
    expect(lookAt(silent, { kind: 'status', at, status: ['OB'] }, policy).heard.figuresAt).toBe(at)
  })
})

describe('failures of mains power', () => {
  const failures = { count: 2, since: at - 30_000, backAt: at - 20_000 }
  test('are counted with each moment on battery, and kept while it is back', () => {
    expect(heardOf(before('OL'), 'OB').failures).toEqual({ count: 1, since: at })
    expect(heardOf(before('OL', {}, { failures }), 'OB').failures).toEqual({ count: 3, since: at - 30_000 })
    expect(heardOf(before('OL', {}, { failures }), 'OL').failures).toEqual(failures)
    expect(heardOf(before('OL'), 'OL')).not.toHaveProperty('failures')
  })

  test('are none of a calibration, which takes the battery on purpose', () => {
    expect(heardOf(before('OL', {}, { failures }), 'OB CAL').failures).toEqual(failures)
    expect(heardOf(before('OL'), 'OB CAL')).not.toHaveProperty('failures')
  })
})

describe('a transfer to battery', () => {
  const transfer = { at: at - 2_000, charge: 90 }
  test('is noted with the figures before it', () => {
    expect(heardOf(before('OL', { charge: 90, runtime: 600_000 }), 'OB').transfer).toEqual({
      at,
      charge: 90,
      runtime: 600_000,
    })
    expect(heardOf(before('OL'), 'OB').transfer).toStrictEqual({ at })
  })

  test('stays until mains power is back, whatever is said between', () => {
    const used = before('OB', {}, { transfer })
    expect(heardOf(used, 'OB').transfer).toEqual(transfer)
    expect(heardOf(used, 'WAIT').transfer).toEqual(transfer)
    expect(heardOf(used, 'OL')).not.toHaveProperty('transfer')
  })

  test('is none where the battery was used before, where nothing was known, or nothing is said of it', () => {
    expect(heardOf(before('OB'), 'OB')).not.toHaveProperty('transfer')
    expect(heardOf(stateOf('unknown'), 'OB')).not.toHaveProperty('transfer')
    expect(heardOf(before('OL'), 'WAIT')).not.toHaveProperty('transfer')
  })
})

describe('a battery that empties although the UPS reports mains power', () => {
  const falling = (of: 'charge' | 'runtime', last: number): readonly Sample[] =>
    [2, 1, 0].map((step) => ({ at: at - 1_000 - step * 120_000, [of]: last + step * (of === 'charge' ? 10 : 120_000) }))

  test('is on battery, with its fall', () => {
    const seen = heardOf(before('OL', { charge: 40 }, { trend: falling('charge', 40) }), 'OL', { charge: 40 })
    expect(seen).toMatchObject({ isInferred: true, fall: { of: 'charge', by: 20 }, lastOnBattery: at })
  })

  test('is not yet, where enough is left; its fall is known', () => {
    const seen = heardOf(before('OL', { charge: 60 }, { trend: falling('charge', 60) }), 'OL', { charge: 60 })
    expect(seen).toMatchObject({ fall: { of: 'charge', by: 20 } })
    expect(seen).not.toHaveProperty('isInferred')
    expect(seen).not.toHaveProperty('lastOnBattery')
  })

  test('is none on battery, where nothing contradicts', () => {
    const seen = heardOf(before('OL', { charge: 40 }, { trend: falling('charge', 40) }), 'OB', { charge: 40 })
    expect(seen).not.toHaveProperty('isInferred')
    expect(seen).not.toHaveProperty('fall')
  })

  test('counts with LB that its runtime does not contradict', () => {
    const trend = falling('runtime', 480_000)
    const isInferred = (status: string, runtimeLow: number) => {
      const figures = { runtime: 480_000, runtimeLow }
      return heardOf(before('OL', figures, { trend }), status, figures).isInferred
    }
    expect(isInferred('OL DISCHRG LB', 200_000)).toBe(true)
    expect(isInferred('OL DISCHRG', 200_000)).toBeUndefined()
    expect(isInferred('OL DISCHRG LB', 60_000)).toBeUndefined()
  })

  test('has not fallen by what a self-test has taken: that begins anew when the test is over', () => {
    const trend = falling('charge', 60)
    const after = (was: string) => heardOf(before(was, { charge: 60 }, { trend }), 'OL', { charge: 60 })
    expect(after('OL TEST').trend).toEqual([{ at, charge: 60 }])
    expect(after('OL').trend?.length).toBeGreaterThan(1)
  })
})
