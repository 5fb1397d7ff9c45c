import { describe, expect, test } from 'vitest'
import { type PowerState, startPower } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { critical, mains, type Says, used } from './saying.ts'
import { policy, seenIn, told } from './stories.ts'

/** By these figures alone, and by nothing else that a UPS says. */
const byFigures: PowerPolicy = { ...policy, maxOnBattery: undefined, maxDischargeRate: undefined }

const outageAt = 60

/** A minute on mains power, then on battery with these figures, until it is critical. */
function life(
  onMains: Partial<UpsReading>,
  onBattery: (second: number) => Partial<UpsReading>,
): { readonly state: PowerState; readonly second: number } {
  let state = startPower(0)
  for (let second = 0; second <= 1_200; second++) {
    const isUsed = second >= outageAt
    const figures = isUsed ? onBattery(second - outageAt) : onMains
    state = nextPowerState(state, seenIn(`${second}: ${isUsed ? 'OB' : 'OL'}`, figures), byFigures)
    if (state.mode === 'critical') return { state, second: second - outageAt }
  }
  return { state, second: Infinity }
}

const countsDown = (second: number) => ({ runtime: Math.max(0, 900 - second) * 1_000 })

describe('a runtime that is unknown on mains power is believed once the battery is in use', () => {
  test.each<{ name: string; seconds: number }>([
    { name: '65535', seconds: 65_535 },
    { name: '65534', seconds: 65_534 },
    { name: '32767', seconds: 32_767 },
    { name: '65535 min', seconds: 65_535 * 60 },
    { name: '999999', seconds: 999_999 },
    { name: '2147483647', seconds: 2_147_483_647 },
    { name: '4294967295', seconds: 4_294_967_295 },
    { name: '-1', seconds: -1 },
    { name: '0', seconds: 0 },
  ])('$name', ({ seconds }) => {
    const { state, second } = life({ charge: 100, runtime: seconds * 1_000 }, (at) => ({
      charge: 95,
      ...countsDown(at),
    }))
    expect(told(state)).toBe('critical: low-runtime')
    expect(second).toBe(664)
  })

  test('and not if it only falls to what a runtime may be', () => {
    const days = 86_400_000
    const { state } = life({ charge: 100, runtime: 20 * days }, (at) => ({
      charge: 95,
      runtime: (20 * days * (1_150 - at)) / 1_150,
    }))
    expect(state).toMatchObject({ mode: 'on-battery', reading: { doubts: { runtime: {} } } })
  })
})

describe('a charge of more than 100 %', () => {
  test.each([100.1, 101, 104, 110].map((charge) => ({ charge })))(
    '$charge % is a full battery, and is low when it is low',
    ({ charge }) => {
      const before = nextPowerState(startPower(0), seenIn('0: OL', { charge }), byFigures)
      expect(before).toMatchObject({ reading: { charge: 100 } })
      expect(before).not.toHaveProperty('reading.doubts')
      const { state, second } = life({ charge }, (at) => ({ charge: charge - at / 10 }))
      expect(told(state)).toBe('critical: low-charge')
      expect(second).toBeLessThan((charge - 30) * 10 + 6)
    },
  )

  test('255 % on mains power is unknown, and what is measured on battery is believed', () => {
    const { state, second } = life({ charge: 255 }, (at) => ({ charge: 95 - at / 10 }))
    expect(told(state)).toBe('critical: low-charge')
    expect(second).toBeLessThan(656)
  })

  test('255 % that falls is no percentage, however far', () => {
    const { state } = life({ charge: 255 }, (at) => ({ charge: 255 - at / 5 }))
    expect(state).toMatchObject({ mode: 'on-battery', reading: { doubts: { charge: {} } } })
  })
})

describe('one figure alone that falls by more than half at once, in the middle of an outage', () => {
  test.each<{ name: string; says: readonly Says[]; is: string | undefined }>([
    {
      name: 'the charge, that is back shuts nothing down',
      says: [mains, used, { ...used, from: 60, charge: 8 }, { ...used, from: 69 }],
      is: undefined,
    },
    {
      name: 'the runtime, that is back shuts nothing down, however often',
      says: [
        mains,
        used,
        ...Array.from({ length: 4 }, (_, time) => [
          { ...used, from: 40 + 15 * time, runtime: 180_000 },
          { ...used, from: 47 + 15 * time },
        ]).flat(),
      ],
      is: undefined,
    },
    {
      name: 'the runtime, that stays so is believed when it has lasted',
      says: [mains, used, { ...used, from: 60, charge: 78, runtime: 180_000 }],
      is: '73: critical: low-runtime',
    },
    {
      name: 'the runtime while the charge falls as well is believed at once',
      says: [mains, used, { ...used, from: 60, charge: 70, runtime: 180_000 }],
      is: '63: critical: low-runtime',
    },
    {
      name: 'the runtime of a UPS that tells no charge is believed at once',
      says: [
        { from: 0, status: 'OL', runtime: 1_900_000 },
        { from: 10, status: 'OB', runtime: 1_800_000 },
        { from: 60, status: 'OB', runtime: 180_000 },
      ],
      is: '63: critical: low-runtime',
    },
    {
      name: 'the runtime under a load that has risen is believed at once',
      says: [mains, { ...used, load: 20 }, { ...used, from: 60, load: 75, runtime: 180_000 }],
      is: '63: critical: low-runtime',
    },
    {
      name: 'the runtime beside LB is believed at once',
      says: [mains, used, { ...used, from: 60, status: 'OB LB', runtime: 180_000 }],
      is: '63: critical: low-battery',
    },
  ])('$name', ({ says, is }) => expect(critical(says, {}, 118)).toBe(is))
})
