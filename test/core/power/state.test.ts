import { describe, expect, test } from 'vitest'
import { powerEvent } from '../../../src/core/event.ts'
import { startPower, upsObstacle } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, policy, told } from './stories.ts'

describe('a UPS that was not heard before', () => {
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'nothing', story: [], state: 'unknown' },
    { name: 'OL', story: ['1: OL CHRG'], state: 'on-mains' },
    { name: 'OL, with words that nobody knows', story: ['1: ECO OL HE'], state: 'on-mains' },
    { name: 'OB', story: ['1: OB DISCHRG'], state: 'on-battery' },
    { name: 'OB and OL at once', story: ['1: OL OB'], state: 'on-battery' },
    { name: 'OB LB for a moment', story: ['1: OB LB'], state: 'on-battery' },
    { name: 'OB LB for three seconds', story: ['1: OB LB', '4: OB LB'], state: 'critical: low-battery' },
    { name: 'FSD OB', story: ['1: FSD OB'], state: 'critical: forced-shutdown' },
    { name: 'FSD LB', story: ['1: FSD LB'], state: 'critical: forced-shutdown' },
    { name: 'FSD OL, left over from before', story: ['1: FSD OL CHRG'], state: 'latched' },
    { name: 'FSD OL with a battery that is still low', story: ['1: FSD OL LB CHRG'], state: 'latched' },
    { name: 'FSD alone', story: ['1: FSD'], state: 'unknown' },
    { name: 'WAIT', story: ['1: WAIT'], state: 'unknown' },
    { name: 'an empty status', story: ['1: ='], state: 'unknown' },
    { name: 'words without a space between them', story: ['1: OLCHRG'], state: 'unknown' },
    { name: 'silence for ever', story: ['1: -', '1000: -', '9000: -'], state: 'unknown' },
  ])('that shows $name: $state', ({ story, state }) => {
    expect(told(after(story))).toBe(state)
  })

  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'OB goes on with the shutdown', story: ['1: OB'], state: 'critical: outage-resumed' },
    { name: 'OL ends the outage', story: ['1: OL'], state: 'on-mains' },
    { name: 'FSD OL is latched', story: ['1: FSD OL'], state: 'latched' },
    { name: 'silence is waited out', story: ['1: -', '30: -'], state: 'unknown' },
    {
      name: 'silence that lasts goes on with the shutdown',
      story: ['1: -', '31: -'],
      state: 'critical: outage-resumed',
    },
    { name: 'no data is silence', story: ['1: WAIT', '31: WAIT'], state: 'critical: outage-resumed' },
  ])('in the middle of an outage, $name: $state', ({ story, state }) => {
    expect(told(after(story, {}, true))).toBe(state)
  })

  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'OB goes on with the shutdown', story: ['1: OB'], state: 'critical: outage-resumed' },
    {
      name: 'OB after a long silence does too',
      story: ['1: -', '9000: -', '9001: OB'],
      state: 'critical: outage-resumed',
    },
    { name: 'OL ends the outage', story: ['1: OL'], state: 'on-mains' },
    { name: 'OL after a long silence does too', story: ['1: -', '9000: -', '9001: OL'], state: 'on-mains' },
    { name: 'FSD OL is latched', story: ['1: FSD OL'], state: 'latched' },
    {
      name: 'silence that lasts tells nobody: what runs has booted since',
      story: ['1: -', '31: -', '9000: -'],
      state: 'unknown',
    },
    {
      name: 'FSD LB, which is as good as OB, goes on with it',
      story: ['1: -', '2: FSD LB'],
      state: 'critical: outage-resumed',
    },
    { name: 'no data tells nobody', story: ['1: WAIT', '31: WAIT', '9000: ='], state: 'unknown' },
  ])('in an outage whose nodes were all told, $name: $state', ({ story, state }) => {
    expect(told(after(story, {}, true, {}, true))).toBe(state)
  })

  test('knows of no outage and of no nodes that are down, unless it is told so', () => {
    expect(startPower(7, { openOutage: true })).toMatchObject({
      mode: 'unknown',
      since: 7,
      openOutage: true,
      nodesAreDown: false,
    })
    expect(startPower(7, { openOutage: true, nodesAreDown: true })).toMatchObject({
      openOutage: true,
      nodesAreDown: true,
    })
  })
})

describe('on mains', () => {
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'a blip is ignored', story: ['0: OL', '1: OB', '5: OB'], state: 'on-mains' },
    { name: 'five seconds of OB are believed', story: ['0: OL', '1: OB', '6: OB'], state: 'on-battery' },
    {
      name: 'a low battery is believed before that',
      story: ['0: OL', '1: OB LB', '4: OB LB'],
      state: 'critical: low-battery',
    },
    { name: 'a low battery for a moment is not', story: ['0: OL', '1: OB LB', '3: OB LB', '4: OB'], state: 'on-mains' },
    {
      name: 'low batteries with a moment between them start anew',
      story: ['0: OL', '1: OB LB', '2: OB', '3: OB LB', '5: OB LB'],
      state: 'on-mains',
    },
    { name: 'LB while OL means nothing', story: ['0: OL', '1: OL LB', '9: OL LB'], state: 'on-mains' },
    { name: 'FSD with OB acts at once', story: ['0: OL', '1: FSD OB LB'], state: 'critical: forced-shutdown' },
    { name: 'FSD with LB acts at once', story: ['0: OL', '1: FSD LB'], state: 'critical: forced-shutdown' },
    {
      name: 'FSD OL right after OB acts at once',
      story: ['0: OL', '1: OB', '2: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'FSD alone right after OB acts at once',
      story: ['0: OL', '1: OB', '2: FSD WAIT'],
      state: 'critical: forced-shutdown',
    },
    { name: 'FSD OL out of nowhere waits for what confirms it', story: ['0: OL', '1: FSD OL'], state: 'forced' },
    { name: 'FSD alone out of nowhere does too', story: ['0: OL', '1: FSD WAIT'], state: 'forced' },
    { name: 'silence starts nothing, ever', story: ['0: OL', '60: -', '9000: -', '90000: ='], state: 'on-mains' },
    { name: 'silence after OB is not mains', story: ['0: OL', '1: OB', '5: -'], state: 'on-mains' },
    { name: 'silence after OB is battery once OB would be', story: ['0: OL', '1: OB', '6: -'], state: 'on-battery' },
    {
      name: 'silence after OB counts from the last word',
      story: ['0: OL', '1: OB', '6: -', '31: -'],
      state: 'on-battery',
    },
    {
      name: 'silence after OB is critical when it lasts',
      story: ['0: OL', '1: OB', '6: -', '32: -'],
      state: 'critical: silent-on-battery',
    },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after(story))).toBe(state)
  })
})

describe('on battery', () => {
  const onBattery = ['0: OL', '1: OB', '6: OB']
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'OL is mains again', story: ['7: OL'], state: 'on-mains' },
    { name: 'OL OFF is mains too', story: ['7: OL OFF'], state: 'on-mains' },
    { name: 'FSD OL is not', story: ['7: FSD OL'], state: 'critical: forced-shutdown' },
    { name: 'FSD acts at once', story: ['7: FSD OB'], state: 'critical: forced-shutdown' },
    { name: 'FSD alone acts at once', story: ['7: FSD'], state: 'critical: forced-shutdown' },
    { name: 'LB must last', story: ['7: OB LB', '9: OB LB'], state: 'on-battery' },
    { name: 'LB that lasts is critical', story: ['7: OB LB', '9: OB LB', '10: OB LB'], state: 'critical: low-battery' },
    {
      name: 'LB starts anew after a moment without',
      story: ['7: OB LB', '8: OB', '9: OB LB', '11: OB LB'],
      state: 'on-battery',
    },
    { name: 'silence is waited out', story: ['36: -'], state: 'on-battery' },
    { name: 'silence that lasts is critical', story: ['36: -', '37: -'], state: 'critical: silent-on-battery' },
    { name: 'no data is silence', story: ['36: WAIT', '37: ='], state: 'critical: silent-on-battery' },
    { name: 'a word breaks the silence', story: ['30: -', '31: OB', '60: -'], state: 'on-battery' },
    { name: 'fifteen minutes are allowed', story: ['890: OB', '901: OB'], state: 'on-battery' },
    { name: 'more are too long', story: ['890: OB', '902: OB'], state: 'critical: on-battery-too-long' },
    { name: 'more are too long in silence too', story: ['890: OB', '902: -'], state: 'critical: on-battery-too-long' },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after([...onBattery, ...story]))).toBe(state)
  })

  test.each<{ name: string; figures?: Partial<UpsReading>; changed?: Partial<PowerPolicy>; state: string }>([
    { name: 'a charge below the policy', figures: { charge: 29 }, state: 'critical: low-charge' },
    { name: 'a charge at the policy', figures: { charge: 30 }, state: 'on-battery' },
    { name: 'a runtime below the policy', figures: { runtime: 239_000 }, state: 'critical: low-runtime' },
    { name: 'a runtime at the policy', figures: { runtime: 240_000 }, state: 'on-battery' },
    { name: 'figures that are not told', state: 'on-battery' },
    {
      name: 'no policy about them',
      figures: { charge: 1, runtime: 1 },
      changed: { minimumCharge: undefined, minimumRuntime: undefined },
      state: 'on-battery',
    },
  ])('$name counts: $state', ({ figures = {}, changed = {}, state }) => {
    expect(told(after(onBattery, changed, false, figures))).toBe(state)
    expect(told(after(['0: OL', '1: OB', '5: OB'], changed, false, figures)), 'not for a blip').toBe('on-mains')
  })
})

describe('a calibration', () => {
  const calibrating = ['0: OL', '1: OL CAL', '2: OB CAL', '7: OB CAL']
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'is on battery on purpose', story: [], state: 'on-battery' },
    { name: 'may run the battery down', story: ['8: OB CAL LB', '60: OB CAL LB'], state: 'on-battery' },
    { name: 'may take as long as it takes', story: ['5000: OB CAL LB'], state: 'on-battery' },
    {
      name: 'may take as long, even if one question gets no answer',
      story: ['5000: OB CAL', '5001: -'],
      state: 'on-battery',
    },
    { name: 'does not hide a forced shutdown', story: ['8: FSD OB CAL'], state: 'critical: forced-shutdown' },
    { name: 'does not hide a UPS that falls silent', story: ['38: -'], state: 'critical: silent-on-battery' },
    { name: 'leaves a moment of OB behind', story: ['5000: OB CAL', '5001: OB'], state: 'on-battery' },
    {
      name: 'that turns into a power cut counts from then',
      story: ['5000: OB CAL', '5001: OB', '5900: OB'],
      state: 'on-battery',
    },
    {
      name: 'leaves no low battery behind',
      story: ['5000: OB CAL LB', '5001: OB LB', '5003: OB LB'],
      state: 'on-battery',
    },
    {
      name: 'that turns into a power cut ends like one',
      story: ['5000: OB CAL LB', '5001: OB LB', '5004: OB LB'],
      state: 'critical: low-battery',
    },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after([...calibrating, ...story]))).toBe(state)
  })

  test('may leave the battery nearly empty, while it lasts', () => {
    expect(told(after([...calibrating, '60: OB CAL LB'], {}, false, { charge: 5, runtime: 60_000 }))).toBe('on-battery')
  })
})

describe('critical', () => {
  const critical = ['0: OL', '1: OB LB', '4: OB LB']
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'OB without LB changes nothing', story: ['5: OB'], state: 'critical: low-battery' },
    { name: 'silence changes nothing', story: ['5: -', '9000: -'], state: 'critical: low-battery' },
    { name: 'no data changes nothing', story: ['5: WAIT', '6: ='], state: 'critical: low-battery' },
    { name: 'FSD keeps the reason', story: ['5: FSD OB LB'], state: 'critical: low-battery' },
    { name: 'OL ends it', story: ['5: OL'], state: 'on-mains' },
    { name: 'OL ends it, low as the battery may be', story: ['5: OL LB CHRG'], state: 'on-mains' },
    { name: 'FSD OL goes on', story: ['5: FSD OL', '305: FSD OL'], state: 'critical: low-battery' },
    { name: 'FSD OL for five minutes is a latch', story: ['5: FSD OL', '306: FSD OL'], state: 'latched' },
    {
      name: 'FSD OL counts anew after OB',
      story: ['5: FSD OL', '200: FSD OB', '201: FSD OL', '400: FSD OL'],
      state: 'critical: low-battery',
    },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after([...critical, ...story]))).toBe(state)
  })
})

describe('latched', () => {
  test.each<{ name: string; story: string[]; state: string }>([
    { name: 'stays so while FSD OL is shown', story: ['2: FSD OL', '9000: FSD OL'], state: 'latched' },
    { name: 'stays so in silence', story: ['2: -', '9000: -'], state: 'latched' },
    { name: 'ends when upsd was restarted', story: ['2: OL'], state: 'on-mains' },
    { name: 'is on battery with OB', story: ['2: OB'], state: 'on-battery' },
    { name: 'is critical with FSD OB', story: ['2: FSD OB'], state: 'critical: forced-shutdown' },
  ])('$name: $state', ({ story, state }) => {
    expect(told(after(['1: FSD OL', ...story]))).toBe(state)
  })
})

test('the time on battery counts from the first OB, and that on mains from the first OL', () => {
  expect(after(['0: OL', '1: OB', '6: OB', '9: OB'])).toMatchObject({
    mode: 'on-battery',
    since: 1_000,
    lastHeard: 9_000,
  })
  expect(after(['1: OL', '2: OB', '4: OL'])).toMatchObject({ mode: 'on-mains', since: 4_000, lastHeard: 4_000 })
  expect(after(['1: OB', '8: OL', '9: OL'])).toMatchObject({ mode: 'on-mains', since: 8_000, lastHeard: 9_000 })
})

test('a silence says why', () => {
  expect(after(['1: -'])).toMatchObject({ mode: 'unknown', why: 'no route to the NAS' })
  expect(after(['1: WAIT'])).toMatchObject({ mode: 'unknown', why: 'the UPS server has no data yet' })
})

test.each<{ name: string; story: string[]; second?: number; obstacle: string | undefined }>([
  { name: 'on mains', story: ['0: OL'], second: 30, obstacle: undefined },
  { name: 'on mains, and silent for too long', story: ['0: OL'], second: 31, obstacle: 'the UPS no longer answers' },
  { name: 'in a blip', story: ['0: OL', '1: OB'], obstacle: 'the UPS is on battery' },
  { name: 'on battery', story: ['0: OB'], obstacle: 'the UPS is on battery' },
  { name: 'critical', story: ['0: FSD OB'], obstacle: 'the UPS is critical' },
  {
    name: 'latched',
    story: ['0: FSD OL'],
    obstacle: 'the UPS still reports a forced shutdown (FSD) on mains power, and does so until upsd is restarted',
  },
  { name: 'never heard from', story: [], obstacle: 'the UPS has not answered yet' },
])('what speaks against beginning anything $name', ({ story, second = 1, obstacle }) => {
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
