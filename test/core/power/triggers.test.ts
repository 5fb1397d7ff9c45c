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
  lowBatteryAfter: 3_000,
  maxOnBattery: 900_000,
  silence: 30_000,
  maxDepletion: 15,
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
  test.each<[string, UpsReading, Partial<MachineObservation>, CriticalReason | undefined]>([
    ['that is well', well, {}, undefined],
    ['with FSD', on('FSD OB'), { onBatteryFor: 0 }, 'forced-shutdown'],
    ['with FSD in a calibration', on('FSD OB CAL'), {}, 'forced-shutdown'],
    ['low for long enough', on('OB LB'), { onBatteryFor: 3_000, lowFor: 3_000 }, 'low-battery'],
    ['low for a moment', on('OB LB'), { lowFor: 2_999 }, undefined],
    ['with little charge', on('OB', { charge: 29.9 }), {}, 'low-charge'],
    ['with just enough charge', on('OB', { charge: 30 }), {}, undefined],
    ['with little charge, in a blip', on('OB', { charge: 1, runtime: 1 }), { onBatteryFor: 4_999 }, undefined],
    ['with little charge, once it is believed', on('OB', { charge: 1 }), { onBatteryFor: 5_000 }, 'low-charge'],
    ['with little runtime', on('OB', { runtime: 239_999 }), {}, 'low-runtime'],
    ['with just enough runtime', on('OB', { runtime: 240_000 }), {}, undefined],
    ['with little charge for a moment', on('OB', { charge: 1 }), { shortFor: 2_999 }, undefined],
    ['that empties fast', well, { depletion: 15.1 }, 'fast-depletion'],
    ['that empties just slowly enough', well, { depletion: 15 }, undefined],
    ['of which it is not known how fast it empties', well, { depletion: undefined }, undefined],
    ['for long', well, { onBatteryFor: 900_000 }, undefined],
    ['for too long', well, { onBatteryFor: 900_001 }, 'on-battery-too-long'],
    ['in a calibration', on('OB CAL LB', { charge: 1, runtime: 1 }), { lowFor: 9_000, depletion: 90 }, undefined],
    ['in a long calibration', on('OB CAL', { charge: 1 }), { onBatteryFor: 9_000_000 }, undefined],
    ['in a self-test', on('OB TEST', { charge: 1, runtime: 1 }), { lowFor: 9_000, depletion: 90 }, undefined],
    ['in a self-test that never ends', on('OB TEST', { charge: 1 }), { onBatteryFor: 180_001 }, 'low-charge'],
    ['with all at once', on('FSD OB LB', { charge: 1, runtime: 1 }), { lowFor: 9_000 }, 'forced-shutdown'],
    ['with all but FSD', on('OB LB', { charge: 1, runtime: 1 }), { lowFor: 9_000, depletion: 90 }, 'low-battery'],
    ['that says OFF, BYPASS, ALARM and RB', on('OB OFF BYPASS ALARM RB OVER'), {}, undefined],
  ])('%s: %j %j → %s', (_, reading, changed, reason) => {
    const sight = { onBatteryFor: 60_000, lowFor: undefined, shortFor: 3_000, depletion: 1, ...changed }
    expect(criticalReason(reading, sight, policy)).toBe(reason)
  })

  test('is never shut down for what is not configured', () => {
    const open: PowerPolicy = { onBatteryAfter: 0, lowBatteryAfter: 0, maxOnBattery: undefined, silence: 1 }
    const sight = { onBatteryFor: 9e9, lowFor: undefined, depletion: 99 }
    expect(criticalReason(on('OB', { charge: 0, runtime: 0 }), sight, open)).toBeUndefined()
  })

  test('is not shut down for figures that it does not tell', () => {
    const sight = { onBatteryFor: 60_000, lowFor: undefined, depletion: undefined }
    expect(criticalReason({ status: ['OB'] }, sight, policy)).toBeUndefined()
  })
})

describe('a battery is in use on purpose', () => {
  test.each<[string, UpsReading, number, boolean]>([
    ['in a calibration, however long', on('OB CAL'), 9_000_000, true],
    ['in a self-test', on('OB TEST'), 180_000, true],
    ['in one that only the result tells', on('OB', { testing: true }), 180_000, true],
    ['not in one that never ends', on('OB TEST'), 180_001, false],
    ['not where a result stays in progress', on('OB', { testing: true }), 180_001, false],
    ['not in a power cut', on('OB'), 0, false],
  ])('%s', (_, reading, onBatteryFor, expected) => {
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

  test.each<[string, UpsReading | undefined, Partial<PowerPolicy>, string[]]>([
    ['all are armed where everything is told', well, {}, []],
    ['all are armed before it was heard', undefined, {}, []],
    [
      'a charge that is not told disarms its own two',
      { status: ['OL'], runtime: 1 },
      {},
      ['low-charge: the UPS does not tell battery.charge', 'fast-depletion: the UPS does not tell battery.charge'],
    ],
    [
      'a runtime that is not told disarms its own',
      { status: ['OL'], charge: 1 },
      {},
      ['low-runtime: the UPS does not tell battery.runtime'],
    ],
    ['a figure of zero is told', { status: ['OL'], charge: 0, runtime: 0 }, {}, []],
    ['a low battery that is ignored', well, { ignoreLowBattery: true }, ['low-battery: power.ignoreLowBattery is set']],
    [
      'what is not configured',
      undefined,
      { minimumCharge: undefined, minimumRuntime: undefined, maxDepletion: undefined, maxOnBattery: undefined },
      ['low-runtime', 'low-charge', 'fast-depletion', 'on-battery-too-long'].map(
        (one) => `${one}: it is not configured`,
      ),
    ],
    ['no runtime is asked for', well, { minimumRuntime: 0 }, ['low-runtime: it is not configured']],
  ])('%s', (_, reading, changed, expected) => {
    expect(disarmed(reading, changed)).toEqual(expected)
  })

  test('are told of a low battery that acts at once without a time', () => {
    expect(triggersOf(well, { ...policy, lowBatteryAfter: 0 })[1]?.text).toBe('a low battery (LB)')
  })

  test('are told in plain words where they are not configured', () => {
    const none = {
      minimumCharge: undefined,
      minimumRuntime: undefined,
      maxDepletion: undefined,
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
