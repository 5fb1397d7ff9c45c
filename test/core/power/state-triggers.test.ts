import { describe, expect, test } from 'vitest'
import { type PowerState, useOf } from '../../../src/core/power/state.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, each, goOn, policy, seenIn, told } from './stories.ts'

/** A UPS whose figures change as it is read, a word a second from second 1 on. */
function emptying(seconds: number, figuresAt: (second: number) => Partial<UpsReading>, changed = {}): PowerState {
  let state = after(['0: OL'])
  for (let second = 1; second <= seconds && state.mode !== 'critical'; second++)
    state = nextPowerState(state, seenIn(`${second}: OB`, figuresAt(second)), { ...policy, ...changed })
  return state
}

describe('a charge that falls fast', () => {
  const falls = (perMinute: number) => (second: number) => ({ charge: 100 - (perMinute / 60) * second })

  test('is critical as soon as it can be told, long before it is low', () => {
    const state = emptying(200, falls(20), { maxDischargeRate: 15 })
    expect(told(state)).toBe('critical: fast-depletion')
    expect(state.since).toBe(59_000)
  })

  test('is not where it falls more slowly, nor where nobody asks', () => {
    const slow = { minimumRuntime: undefined }
    expect(told(emptying(200, falls(14), { ...slow, maxDischargeRate: 15 }))).toBe('on-battery')
    expect(told(emptying(200, falls(20), { ...slow, maxDischargeRate: undefined }))).toBe('on-battery')
  })

  test.each<{ name: string; runtimeAt: (second: number) => Partial<UpsReading> }>([
    { name: 'is not told', runtimeAt: () => ({}) },
    { name: 'stands still', runtimeAt: () => ({ runtime: 3_000_000 }) },
    { name: 'rises', runtimeAt: (second) => ({ runtime: 3_000_000 + second * 10_000 }) },
    { name: 'falls by a third of what it should', runtimeAt: (second) => ({ runtime: 3_000_000 - second * 2_000 }) },
  ])('leaves no more than the shutdown takes, though the runtime $name: that is too little', ({ runtimeAt }) => {
    const at = (charge: number) => (second: number) => ({ charge: charge - second / 5, ...runtimeAt(second) })
    const changed = { maxDischargeRate: 15, minimumCharge: undefined }
    // 12 % a minute: four minutes are left at 48 %.
    expect(told(emptying(255, at(100), changed))).toBe('on-battery')
    expect(told(emptying(275, at(100), changed))).toBe('critical: low-runtime')
    expect(told(emptying(275, at(100), { ...changed, trust: { charge: false } }))).toBe('on-battery')
    expect(told(emptying(275, at(100), { ...changed, minimumRuntime: 0 }))).toBe('on-battery')
  })

  test('is not told of a charge that jumps once, after a load was measured', () => {
    const jumps = (second: number) => ({ charge: second < 8 ? 100 : 90 - second / 20 })
    expect(told(emptying(200, jumps, { maxDischargeRate: 15 }))).toBe('on-battery')
  })

  test('is not told of what fell in a calibration that has ended', () => {
    const calibrating = after(['0: OL', '1: OB CAL'])
    const falling = Array.from({ length: 100 }, (_, index) => index + 2).reduce(
      (state, second) => goOn(state, [`${second}: OB CAL`], { charge: 100 - second / 2 }, { maxDischargeRate: 15 }),
      calibrating,
    )
    expect(told(goOn(falling, ['102: OB', '110: OB'], { charge: 49 }, { maxDischargeRate: 15 }))).toBe('on-battery')
  })
})

describe('what the battery has said', () => {
  const samplesOf = (state: PowerState) => useOf(state)?.samples.map(({ at }) => at / 1_000)

  test.each<{ what: string; story: string[]; expected: number[] | undefined }>([
    { what: 'from the first moment of it', story: ['0: OL', '1: OB', '3: OB'], expected: [1, 3] },
    { what: 'once that is believed', story: ['0: OL', '1: OB', '3: OB', '6: OB'], expected: [1, 3, 6] },
    { what: 'through a silence', story: ['0: OB', '1: OB', '9: -', '12: OB'], expected: [0, 1, 12] },
    { what: 'through one that is not yet believed', story: ['0: OL', '1: OB', '7: -', '8: OB'], expected: [1, 8] },
    { what: 'once it is critical', story: ['0: OB', '1: OB LB', '4: OB LB', '5: OB'], expected: [0, 1, 4, 5] },
    { what: 'once it is critical for its silence', story: ['0: OB', '1: OB', '32: -', '33: OB'], expected: [0, 1, 33] },
    { what: 'by force', story: ['0: OB', '1: FSD OB', '2: FSD OL'], expected: [0, 1] },
    { what: 'by force with mains', story: ['0: OB', '1: OB', '2: FSD OL'], expected: [0, 1] },
    { what: 'from a latch on', story: ['0: FSD OL', '1: OB', '2: OB'], expected: [1, 2] },
    { what: 'in an outage that goes on', story: ['1: OB', '2: OB'], expected: [1, 2] },
    { what: 'no more, with mains', story: ['0: OB', '1: OL'], expected: undefined },
    { what: 'anew, after mains', story: ['0: OB', '1: OL', '2: OB', '9: OB'], expected: [2, 9] },
    { what: 'anew, after a calibration', story: ['0: OB CAL', '1: OB CAL', '2: OB', '3: OB'], expected: [2, 3] },
  ])('is kept $what', ({ what, story, expected }) => {
    expect(samplesOf(after(story, {}, what.includes('goes on'), { charge: 90 }))).toEqual(expected)
  })

  test('is kept with when the battery came into use, which a shutdown goes by', () => {
    expect(after(['0: OL', '1: OB', '6: OB LB', '9: OB LB'])).toMatchObject({
      mode: 'critical',
      since: 9_000,
      battery: { since: 1_000 },
    })
    expect(after(['0: OB', '31: -'])).toMatchObject({ mode: 'critical', battery: { since: 0 }, lastHeard: 0 })
    expect(after(['0: OB', '6: OB', '7: FSD OL'])).toMatchObject({ mode: 'critical', battery: { since: 0 } })
    expect(after(['0: OL', '1: OB', '2: FSD OL'])).toMatchObject({ mode: 'critical', battery: { since: 1_000 } })
    expect(after(['31: -'], {}, true)).toMatchObject({ mode: 'critical', battery: { since: 0 }, samples: [] })
  })
})

describe('a time on battery without a limit', () => {
  const never = { maxOnBattery: undefined }
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'never ends by itself', story: each(1, 90_001, 'OB', 1_000), state: 'on-battery' },
    {
      name: 'ends with a low battery',
      story: ['1: OB', '90000: OB LB', '90003: OB LB'],
      state: 'critical: low-battery',
    },
    { name: 'ends with a silence', story: ['1: OB', '90000: OB', '90031: -'], state: 'critical: silent-on-battery' },
  ])('$name', ({ story, state }) => {
    expect(told(after(['0: OL', ...story], never))).toBe(state)
  })
})

describe('a low battery that is ignored', () => {
  const ignored = { ignoreLowBattery: true }
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'starts nothing', story: ['1: OB LB', '800: OB LB'], state: 'on-battery' },
    { name: 'starts nothing from the first word', story: ['1: OB LB', '4: OB LB'], state: 'on-mains' },
    { name: 'hides no forced shutdown', story: ['1: OB LB', '2: FSD OB LB'], state: 'critical: forced-shutdown' },
    { name: 'hides none that comes with LB alone', story: ['1: FSD LB'], state: 'critical: forced-shutdown' },
    { name: 'hides no silence', story: ['1: OB LB', '7: OB LB', '38: -'], state: 'critical: silent-on-battery' },
    { name: 'hides no time on battery', story: ['1: OB LB', '902: OB LB'], state: 'critical: on-battery-too-long' },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after(['0: OL', ...story], ignored))).toBe(state)
  })

  test('hides no low charge', () => {
    expect(told(after(['0: OL', '1: OB LB', '7: OB LB'], ignored, false, { charge: 20 }))).toBe('critical: low-charge')
  })
})

describe.each<{ name: string; status: string; figures?: Partial<UpsReading> }>([
  { name: 'the status tells', status: 'OB TEST' },
  { name: 'the result tells', status: 'OB', figures: { testing: true } },
])('a self-test that $name', ({ status, figures = {} }) => {
  const low = { ...figures, charge: 5, runtime: 10_000 }

  test('starts nothing, low as the battery may be', () => {
    expect(told(after(['0: OL', ...each(1, 180, `${status} LB`)], {}, false, low))).toBe('on-battery')
    expect(told(after(['0: OL', ...each(1, 60, status), '61: OL'], {}, false, low))).toBe('on-mains')
  })

  test('hides no forced shutdown, no silence and no open outage', () => {
    expect(told(after(['0: OL', '1: FSD ' + status], {}, false, low))).toBe('critical: forced-shutdown')
    expect(told(after(['0: OL', `1: ${status}`, `7: ${status}`, '38: -'], {}, false, low))).toBe(
      'critical: silent-on-battery',
    )
    expect(told(after([`1: ${status}`], {}, true, low))).toBe('critical: outage-resumed')
  })

  test('that never ends disarms nothing for longer than it may take', () => {
    expect(told(goOn(after(['0: OL']), each(1, 184, `${status} LB`), low))).toMatch(/^critical: low-/)
    const timed = after(['0: OL', ...each(1, 902, status)], { minimumCharge: undefined, minimumRuntime: undefined })
    expect(told(timed)).toBe('critical: on-battery-too-long')
  })

  test('that turns into a power cut counts from then', () => {
    const cut = after(['0: OL', ...each(1, 20, `${status} LB`)], {}, false, low)
    expect(told(goOn(cut, ['21: OB LB', '23: OB LB']))).toBe('on-battery')
    expect(told(goOn(cut, ['21: OB LB', '23: OB LB', '24: OB LB']))).toBe('critical: low-battery')
    expect(goOn(cut, ['21: OB'])).toMatchObject({ mode: 'on-battery', since: 21_000 })
  })
})

describe('words that decide nothing', () => {
  const words = ['OFF', 'BYPASS', 'ALARM', 'RB', 'OVER', 'TRIM', 'BOOST', 'HB', 'ECO', 'HE', 'CHRG', 'XYZ']

  test.each(words)('%s: on mains, on battery, and alone, where what was known holds', (word) => {
    expect(told(after(['0: OL', `1: OL ${word}`, '2: -', `900: OL ${word}`, '9000: -']))).toBe('on-mains')
    expect(told(after(['0: OL', `1: OB ${word}`, `6: OB ${word}`, `30: OB ${word}`]))).toBe('on-battery')
    expect(told(after(['0: OL', `1: OB ${word}`, `6: OB ${word}`, `7: OL ${word}`]))).toBe('on-mains')
    expect(told(after(['0: OL', `1: ${word}`, `900: ${word}`]))).toBe('on-mains')
    expect(told(after([`1: ${word}`]))).toBe('unknown')
    expect(told(after(['0: OB', `31: ${word}`]))).toBe('on-battery')
  })

  test('words beside LB and FSD hide neither', () => {
    const others = words.join(' ')
    expect(told(after(['0: OL', `1: OB LB ${others}`, `4: OB LB ${others}`]))).toBe('critical: low-battery')
    expect(told(after(['0: OL', `1: ${others} FSD OB`]))).toBe('critical: forced-shutdown')
  })
})
