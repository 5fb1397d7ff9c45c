import { describe, expect, test } from 'vitest'
import { callOff, type PowerState } from '../../../src/core/power/state.ts'
import { after, each, goOn, told } from './stories.ts'

/** A shutdown that a person has called off. */
function calledOff(story: readonly string[], figures = {}, changed = {}): PowerState {
  const state = callOff(after(story, changed, false, figures))
  if (!state) throw new Error(`after ${story.join(', ')} there is nothing to call off`)
  return state
}

const low = ['0: OL', '1: OB LB', '4: OB LB']

describe('calling a shutdown off', () => {
  test('leaves a UPS on battery, since it was, with all that it has said', () => {
    expect(callOff(after([...low, '5: OB LB'], {}, false, { charge: 40 }))).toMatchObject({
      mode: 'on-battery',
      since: 1_000,
      lastHeard: 5_000,
      reading: { status: ['OB', 'LB'], charge: 40 },
      battery: { since: 1_000, lasted: 4_000 },
      samples: [1_000, 4_000, 5_000].map((at) => ({ at, charge: 40 })),
      calledOff: 'low-battery',
    })
  })

  test('covers the low battery that is in sight, though after a restart another reason came first', () => {
    const resumed = after(['1: OB LB', '2: OB LB'], {}, true)
    expect(told(resumed)).toBe('critical: outage-resumed')
    const cancelled = callOff(resumed)!
    expect(told(goOn(cancelled, ['3: OB LB', '9: OB LB', '60: OB LB']))).toBe('on-battery')
    expect(told(goOn(cancelled, ['3: FSD OB LB']))).toBe('critical: forced-shutdown')
    const without = callOff(after(['1: OB', '2: OB'], {}, true))!
    expect(told(goOn(without, ['3: OB LB', '6: OB LB']))).toBe('critical: low-battery')
  })

  test.each<[string, string[]]>([
    ['on mains', ['0: OL']],
    ['latched', ['0: FSD OL']],
    ['never heard from', []],
  ])('is nothing for one that is %s', (_, story) => {
    expect(callOff(after(story))).toBeUndefined()
  })

  test.each<[string, string[]]>([
    ['in a blip', ['0: OL', '1: OB']],
    ['on battery', ['0: OB', '6: OB']],
  ])('before it begins, of one that is %s, leaves a low battery to start one, and is nothing twice', (_, story) => {
    const ahead = callOff(after(story))!
    expect(ahead).toMatchObject({ mode: 'on-battery', calledOff: 'not-begun' })
    expect(callOff(ahead)).toBeUndefined()
    expect(told(goOn(ahead, ['8: OB', '2000: OB']))).toBe('on-battery')
    expect(told(goOn(ahead, ['8: OB LB', '20: OB LB']))).toBe('critical: low-battery')
    expect(told(goOn(ahead, ['8: OL', '60: OL']))).toBe('on-mains')
  })

  test('of which nothing was heard since the start leaves one that nothing is known of, and silence begins nothing', () => {
    const resumed = after(['1: -', '31: -'], {}, true)
    expect(told(resumed)).toBe('critical: outage-resumed')
    const spared = callOff(resumed)!
    expect(told(goOn(spared, ['32: -', '900: -']))).toBe('unknown')
    expect(told(goOn(spared, ['32: OB']))).toBe('on-battery')
    expect(callOff(goOn(resumed, ['32: OB']))).toMatchObject({ mode: 'on-battery', calledOff: 'outage-resumed' })
  })
})

test('a forced shutdown that was called off is a latch when mains is back, and not a new one', () => {
  const forced = calledOff(['0: OL', '1: FSD OB LB'])
  expect(told(goOn(forced, ['2: FSD OB LB']))).toBe('on-battery')
  expect(told(goOn(forced, ['2: FSD OB LB', '3: FSD OL']))).toBe('latched')
})

test('a low charge that was called off hides no low runtime', () => {
  const state = calledOff(['0: OL', '1: OB', '6: OB'], { charge: 29, runtime: 600_000 })
  expect(told(goOn(state, ['7: OB', '10: OB'], { charge: 20, runtime: 100_000 }))).toBe('critical: low-runtime')
})

describe('what was called off', () => {
  const charge = { charge: 20 }
  const lowCharge = () => calledOff(['0: OL', '1: OB', '6: OB'], charge)

  test.each<{
    name: string
    state: () => PowerState
    story: string[]
    figures?: object
    changed?: object
    expected: string
  }>([
    {
      name: 'a low battery stays so',
      state: () => calledOff(low),
      story: each(5, 800, 'OB LB'),
      expected: 'on-battery',
    },
    {
      name: 'a low battery, though it comes and goes',
      state: () => calledOff(low),
      story: ['5: OB', '6: OB LB', '99: OB LB'],
      expected: 'on-battery',
    },
    {
      name: 'a low charge stays so',
      state: lowCharge,
      story: each(7, 800, 'OB', 20),
      figures: charge,
      expected: 'on-battery',
    },
    {
      name: 'time is less grave than a low charge',
      state: lowCharge,
      story: ['902: OB'],
      figures: charge,
      expected: 'on-battery',
    },
    {
      name: 'time is less grave, in silence too',
      state: () => calledOff(low),
      story: ['890: OB LB', '902: -'],
      expected: 'on-battery',
    },
    {
      name: 'silence is less grave than a low battery',
      state: () => calledOff(low),
      story: ['40: -', '800: -'],
      expected: 'on-battery',
    },
    {
      name: 'a battery that is low is graver than its charge',
      state: lowCharge,
      story: ['7: OB LB', '10: OB LB'],
      figures: charge,
      expected: 'critical: low-battery',
    },
    {
      name: 'a moment of it is not',
      state: lowCharge,
      story: ['7: OB LB', '9: OB LB'],
      figures: charge,
      expected: 'on-battery',
    },
    {
      name: 'silence is graver than a low charge',
      state: lowCharge,
      story: ['37: -'],
      figures: charge,
      expected: 'critical: silent-on-battery',
    },
    {
      name: 'FSD is graver than all',
      state: () => calledOff(low),
      story: ['5: FSD OB LB'],
      expected: 'critical: forced-shutdown',
    },
    {
      name: 'FSD with mains is graver too',
      state: () => calledOff(low),
      story: ['5: FSD OL'],
      expected: 'critical: forced-shutdown',
    },
    {
      name: 'FSD that was called off stays so while the battery is used',
      state: () => calledOff(['0: OB', '1: FSD OB']),
      story: each(2, 800, 'FSD OB LB'),
      expected: 'on-battery',
    },
    {
      name: 'an emptying one is graver than time',
      state: () => calledOff(['0: OL', '1: OB', '950: OB']),
      story: ['951: OB LB', '954: OB LB'],
      expected: 'critical: low-battery',
    },
    { name: 'mains ends it', state: () => calledOff(low), story: ['5: OL'], expected: 'on-mains' },
    {
      name: 'after mains it counts no more',
      state: () => calledOff(low),
      story: ['5: OL', '6: OB LB', '9: OB LB'],
      expected: 'critical: low-battery',
    },
    {
      name: 'silence alone does not end it',
      state: () => calledOff(low),
      story: ['40: -', '41: OB LB', '99: OB LB'],
      expected: 'on-battery',
    },
  ])('$name', ({ state, story, figures = {}, changed = {}, expected }) => {
    expect(told(goOn(state(), story, figures, changed))).toBe(expected)
  })

  test('is told again of a silence that was called off only when the UPS has spoken and something graver came', () => {
    const silent = calledOff(['0: OB', '31: -'])
    expect(told(goOn(silent, ['32: -', '800: -']))).toBe('on-battery')
    expect(told(goOn(silent, ['32: OB', '90: -']))).toBe('on-battery')
    expect(told(goOn(silent, ['32: OB LB', '35: OB LB']))).toBe('critical: low-battery')
  })

  test('may be called off once more, with what is graver', () => {
    const again = callOff(goOn(lowCharge(), ['7: OB LB', '10: OB LB'], charge))!
    expect(again).toMatchObject({ mode: 'on-battery', calledOff: 'low-battery' })
    expect(told(goOn(again, each(11, 60, 'OB LB'), charge))).toBe('on-battery')
    expect(told(goOn(again, ['11: FSD OB'], charge))).toBe('critical: forced-shutdown')
  })

  test('gives a low battery its whole time anew', () => {
    expect(told(goOn(lowCharge(), ['7: OB LB', '8: OB', '9: OB LB', '11: OB LB'], charge))).toBe('on-battery')
  })
})
