import { describe, expect, test } from 'vitest'
import { startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import { critical, dip, mains, type Says, used } from './saying.ts'
import { policy, seenIn } from './stories.ts'

describe('a runtime that dips when the battery comes into use', () => {
  test.each<{ name: string; says: readonly Says[]; is: string | undefined; changed?: Partial<PowerPolicy> }>([
    {
      name: 'and is back within ten seconds shuts nothing down',
      says: [mains, dip, { ...dip, from: 20, runtime: 3_200_000 }],
      is: undefined,
    },
    {
      name: 'and is back at once shuts nothing down',
      says: [mains, dip, { ...dip, from: 11, runtime: 3_200_000 }],
      is: undefined,
    },
    {
      name: 'in steps shuts nothing down',
      says: [mains, { ...dip, runtime: 1_200_000 }, { ...dip, from: 13 }, { ...dip, from: 18, runtime: 2_900_000 }],
      is: undefined,
    },
    {
      name: 'before it is believed to be on battery shuts nothing down',
      says: [mains, dip, { ...dip, from: 20, runtime: 3_200_000 }],
      changed: { onBatteryAfter: 12_000 },
      is: undefined,
    },
    {
      name: 'and again after a moment of mains power shuts nothing down',
      says: [
        mains,
        dip,
        { ...dip, from: 15, runtime: 3_200_000 },
        { ...mains, from: 19 },
        { ...dip, from: 21 },
        { ...dip, from: 29, runtime: 3_200_000 },
      ],
      is: undefined,
    },
    { name: 'and stays so is believed when it has lasted', says: [mains, dip], is: '23: critical: low-runtime' },
    {
      name: 'and stays so over moments of mains power is believed after half a minute on battery',
      says: [
        mains,
        ...Array.from({ length: 12 }, (_, time) => [
          { ...dip, from: 10 + 8 * time },
          { ...mains, from: 17 + 8 * time },
        ]).flat(),
      ],
      is: '47: critical: low-runtime',
    },
    {
      name: 'beside a low battery is believed at once',
      says: [mains, { ...dip, status: 'OB LB' }],
      // LB that figures do not contradict, after lowBatteryAfter.
      is: '13: critical: low-battery',
    },
    {
      name: 'beside a low battery that is not used for anything is believed at once',
      says: [mains, { ...dip, status: 'OB LB' }],
      changed: { ignoreLowBattery: true },
      is: '15: critical: low-runtime',
    },
    {
      name: 'beside little charge is believed at once',
      says: [
        { ...mains, charge: 18 },
        { ...dip, charge: 17 },
      ],
      changed: { minimumCharge: undefined },
      is: '15: critical: low-runtime',
    },
    {
      name: 'of a battery that was nearly empty on mains power is believed at once',
      says: [
        { ...mains, charge: 30, runtime: 100_000 },
        { ...dip, charge: 30, runtime: 90_000 },
      ],
      is: '15: critical: low-runtime',
    },
    {
      name: 'later on is believed when it has lasted as well',
      says: [mains, { ...dip, runtime: 3_000_000 }, { ...dip, from: 30 }],
      is: '43: critical: low-runtime',
    },
    {
      name: 'at the first contact is believed as ever',
      says: [{ ...dip, from: 0 }],
      is: '5: critical: low-runtime',
    },
  ])('$name', ({ says, is, changed }) => expect(critical(says, changed)).toBe(is))
})

describe('a charge that dips when the battery comes into use', () => {
  const low = { ...dip, charge: 8, runtime: 3_000_000 }

  test('and is back within ten seconds shuts nothing down', () => {
    expect(critical([mains, low, { ...low, from: 20, charge: 97 }])).toBeUndefined()
  })

  test('together with the runtime, and is back, shuts nothing down', () => {
    const both = { ...dip, charge: 8 }
    expect(critical([mains, both, { ...both, from: 20, charge: 97, runtime: 3_200_000 }])).toBeUndefined()
  })

  test('and stays so is believed when it has lasted', () => {
    expect(critical([mains, low])).toBe('23: critical: low-charge')
  })

  test('is reported as it is, with why it does not count yet', () => {
    const state = [mains, { ...low, from: 1 }].reduce(
      (before, { from, status, ...figures }) => nextPowerState(before, seenIn(`${from}: ${status}`, figures), policy),
      startPower(0),
    )
    expect(state).toMatchObject({
      reading: {
        doubts: { charge: { reported: 8, why: 'it was 100 % on mains power, and the UPS may still be measuring it' } },
      },
    })
  })
})

describe('figures that fall to nothing in the middle of an outage', () => {
  const zeros = { from: 60, status: 'OB', charge: 0, runtime: 0 }

  test.each<{ name: string; says: readonly Says[]; is: string | undefined; changed?: Partial<PowerPolicy> }>([
    {
      name: 'at a server that has started again, and are back, shut nothing down',
      says: [mains, used, { from: 45, status: '-' }, zeros, { ...used, from: 70 }],
      is: undefined,
    },
    { name: 'for a moment shut nothing down', says: [mains, used, zeros, { ...used, from: 65 }], is: undefined },
    {
      name: 'while only the status is read in between shut nothing down',
      says: [mains, used, zeros, { from: 62, status: 'OB -' }, { ...used, from: 69 }],
      is: undefined,
    },
    {
      name: 'and stay so are believed when it has lasted',
      says: [mains, used, zeros],
      is: '73: critical: low-runtime',
    },
    {
      name: 'a runtime alone, without a charge to judge it by',
      says: [mains, { from: 10, status: 'OB', runtime: 1_800_000 }, { from: 60, status: 'OB', runtime: 0 }],
      is: '73: critical: low-runtime',
    },
    {
      name: 'with each moment of mains power are believed after half a minute on battery',
      says: [
        mains,
        ...Array.from({ length: 12 }, (_, time) => [
          { ...zeros, from: 10 + 8 * time },
          { ...mains, from: 17 + 8 * time },
        ]).flat(),
      ],
      is: '47: critical: low-runtime',
    },
    {
      name: 'beside LB are believed at once',
      says: [mains, used, { ...zeros, status: 'OB LB' }],
      is: '63: critical: low-battery',
    },
    {
      name: 'of a battery that was nearly empty are believed at once',
      says: [mains, { ...used, charge: 20 }, { ...zeros, runtime: 1_800_000 / 20 }],
      changed: { minimumCharge: 10, minimumRuntime: 0 },
      is: '63: critical: low-charge',
    },
    {
      name: 'of a runtime that was short already are believed at once',
      says: [mains, { from: 10, status: 'OB', runtime: 239_000 }, { from: 60, status: 'OB', runtime: 59_000 }],
      changed: { minimumRuntime: 60_000 },
      is: '63: critical: low-runtime',
    },
    {
      name: 'more than a minute after they were read last are believed at once',
      says: [mains, used, { from: 50, status: '-' }, { ...zeros, from: 111 }],
      changed: { deadTime: 120_000 },
      is: '114: critical: low-runtime',
    },
    {
      name: 'a minute after they were read last are doubted',
      says: [mains, used, { from: 50, status: '-' }, { ...zeros, from: 109 }],
      changed: { deadTime: 120_000 },
      is: undefined,
    },
    {
      name: 'to little, and not to nothing, are believed at once',
      says: [mains, used, { ...zeros, charge: 6, runtime: 600_000 }],
      is: '63: critical: low-charge',
    },
  ])('$name', ({ says, is, changed }) => expect(critical(says, changed, 118)).toBe(is))

  test('are reported with what they were before', () => {
    const state = [mains, used, { ...used, from: 59 }, zeros].reduce(
      (before, { from, status, ...figures }) => nextPowerState(before, seenIn(`${from}: ${status}`, figures), policy),
      startPower(0),
    )
    expect(state).toMatchObject({
      reading: {
        doubts: {
          charge: { reported: 0, why: 'it was 80 % a moment ago, and may not be read yet', isUnconfirmed: true },
          runtime: { reported: 0, why: 'it was 30 min a moment ago, and may not be read yet', isUnconfirmed: true },
        },
      },
    })
  })
})

describe('a driver that makes a low battery of a runtime that is always 0', () => {
  const lies: Says = { from: 0, status: 'OL LB', charge: 100, runtime: 0 }

  test.each<{ name: string; says: readonly Says[]; is: string | undefined; changed?: Partial<PowerPolicy> }>([
    { name: 'shuts nothing down on mains power', says: [lies], is: undefined },
    {
      name: 'shuts nothing down in a power cut of ten seconds',
      says: [lies, { ...lies, from: 10, status: 'OB LB' }, { ...lies, from: 20 }],
      is: undefined,
    },
    {
      name: 'starts a shutdown once LB has lasted as long as one that figures contradict',
      says: [lies, { ...lies, from: 10, status: 'OB LB' }],
      is: '25: critical: low-battery',
    },
    {
      name: 'and that is right on battery shuts nothing down',
      says: [lies, { ...lies, from: 10, status: 'OB LB' }, { from: 12, status: 'OB', charge: 99, runtime: 1_800_000 }],
      is: undefined,
    },
    {
      name: 'shuts nothing down where LB is ignored, until the charge is low',
      says: [lies, { ...lies, from: 10, status: 'OB LB' }, { ...lies, from: 80, status: 'OB LB', charge: 29 }],
      changed: { ignoreLowBattery: true },
      is: '83: critical: low-charge',
    },
    {
      name: 'and a charge that is low as well is believed as ever',
      says: [lies, { ...lies, from: 10, status: 'OB LB', charge: 20 }],
      is: '13: critical: low-battery',
    },
  ])('$name', ({ says, is, changed }) =>
    expect(critical(says, { unconfirmedLowBatteryAfter: 15_000, ...changed }, 118)).toBe(is),
  )
})
