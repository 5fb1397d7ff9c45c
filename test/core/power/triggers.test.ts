import { describe, expect, test } from 'vitest'
import {
  type CriticalReason,
  criticalReason,
  isCalledOff,
  isPurpose,
  type PowerPolicy,
  triggersOf,
} from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'

const policy: PowerPolicy = {
  onBatteryAfter: 5_000,
  onMainsAfter: 0,
  lowBatteryAfter: 3_000,
  maxOnBattery: 900_000,
  deadTime: 30_000,
  maxDischargeRate: 15,
  minimumCharge: 30,
  minimumRuntime: 240_000,
}
const well: UpsReading = { status: ['OB', 'DISCHRG'], charge: 80, runtime: 900_000 }
const on = (status: string, more: Partial<UpsReading> = {}): UpsReading => ({
  ...well,
  status: status.split(' '),
  ...more,
})

describe('a UPS on battery', () => {
  type MachineObservation = Parameters<typeof criticalReason>[1]
  test.each<{
    name: string
    reading: UpsReading
    changed?: Partial<MachineObservation>
    reason: CriticalReason | undefined
  }>([
    { name: 'that is well', reading: well, reason: undefined },
    { name: 'with FSD', reading: on('FSD OB'), changed: { onBatteryFor: 0 }, reason: 'forced-shutdown' },
    { name: 'with FSD in a calibration', reading: on('FSD OB CAL'), reason: 'forced-shutdown' },
    {
      name: 'low for long enough',
      reading: on('OB LB'),
      changed: { onBatteryFor: 3_000, lowFor: 3_000 },
      reason: 'low-battery',
    },
    { name: 'low for a moment', reading: on('OB LB'), changed: { lowFor: 2_999 }, reason: undefined },
    { name: 'with little charge', reading: on('OB', { charge: 29.9 }), reason: 'low-charge' },
    { name: 'with just enough charge', reading: on('OB', { charge: 30 }), reason: undefined },
    {
      name: 'with little charge, in a blip',
      reading: on('OB', { charge: 1, runtime: 1 }),
      changed: { onBatteryFor: 4_999 },
      reason: undefined,
    },
    {
      name: 'with little charge, once it is believed',
      reading: on('OB', { charge: 1 }),
      changed: { onBatteryFor: 5_000 },
      reason: 'low-charge',
    },
    { name: 'with little runtime', reading: on('OB', { runtime: 239_999 }), reason: 'low-runtime' },
    { name: 'with just enough runtime', reading: on('OB', { runtime: 240_000 }), reason: undefined },
    {
      name: 'with little charge for a moment',
      reading: on('OB', { charge: 1 }),
      changed: { shortFor: 2_999 },
      reason: undefined,
    },
    { name: 'that empties fast', reading: well, changed: { depletion: 15.1 }, reason: 'fast-depletion' },
    { name: 'that empties just slowly enough', reading: well, changed: { depletion: 15 }, reason: undefined },
    {
      name: 'of which it is not known how fast it empties',
      reading: well,
      changed: { depletion: undefined },
      reason: undefined,
    },
    { name: 'for long', reading: well, changed: { onBatteryFor: 900_000 }, reason: undefined },
    { name: 'for too long', reading: well, changed: { onBatteryFor: 900_001 }, reason: 'on-battery-too-long' },
    {
      name: 'in a calibration',
      reading: on('OB CAL LB', { charge: 1, runtime: 1 }),
      changed: { lowFor: 9_000, depletion: 90 },
      reason: undefined,
    },
    {
      name: 'in a long calibration',
      reading: on('OB CAL', { charge: 1 }),
      changed: { onBatteryFor: 9_000_000 },
      reason: undefined,
    },
    {
      name: 'in a self-test',
      reading: on('OB TEST', { charge: 1, runtime: 1 }),
      changed: { lowFor: 9_000, depletion: 90 },
      reason: undefined,
    },
    {
      name: 'in a self-test that never ends',
      reading: on('OB TEST', { charge: 1 }),
      changed: { onBatteryFor: 180_001 },
      reason: 'low-charge',
    },
    {
      name: 'with all at once',
      reading: on('FSD OB LB', { charge: 1, runtime: 1 }),
      changed: { lowFor: 9_000 },
      reason: 'forced-shutdown',
    },
    {
      name: 'with all but FSD',
      reading: on('OB LB', { charge: 1, runtime: 1 }),
      changed: { lowFor: 9_000, depletion: 90 },
      reason: 'low-battery',
    },
    { name: 'that says OFF, BYPASS, ALARM and RB', reading: on('OB OFF BYPASS ALARM RB OVER'), reason: undefined },
  ])('$name: $reason', ({ reading, changed = {}, reason }) => {
    const sight = { onBatteryFor: 60_000, lowFor: undefined, shortFor: 3_000, depletion: 1, ...changed }
    expect(criticalReason(reading, sight, policy)).toBe(reason)
  })

  test('is never shut down for what is not configured', () => {
    const open: PowerPolicy = {
      onBatteryAfter: 0,
      onMainsAfter: 0,
      lowBatteryAfter: 0,
      maxOnBattery: undefined,
      deadTime: 1,
      minimumCharge: 0,
    }
    const sight = { onBatteryFor: 9e9, lowFor: undefined, depletion: 99 }
    expect(criticalReason(on('OB', { charge: 0, runtime: 0 }), sight, open)).toBeUndefined()
  })

  test('is not shut down for figures that it does not tell', () => {
    const sight = { onBatteryFor: 60_000, lowFor: undefined, depletion: undefined }
    expect(criticalReason({ status: ['OB'] }, sight, policy)).toBeUndefined()
  })
})

describe('a battery is in use on purpose', () => {
  test.each<{ name: string; reading: UpsReading; onBatteryFor: number; expected: boolean }>([
    { name: 'in a calibration, however long', reading: on('OB CAL'), onBatteryFor: 9_000_000, expected: true },
    { name: 'in a self-test', reading: on('OB TEST'), onBatteryFor: 180_000, expected: true },
    {
      name: 'in one that only the result tells',
      reading: on('OB', { testing: true }),
      onBatteryFor: 180_000,
      expected: true,
    },
    { name: 'not in one that never ends', reading: on('OB TEST'), onBatteryFor: 180_001, expected: false },
    {
      name: 'not where a result stays in progress',
      reading: on('OB', { testing: true }),
      onBatteryFor: 180_001,
      expected: false,
    },
    { name: 'not in a power cut', reading: on('OB'), onBatteryFor: 0, expected: false },
  ])('$name', ({ reading, onBatteryFor, expected }) => {
    expect(isPurpose(reading, onBatteryFor)).toBe(expected)
  })
})

describe('what a person has called off', () => {
  const byGravity: readonly CriticalReason[] = [
    'on-battery-too-long',
    'fast-depletion',
    'low-charge',
    'low-runtime',
    'outage-resumed',
    'silent-on-battery',
    'low-battery',
    'forced-shutdown',
  ]

  test.each(byGravity.map((reason, index) => ({ reason, index })))(
    '$reason is called off with itself and all that is graver, and with nothing less',
    ({ reason, index }) => {
      const spares = byGravity.filter((calledOff) => isCalledOff(reason, calledOff))
      expect(spares).toEqual(byGravity.slice(index))
      expect(isCalledOff(reason, undefined)).toBe(false)
    },
  )
})

describe('the triggers that guard a UPS', () => {
  const disarmed = (reading: UpsReading | undefined, changed: Partial<PowerPolicy> = {}) =>
    triggersOf(reading, { ...policy, ...changed }).flatMap(({ reason, disarmed }) =>
      disarmed === undefined ? [] : [`${reason}: ${disarmed}`],
    )

  test('are told with what they wait for', () => {
    expect(triggersOf(well, policy)).toEqual([
      { reason: 'forced-shutdown', text: 'a forced shutdown (FSD)' },
      { reason: 'low-battery', text: 'a low battery (LB) for 3 s' },
      { reason: 'low-runtime', text: 'less than 4 min of runtime' },
      { reason: 'low-charge', text: 'a charge below 30 %' },
      { reason: 'fast-depletion', text: 'a charge that falls by more than 15 % a minute' },
      { reason: 'on-battery-too-long', text: '15 min on battery' },
      { reason: 'silent-on-battery', text: '30 s of silence on battery' },
    ])
  })

  test.each<{ name: string; reading?: UpsReading; changed?: Partial<PowerPolicy>; expected: string[] }>([
    { name: 'all are armed where everything is told', reading: well, expected: [] },
    { name: 'all are armed before it was heard', expected: [] },
    {
      name: 'a charge that is not told disarms its own two',
      reading: { status: ['OL'], runtime: 1 },
      expected: [
        'low-charge: the UPS does not report battery.charge',
        'fast-depletion: the UPS does not report battery.charge',
      ],
    },
    {
      name: 'a runtime that is not told disarms its own where no charge is told either',
      reading: { status: ['OL'] },
      expected: [
        'low-runtime: the UPS does not report battery.runtime',
        'low-charge: the UPS does not report battery.charge',
        'fast-depletion: the UPS does not report battery.charge',
      ],
    },
    {
      name: 'a charge tells by its fall how long it lasts',
      reading: { status: ['OL'], charge: 1 },
      expected: [],
    },
    { name: 'a figure of zero is told', reading: { status: ['OL'], charge: 0, runtime: 0 }, expected: [] },
    {
      name: 'a low battery that is ignored',
      reading: well,
      changed: { ignoreLowBattery: true },
      expected: ['low-battery: power.ignoreLowBattery is set'],
    },
    {
      name: 'what is not configured',
      changed: {
        minimumCharge: 0,
        minimumRuntime: undefined,
        maxDischargeRate: undefined,
        maxOnBattery: undefined,
      },
      expected: ['low-runtime', 'low-charge', 'fast-depletion', 'on-battery-too-long'].map(
        (one) => `${one}: it is not configured`,
      ),
    },
    {
      name: 'no runtime is asked for',
      reading: well,
      changed: { minimumRuntime: 0 },
      expected: ['low-runtime: it is not configured'],
    },
  ])('$name', ({ reading, changed = {}, expected }) => {
    expect(disarmed(reading, changed)).toEqual(expected)
  })

  test('are told of a low battery that acts at once without a time', () => {
    expect(triggersOf(well, { ...policy, lowBatteryAfter: 0 })[1]?.text).toBe('a low battery (LB)')
  })

  test('are told in plain words where they are not configured', () => {
    const none = {
      minimumCharge: 0,
      minimumRuntime: undefined,
      maxDischargeRate: undefined,
      maxOnBattery: undefined,
    }
    const texts = triggersOf(well, { ...policy, ...none }).map(({ text }) => text)
    expect(texts.slice(2, 6)).toEqual([
      'little runtime left',
      'a low charge',
      'a charge that falls fast',
      'a long time on battery',
    ])
  })
})
