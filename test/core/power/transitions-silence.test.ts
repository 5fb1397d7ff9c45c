import { expect, test } from 'vitest'
import type { Heard, PowerState } from '../../../src/core/power/state.ts'
import { stateOf } from './states.ts'
import { goOn } from './stories.ts'

// What is still known of a UPS that falls silent.

const heard: Omit<Heard, 'lastHeard' | 'reading' | 'figuresAt'> = {
  lastOnBattery: 9_000,
  trend: [{ at: 8_000, charge: 90 }],
  fall: { of: 'charge', since: 8_000, by: 12 },
  isInferred: true,
  failures: { count: 2, since: 7_000 },
  transfer: { at: 9_000, charge: 90 },
  drop: { at: 9_500, charge: 90, runtime: 600_000 },
}
const doubtful = { ...heard, unclearSince: 9_800 }
const forced = stateOf('forced', {}, 10_000)
const battery = stateOf('on-battery', { charge: 80 }, 10_000)
const blip = stateOf('blip', { charge: 80 }, 10_000)

test.each<{ name: string; from: PowerState; after: number; is: PowerState['mode'] }>([
  { name: 'on battery', from: battery, after: 60, is: 'critical' },
  {
    name: 'on battery, and mains was the last word',
    from: { ...battery, mainsSince: 9_900 } as PowerState,
    after: 60,
    is: 'on-mains',
  },
  { name: 'after the first word of the battery', from: blip, after: 16, is: 'on-battery' },
  { name: 'after FSD that nothing explains', from: forced, after: 60, is: 'critical' },
])('$name: it is $is, and all that was heard counts on but a doubt about its status', ({ from, after, is }) => {
  const state = goOn({ ...from, ...doubtful }, [`${10 + after}: -`])
  expect(state.mode).toBe(is)
  expect(state).toMatchObject(heard)
  expect(state).not.toHaveProperty('unclearSince')
  // What was not heard is not made up.
  const bare = goOn(from, [`${10 + after}: -`])
  for (const name of Object.keys(heard)) expect(bare).not.toHaveProperty(name)
})
