import { describe, expect, test } from 'vitest'
import { isBlind, triggersInSilence } from '../../../src/core/power/silence.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import type { TriggerState } from '../../../src/core/power/triggers.ts'
import { stateOf } from './states.ts'

const returning: PowerState = { ...stateOf('on-battery'), mainsSince: 9_000 } as PowerState
const resumed: PowerState = { mode: 'unknown', since: 0, openOutage: true, nodesAreDown: false, why: 'no answer' }

const states: readonly { name: string; state: PowerState; isUsed: boolean }[] = [
  { name: 'on battery', state: stateOf('on-battery'), isUsed: true },
  { name: 'on battery with mains that seemed to be back', state: returning, isUsed: false },
  { name: 'on mains', state: stateOf('on-mains'), isUsed: false },
  { name: 'on mains with a moment of battery', state: stateOf('blip'), isUsed: true },
  { name: 'unknown', state: stateOf('unknown'), isUsed: false },
  { name: 'unknown in an outage that was under way', state: resumed, isUsed: true },
  { name: 'unknown when all is down', state: { ...resumed, nodesAreDown: true }, isUsed: false },
  { name: 'forced on mains', state: stateOf('forced'), isUsed: false },
  { name: 'latched', state: stateOf('latched'), isUsed: false },
]

describe('a UPS that falls silent', () => {
  test.each(states)('$name: a power cut is noticed: $isUsed', ({ state, isUsed }) => {
    expect(isBlind(state)).toBe(!isUsed)
  })

  test('when it was critical is in a power cut that is known', () => {
    expect(isBlind(stateOf('low-battery'))).toBe(false)
  })

  const triggers: readonly TriggerState[] = [
    { reason: 'low-battery', text: 'LB' },
    { reason: 'silent-on-battery', text: 'silence' },
    { reason: 'on-battery-too-long', text: '20 min' },
    { reason: 'low-charge', text: 'charge', disarmed: 'it tells none' },
  ]
  const noReading = 'there has been no reading for 60 s'

  test.each(states)('$name: only what needs no reading counts on, if the battery is in use', ({ state, isUsed }) => {
    const blind = isUsed ? {} : { disarmed: 'a power cut is not noticed without a reading' }
    expect(triggersInSilence(triggers, state, { ms: 60_000 })).toEqual([
      { reason: 'low-battery', text: 'LB', disarmed: noReading },
      { reason: 'silent-on-battery', text: 'silence', ...blind },
      { reason: 'on-battery-too-long', text: '20 min', ...blind },
      { reason: 'low-charge', text: 'charge', disarmed: 'it tells none' },
    ])
  })

  test('when it was critical changes nothing', () => {
    expect(triggersInSilence(triggers, stateOf('low-battery'), { ms: 60_000 })).toBe(triggers)
  })
})
