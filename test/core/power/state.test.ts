import { describe, expect, test } from 'vitest'
import { powerEvent } from '../../../src/core/event.ts'
import { startPower, upsObstacle } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, policy, told } from './stories.ts'

describe('a UPS that was not heard before', () => {
  test.each<[string, string[], string]>([
    ['nothing', [], 'unknown'],
    ['OL', ['1: OL CHRG'], 'on-mains'],
    ['OL, with words that nobody knows', ['1: ECO OL HE'], 'on-mains'],
    ['OB', ['1: OB DISCHRG'], 'on-battery'],
    ['OB and OL at once', ['1: OL OB'], 'on-battery'],
    ['OB LB for a moment', ['1: OB LB'], 'on-battery'],
    ['OB LB for three seconds', ['1: OB LB', '4: OB LB'], 'critical: low-battery'],
    ['FSD OB', ['1: FSD OB'], 'critical: forced-shutdown'],
    ['FSD LB', ['1: FSD LB'], 'critical: forced-shutdown'],
    ['FSD OL, left over from before', ['1: FSD OL CHRG'], 'latched'],
    ['FSD OL with a battery that is still low', ['1: FSD OL LB CHRG'], 'latched'],
    ['FSD alone', ['1: FSD'], 'unknown'],
    ['WAIT', ['1: WAIT'], 'unknown'],
    ['an empty status', ['1: ='], 'unknown'],
    ['words without a space between them', ['1: OLCHRG'], 'unknown'],
    ['silence for ever', ['1: -', '1000: -', '9000: -'], 'unknown'],
  ])('that shows %s: %s → %s', (_, story, state) => {
    expect(told(after(story))).toBe(state)
  })

  test.each<[string, string[], string]>([
    ['OB goes on with the shutdown', ['1: OB'], 'critical: outage-resumed'],
    ['OL ends the outage', ['1: OL'], 'on-mains'],
    ['FSD OL is latched', ['1: FSD OL'], 'latched'],
    ['silence is waited out', ['1: -', '30: -'], 'unknown'],
    ['silence that lasts goes on with the shutdown', ['1: -', '31: -'], 'critical: outage-resumed'],
    ['no data is silence', ['1: WAIT', '31: WAIT'], 'critical: outage-resumed'],
  ])('in the middle of an outage, %s: %s → %s', (_, story, state) => {
    expect(told(after(story, {}, true))).toBe(state)
  })

  test.each<[string, string[], string]>([
    ['OB goes on with the shutdown', ['1: OB'], 'critical: outage-resumed'],
    ['OB after a long silence does too', ['1: -', '9000: -', '9001: OB'], 'critical: outage-resumed'],
    ['OL ends the outage', ['1: OL'], 'on-mains'],
    ['OL after a long silence does too', ['1: -', '9000: -', '9001: OL'], 'on-mains'],
    ['FSD OL is latched', ['1: FSD OL'], 'latched'],
    ['silence that lasts tells nobody: what runs has booted since', ['1: -', '31: -', '9000: -'], 'unknown'],
    ['FSD LB, which is as good as OB, goes on with it', ['1: -', '2: FSD LB'], 'critical: outage-resumed'],
    ['no data tells nobody', ['1: WAIT', '31: WAIT', '9000: ='], 'unknown'],
  ])('in an outage whose nodes were all told, %s: %s → %s', (_, story, state) => {
    expect(told(after(story, {}, true, {}, true))).toBe(state)
  })

  test('knows of no outage and of no nodes that are down, unless it is told so', () => {
    expect(startPower(7, true)).toMatchObject({ mode: 'unknown', since: 7, openOutage: true, nodesAreDown: false })
    expect(startPower(7, true, true)).toMatchObject({ openOutage: true, nodesAreDown: true })
  })
})

describe('on mains', () => {
  test.each<[string, string[], string]>([
    ['a blip is ignored', ['0: OL', '1: OB', '5: OB'], 'on-mains'],
    ['blips do not add up', ['0: OL', '1: OB', '4: OB', '5: OL', '6: OB', '10: OB'], 'on-mains'],
    ['five seconds of OB are believed', ['0: OL', '1: OB', '6: OB'], 'on-battery'],
    ['a low battery is believed before that', ['0: OL', '1: OB LB', '4: OB LB'], 'critical: low-battery'],
    ['a low battery for a moment is not', ['0: OL', '1: OB LB', '3: OB LB', '4: OB'], 'on-mains'],
    [
      'low batteries with a moment between them start anew',
      ['0: OL', '1: OB LB', '2: OB', '3: OB LB', '5: OB LB'],
      'on-mains',
    ],
    ['LB while OL means nothing', ['0: OL', '1: OL LB', '9: OL LB'], 'on-mains'],
    ['FSD with OB acts at once', ['0: OL', '1: FSD OB LB'], 'critical: forced-shutdown'],
    ['FSD with LB acts at once', ['0: OL', '1: FSD LB'], 'critical: forced-shutdown'],
    ['FSD OL right after OB acts at once', ['0: OL', '1: OB', '2: FSD OL'], 'critical: forced-shutdown'],
    ['FSD alone right after OB acts at once', ['0: OL', '1: OB', '2: FSD WAIT'], 'critical: forced-shutdown'],
    ['FSD OL out of nowhere is latched', ['0: OL', '1: FSD OL'], 'latched'],
    ['FSD alone out of nowhere is nothing', ['0: OL', '1: FSD WAIT'], 'on-mains'],
    ['silence starts nothing, ever', ['0: OL', '60: -', '9000: -', '90000: ='], 'on-mains'],
    ['silence after OB is not mains', ['0: OL', '1: OB', '5: -'], 'on-mains'],
    ['silence after OB is battery once OB would be', ['0: OL', '1: OB', '6: -'], 'on-battery'],
    ['silence after OB counts from the last word', ['0: OL', '1: OB', '6: -', '31: -'], 'on-battery'],
    ['silence after OB is critical when it lasts', ['0: OL', '1: OB', '6: -', '32: -'], 'critical: silent-on-battery'],
  ])('%s: %s → %s', (_, story, state) => {
    expect(told(after(story))).toBe(state)
  })
})

describe('on battery', () => {
  const onBattery = ['0: OL', '1: OB', '6: OB']
  test.each<[string, string[], string]>([
    ['OL is mains again', ['7: OL'], 'on-mains'],
    ['OL OFF is mains too', ['7: OL OFF'], 'on-mains'],
    ['FSD OL is not', ['7: FSD OL'], 'critical: forced-shutdown'],
    ['FSD acts at once', ['7: FSD OB'], 'critical: forced-shutdown'],
    ['FSD alone acts at once', ['7: FSD'], 'critical: forced-shutdown'],
    ['LB must last', ['7: OB LB', '9: OB LB'], 'on-battery'],
    ['LB that lasts is critical', ['7: OB LB', '9: OB LB', '10: OB LB'], 'critical: low-battery'],
    ['LB starts anew after a moment without', ['7: OB LB', '8: OB', '9: OB LB', '11: OB LB'], 'on-battery'],
    ['silence is waited out', ['36: -'], 'on-battery'],
    ['silence that lasts is critical', ['36: -', '37: -'], 'critical: silent-on-battery'],
    ['no data is silence', ['36: WAIT', '37: ='], 'critical: silent-on-battery'],
    ['a word breaks the silence', ['30: -', '31: OB', '60: -'], 'on-battery'],
    ['fifteen minutes are allowed', ['890: OB', '901: OB'], 'on-battery'],
    ['more are too long', ['890: OB', '902: OB'], 'critical: on-battery-too-long'],
    ['more are too long in silence too', ['890: OB', '902: -'], 'critical: on-battery-too-long'],
  ])('%s: %s → %s', (_, story, state) => {
    expect(told(after([...onBattery, ...story]))).toBe(state)
  })

  test.each<[string, Partial<UpsReading>, Partial<PowerPolicy>, string]>([
    ['a charge below the policy', { charge: 29 }, {}, 'critical: low-charge'],
    ['a charge at the policy', { charge: 30 }, {}, 'on-battery'],
    ['a runtime below the policy', { runtime: 239_000 }, {}, 'critical: low-runtime'],
    ['a runtime at the policy', { runtime: 240_000 }, {}, 'on-battery'],
    ['figures that are not told', {}, {}, 'on-battery'],
    [
      'no policy about them',
      { charge: 1, runtime: 1 },
      { minimumCharge: undefined, minimumRuntime: undefined },
      'on-battery',
    ],
    ['a charge of zero, which is a figure too', { charge: 0 }, {}, 'critical: low-charge'],
  ])('%s counts: %j %j → %s', (_, figures, changed, state) => {
    expect(told(after(onBattery, changed, false, figures))).toBe(state)
    expect(told(after(['0: OL', '1: OB', '5: OB'], changed, false, figures)), 'not for a blip').toBe('on-mains')
  })
})

describe('a calibration', () => {
  const calibrating = ['0: OL', '1: OL CAL', '2: OB CAL', '7: OB CAL']
  test.each<[string, string[], string]>([
    ['is on battery on purpose', [], 'on-battery'],
    ['may run the battery down', ['8: OB CAL LB', '60: OB CAL LB'], 'on-battery'],
    ['may take as long as it takes', ['5000: OB CAL LB'], 'on-battery'],
    ['may take as long, even if one question gets no answer', ['5000: OB CAL', '5001: -'], 'on-battery'],
    ['does not hide a forced shutdown', ['8: FSD OB CAL'], 'critical: forced-shutdown'],
    ['does not hide a UPS that falls silent', ['38: -'], 'critical: silent-on-battery'],
    ['leaves a moment of OB behind', ['5000: OB CAL', '5001: OB'], 'on-battery'],
    ['that turns into a power cut counts from then', ['5000: OB CAL', '5001: OB', '5900: OB'], 'on-battery'],
    ['leaves no low battery behind', ['5000: OB CAL LB', '5001: OB LB', '5003: OB LB'], 'on-battery'],
    [
      'that turns into a power cut ends like one',
      ['5000: OB CAL LB', '5001: OB LB', '5004: OB LB'],
      'critical: low-battery',
    ],
  ])('%s: %s → %s', (_, story, state) => {
    expect(told(after([...calibrating, ...story]))).toBe(state)
  })

  test('may leave the battery nearly empty, while it lasts', () => {
    expect(told(after([...calibrating, '60: OB CAL LB'], {}, false, { charge: 5, runtime: 60_000 }))).toBe('on-battery')
  })
})

describe('critical', () => {
  const critical = ['0: OL', '1: OB LB', '4: OB LB']
  test.each<[string, string[], string]>([
    ['OB without LB changes nothing', ['5: OB'], 'critical: low-battery'],
    ['silence changes nothing', ['5: -', '9000: -'], 'critical: low-battery'],
    ['no data changes nothing', ['5: WAIT', '6: ='], 'critical: low-battery'],
    ['FSD keeps the reason', ['5: FSD OB LB'], 'critical: low-battery'],
    ['OL ends it', ['5: OL'], 'on-mains'],
    ['OL ends it, low as the battery may be', ['5: OL LB CHRG'], 'on-mains'],
    ['FSD OL goes on', ['5: FSD OL', '305: FSD OL'], 'critical: low-battery'],
    ['FSD OL for five minutes is a latch', ['5: FSD OL', '306: FSD OL'], 'latched'],
    [
      'FSD OL counts anew after OB',
      ['5: FSD OL', '200: FSD OB', '201: FSD OL', '400: FSD OL'],
      'critical: low-battery',
    ],
  ])('%s: %s → %s', (_, story, state) => {
    expect(told(after([...critical, ...story]))).toBe(state)
  })
})

describe('latched', () => {
  test.each<[string, string[], string]>([
    ['stays so while FSD OL is shown', ['2: FSD OL', '9000: FSD OL'], 'latched'],
    ['stays so in silence', ['2: -', '9000: -'], 'latched'],
    ['ends when upsd was restarted', ['2: OL'], 'on-mains'],
    ['is on battery with OB', ['2: OB'], 'on-battery'],
    ['is critical with FSD OB', ['2: FSD OB'], 'critical: forced-shutdown'],
  ])('%s: %s → %s', (_, story, state) => {
    expect(told(after(['1: FSD OL', ...story]))).toBe(state)
  })
})

test('the time on battery counts from the first OB, and that on mains from the first OL', () => {
  expect(after(['0: OL', '1: OB', '6: OB', '9: OB'])).toMatchObject({
    mode: 'on-battery',
    since: 1_000,
    lastHeard: 9_000,
  })
  expect(after(['1: OL', '2: OB', '4: OL'])).toMatchObject({ mode: 'on-mains', since: 1_000, lastHeard: 4_000 })
  expect(after(['1: OB', '8: OL', '9: OL'])).toMatchObject({ mode: 'on-mains', since: 8_000, lastHeard: 9_000 })
})

test('a silence says why', () => {
  expect(after(['1: -'])).toMatchObject({ mode: 'unknown', why: 'no route to the NAS' })
  expect(after(['1: WAIT'])).toMatchObject({ mode: 'unknown', why: 'the UPS server has no data yet' })
})

test.each<[string, string[], number, string | undefined]>([
  ['on mains', ['0: OL'], 30, undefined],
  ['on mains, and silent for too long', ['0: OL'], 31, 'the UPS no longer answers'],
  ['in a blip', ['0: OL', '1: OB'], 1, 'the UPS is on battery'],
  ['on battery', ['0: OB'], 1, 'the UPS is on battery'],
  ['critical', ['0: FSD OB'], 1, 'the UPS is about to fail'],
  ['latched', ['0: FSD OL'], 1, 'the UPS server shows a forced shutdown (FSD): restart upsd to clear it'],
  ['never heard from', [], 1, 'the UPS has not been heard from yet'],
])('what speaks against beginning anything %s', (_, story, second, obstacle) => {
  expect(upsObstacle(after(story), second * 1_000, policy)).toBe(obstacle)
})

test.each<[string[], unknown]>([
  [[], undefined],
  [['0: OL'], { type: 'power.on-mains', ups: 'ups' }],
  [['0: OB'], { type: 'power.on-battery', ups: 'ups' }],
  [['0: FSD OB'], { type: 'power.critical', ups: 'ups', reason: 'forced-shutdown' }],
  [['0: FSD OL'], { type: 'power.latched', ups: 'ups' }],
])('after %j the agent is told %j', (story, event) => {
  expect(powerEvent('ups', after(story))).toEqual(event)
})
