import { describe, expect, test } from 'vitest'
import {
  criticalReason,
  isBelow,
  isCalledOff,
  type OwnPolicy,
  policyFor,
  type PowerPolicy,
} from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'

const power: PowerPolicy = {
  onBatteryAfter: 5_000,
  onMainsAfter: 0,
  lowBatteryAfter: 3_000,
  maxOnBattery: 900_000,
  deadTime: 30_000,
  minimumCharge: 30,
  minimumRuntime: 240_000,
  maxDischargeRate: 15,
  ignoreLowBattery: false,
  trust: { runtime: true, charge: false },
}

describe('the policy of a UPS', () => {
  const owns: readonly OwnPolicy[] = [
    { minimumCharge: 0 },
    { minimumRuntime: 0 },
    { maxDischargeRate: 40 },
    { ignoreLowBattery: true },
    { trust: { runtime: false, charge: true } },
  ]
  test.for(owns)('has what the UPS has of its own, and else what is for all: %o', (own) => {
    const upses = [
      { label: 'other', minimumCharge: 99 },
      { label: 'rack', ...own },
    ]
    expect(policyFor({ power, upses }, 'rack')).toEqual({ ...power, ...own })
    const [name, value] = Object.entries(own)[0]!
    expect(policyFor({ power, upses }, 'rack')[name as keyof PowerPolicy]).toEqual(value)
  })

  test('is that for all where it has nothing of its own, or nobody knows it', () => {
    const upses = [{ label: 'other', minimumCharge: 99 }, { label: 'rack' }]
    expect(policyFor({ power, upses }, 'rack')).toEqual(power)
    expect(policyFor({ power, upses }, 'gone')).toBe(power)
    expect(policyFor({ power, upses }, 'other')).toEqual({ ...power, minimumCharge: 99 })
  })
})

describe('a reason to shut down', () => {
  const reading = (status: string, more: Partial<UpsReading> = {}): UpsReading => ({
    status: status.split(' '),
    ...more,
  })
  const seen = { onBatteryFor: 60_000, lowFor: undefined, depletion: undefined }

  test('needs LB to be there now, and to have lasted', () => {
    expect(criticalReason(reading('OB LB'), { ...seen, lowFor: 3_000 }, power)).toBe('low-battery')
    expect(criticalReason(reading('OB LB'), seen, power)).toBeUndefined()
    expect(criticalReason(reading('OB'), { ...seen, lowFor: 3_000 }, power)).toBeUndefined()
  })

  test('waits longer for an LB that the figures contradict, and never less long than for any other', () => {
    const doubted = reading('OB LB', { charge: 95, runtime: 3_600_000 })
    const reasonAfter = (lowFor: number, unconfirmedLowBatteryAfter: number) =>
      criticalReason(doubted, { ...seen, lowFor }, { ...power, unconfirmedLowBatteryAfter })
    expect([reasonAfter(59_999, 60_000), reasonAfter(60_000, 60_000)]).toEqual([undefined, 'low-battery'])
    expect([reasonAfter(2_999, 1_000), reasonAfter(3_000, 1_000)]).toEqual([undefined, 'low-battery'])
    expect(criticalReason(doubted, { ...seen, lowFor: 3_000 }, power)).toBe('low-battery')
  })

  test('waits no longer for an LB that the figures confirm, or say nothing of', () => {
    const later = { ...power, unconfirmedLowBatteryAfter: 60_000 }
    for (const figures of [{ charge: 12, runtime: 80_000 }, { charge: 12 }, {}])
      expect(criticalReason(reading('OB LB', figures), { ...seen, lowFor: 3_000 }, later)).toBe('low-battery')
  })

  test('is the mark of the UPS itself where the policy has none, up to half of the charge', () => {
    const { minimumCharge: _, ...none } = power
    const reasonAt = (charge: number, chargeLow: number, changed: Partial<PowerPolicy> = {}) =>
      criticalReason(reading('OB', { charge, chargeLow }), { ...seen, shortFor: 3_000 }, { ...none, ...changed })
    expect([reasonAt(49, 50), reasonAt(50, 50), reasonAt(49, 51)]).toEqual(['low-charge', undefined, undefined])
    expect(reasonAt(49, 50, { ignoreLowBattery: true })).toBeUndefined()
    expect(reasonAt(49, 50, { minimumCharge: 20 })).toBeUndefined()
  })

  test('needs a low figure to have lasted', () => {
    const short = reading('OB', { charge: 5, runtime: 10_000 })
    expect(criticalReason(short, seen, power)).toBeUndefined()
    expect(criticalReason(short, { ...seen, shortFor: 2_999 }, power)).toBeUndefined()
    expect(criticalReason(short, { ...seen, shortFor: 3_000 }, power)).toBe('low-runtime')
    expect(criticalReason(reading('OB', { charge: 5 }), { ...seen, shortFor: 3_000 }, power)).toBe('low-charge')
    expect(criticalReason(reading('OB', { charge: 50 }), { ...seen, shortFor: 3_000 }, power)).toBeUndefined()
  })

  test('is never what the policy does not ask for', () => {
    const { minimumRuntime: _, maxDischargeRate: __, ...rest } = power
    const none: PowerPolicy = { ...rest, minimumCharge: 0, maxOnBattery: undefined }
    const worst = { ...seen, onBatteryFor: 86_400_000, shortFor: 86_400_000, depletion: 99 }
    expect(criticalReason(reading('OB', { charge: 0, runtime: 0 }), worst, none)).toBeUndefined()
    expect(criticalReason(reading('OB'), { ...seen, depletion: 15.1 }, power)).toBe('fast-depletion')
    expect(criticalReason(reading('OB'), { ...seen, depletion: 15 }, power)).toBeUndefined()
    expect(criticalReason(reading('OB'), { ...seen, onBatteryFor: 900_001 }, power)).toBe('on-battery-too-long')
    expect(criticalReason(reading('OB'), { ...seen, onBatteryFor: 900_000 }, power)).toBeUndefined()
  })

  test('a figure is below a mark where both are known', () => {
    expect([isBelow(1, 2), isBelow(2, 2), isBelow(undefined, 2), isBelow(1, undefined)]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})

test('a person calls off what is no more severe, from a long time on battery up to FSD, and nothing where nobody has', () => {
  const order = [
    'on-battery-too-long',
    'fast-depletion',
    'low-charge',
    'low-runtime',
    'outage-resumed',
    'silent-on-battery',
    'low-battery',
    'forced-shutdown',
  ] as const
  for (const [index, calledOff] of order.entries())
    expect([calledOff, order.filter((reason) => isCalledOff(reason, calledOff))]).toEqual([
      calledOff,
      order.slice(0, index + 1),
    ])
  expect(order.filter((reason) => isCalledOff(reason, undefined))).toEqual([])
})
