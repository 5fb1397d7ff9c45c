import { describe, expect, test } from 'vitest'
import { upsObstacle } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { createRandom } from '../random.ts'
import { after, each, goOn, policy, seenIn, told } from './stories.ts'
import { nextPowerState } from '../../../src/core/power/transitions.ts'

/** As it comes: no thresholds but LB, and mains power that must last for fifteen seconds. */
const usual: Partial<PowerPolicy> = { onMainsAfter: 15_000, minimumCharge: undefined, minimumRuntime: undefined }

/** These statuses over and over, a word a second, from second 1 on. */
function repeated(statuses: readonly string[], seconds: number): string[] {
  return Array.from({ length: seconds }, (_, index) => `${index + 1}: ${statuses[index % statuses.length]}`)
}

/** In which second a story first comes to this, if it does. */
function firstSecond(
  story: readonly string[],
  wanted: string,
  changed: Partial<PowerPolicy>,
  figuresAt: (second: number) => Partial<UpsReading> = () => ({}),
): number | undefined {
  let state = after(['0: OL'], { ...usual, ...changed }, false, figuresAt(0))
  for (const text of story) {
    const second = Number(text.split(':')[0])
    state = nextPowerState(state, seenIn(text, figuresAt(second)), { ...policy, ...usual, ...changed })
    if (told(state).startsWith(wanted)) return second
  }
  return undefined
}

describe('mains power that does not last is no mains power', () => {
  test.each<{
    name: string
    statuses: string[]
    changed?: Partial<PowerPolicy>
    figuresAt?: (second: number) => Partial<UpsReading>
    becomes: string
    before: number
  }>([
    { name: 'a low battery with a moment of OL', statuses: ['OB LB', 'OB LB', 'OL'], becomes: 'critical', before: 10 },
    { name: 'a low battery every other second', statuses: ['OB LB', 'OL'], becomes: 'critical', before: 10 },
    {
      name: 'a moment of OL after four of OB',
      statuses: ['OB', 'OB', 'OB', 'OB', 'OL'],
      becomes: 'on-battery',
      before: 10,
    },
    {
      name: 'a charge that falls below the policy meanwhile',
      statuses: ['OB', 'OB', 'OB', 'OB', 'OL'],
      changed: { minimumCharge: 30 },
      figuresAt: (second) => ({ charge: Math.max(0, 40 - second / 10) }),
      becomes: 'critical: low-charge',
      before: 125,
    },
    {
      name: 'a runtime that falls below the policy meanwhile',
      statuses: ['OB', 'OB', 'OL'],
      changed: { minimumRuntime: 240_000 },
      figuresAt: (second) => ({ charge: 80, runtime: 300_000 - second * 1_000 }),
      becomes: 'critical: low-runtime',
      before: 80,
    },
    {
      name: 'ten seconds of OL after five of OB, for longer than is allowed on battery',
      statuses: [...Array<string>(5).fill('OB'), ...Array<string>(10).fill('OL')],
      changed: { maxOnBattery: 60_000 },
      becomes: 'critical: on-battery-too-long',
      before: 220,
    },
    {
      name: 'a low battery that flickers',
      statuses: ['OB LB', 'OB'],
      becomes: 'critical: low-battery',
      before: 10,
    },
  ])('$name: $becomes', ({ statuses, changed = {}, figuresAt, becomes, before }) => {
    expect(firstSecond(repeated(statuses, 600), becomes, changed, figuresAt)).toBeLessThanOrEqual(before)
  })

  test.each<{ name: string; story: string[]; state: string }>([
    {
      name: 'a single blip of eight seconds shuts nothing down',
      story: [...each(1, 8, 'OB'), ...each(9, 60, 'OL')],
      state: 'on-mains',
    },
    {
      name: 'a blip every half minute does not add up',
      story: repeated([...Array<string>(3).fill('OB'), ...Array<string>(27).fill('OL')], 590),
      state: 'on-mains',
    },
    {
      name: 'LB for a moment in each of two blips far apart does not add up',
      story: [...each(1, 2, 'OB LB'), ...each(3, 20, 'OL'), ...each(21, 22, 'OB LB'), '23: OL', '40: OL'],
      state: 'on-mains',
    },
    { name: 'on battery it stays so in a moment of OL', story: [...each(1, 8, 'OB'), '9: OL'], state: 'on-battery' },
    {
      name: 'and no longer once that has lasted',
      story: [...each(1, 8, 'OB'), ...each(9, 24, 'OL')],
      state: 'on-mains',
    },
    {
      name: 'critical it stays so in a moment of OL',
      story: [...each(1, 8, 'OB LB'), ...each(9, 23, 'OL')],
      state: 'critical: low-battery',
    },
    {
      name: 'and no longer once that has lasted',
      story: [...each(1, 8, 'OB LB'), ...each(9, 24, 'OL')],
      state: 'on-mains',
    },
    {
      name: 'a silence after OL that has not lasted ends a time on battery',
      story: [...each(1, 8, 'OB'), '9: OL', '10: -', '40: -'],
      state: 'on-mains',
    },
    {
      name: 'and no shutdown',
      story: [...each(1, 8, 'OB LB'), '9: OL', '10: -', '24: -', '900: -'],
      state: 'critical: low-battery',
    },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after(['0: OL', ...story], usual))).toBe(state)
  })

  test('one false figure now and then does not add up', () => {
    const figuresAt = (second: number) => ({ charge: second % 5 === 0 ? 10 : 95 })
    expect(firstSecond(repeated(['OB'], 600), 'critical', { minimumCharge: 30 }, figuresAt)).toBeUndefined()
  })

  test('nothing begins while it has not lasted, and how long it has is said', () => {
    const state = after(['0: OL', '1: OB', '2: OL', '5: OL'], usual)
    expect(upsObstacle(state, 5_000, policy)).toBe('mains power has only just come back')
    expect(upsObstacle(goOn(state, each(6, 17, 'OL'), {}, usual), 17_000, policy)).toBeUndefined()
  })

  test('in random flapping that drains the battery no one is left to run it flat', () => {
    for (let seed = 0; seed < 500; seed++) {
      const random = createRandom(seed)
      const [used, back] = [1 + random.below(10), random.below(12)]
      const statuses = [...Array<string>(used).fill('OB'), ...Array<string>(back).fill('OL')]
      const falls = 0.05 + random.below(100) / 100
      const figuresAt = (second: number) => ({ charge: Math.max(0, Math.round(100 - falls * second)) })
      const at = firstSecond(repeated(statuses, 3_000), 'critical', { minimumCharge: 30 }, figuresAt)
      expect(at, `seed ${seed}: ${used} of OB, ${back} of OL, ${falls} % a second`).toBeDefined()
      expect(figuresAt(at!).charge, `seed ${seed}`).toBeGreaterThan(4)
    }
  })
})

describe('the time on mains power starts anew at each moment on battery', () => {
  test.each<{ name: string; story: string[]; since: number }>([
    { name: 'that is believed', story: [...each(1, 8, 'OB'), ...each(9, 60, 'OL')], since: 9 },
    { name: 'that is not', story: ['1: OB', ...each(2, 60, 'OL')], since: 2 },
    {
      name: 'after a shutdown too',
      story: [...each(1, 5, 'OB LB'), ...each(6, 40, 'OL'), '41: OB', ...each(42, 60, 'OL')],
      since: 42,
    },
  ])('$name', ({ story, since }) => {
    expect(after(['0: OL', ...story], usual)).toMatchObject({ mode: 'on-mains', since: since * 1_000 })
  })

  test('OB four times and OL six times after a low battery is never taken for stable', () => {
    const flapping = repeated([...Array<string>(4).fill('OB'), ...Array<string>(6).fill('OL')], 75)
    const low = after(['0: OL', ...each(1, 5, 'OB LB')], usual)
    const state = goOn(
      low,
      flapping.map((text) => text.replace(/^\d+/, (second) => String(Number(second) + 5))),
      {},
      usual,
    )
    expect(told(state)).toBe('critical: low-battery')
  })
})
