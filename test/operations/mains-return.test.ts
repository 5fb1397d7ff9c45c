import { expect, test } from 'vitest'
import type { Power } from '../../src/core/power/feeds.ts'
import type { Machine } from '../../src/core/power/machines.ts'
import type { PowerState } from '../../src/core/power/state.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { awaitMainsReturn } from '../../src/operations/mains-return.ts'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf, stateOf } from '../core/power/states.ts'

/** Mains power seems to be back, and has not lasted yet. */
const returning = { ...stateOf('low-battery'), mainsSince: 9_000 } as PowerState
const fedBy = (ups: string): Machine =>
  machineOf(`w-${ups}`, 'workers', 60_000, { feed: { powerValue: { [ups]: 1 }, minSupplies: 1 } })

/** A run that would wait for an hour, unless something ends that. */
function waits(upses: Record<string, PowerState>, machines: readonly Machine[], within = 3_600_000) {
  const power = powerOf(upses)
  const states = power.upses as Map<string, PowerState>
  const run = new AbortController()
  let look = () => {}
  const context = {
    config: { power: { onMainsAfter: within / 2, deadTime: within / 2 } },
    power,
    signal: run.signal,
    whenPower: (test: (power: Power) => string | undefined) => {
      const ended = new AbortController()
      look = () => {
        const why = test(power)
        if (why !== undefined) ended.abort(new Error(why))
      }
      look()
      return { signal: ended.signal, [Symbol.dispose]: () => (look = () => {}) }
    },
  }
  let isOver = false
  const ended = awaitMainsReturn(context as unknown as JobContext, machines).then((waited) => {
    isOver = true
    return waited
  })
  return {
    ended,
    isWaiting: async () => {
      await new Promise(setImmediate)
      return !isOver
    },
    reads: (ups: string, state: PowerState) => {
      states.set(ups, state)
      look()
    },
    stop: () => run.abort(new Error('the agent stops')),
  }
}

test('nothing is waited for while the battery is in use, nor where other machines have mains power again', async () => {
  expect(await waits({ a: stateOf('low-battery') }, [fedBy('a')]).ended).toBe(false)
  expect(await waits({ a: stateOf('low-battery'), b: returning }, [fedBy('a')]).ended).toBe(false)
})

test('mains power that has not lasted is waited for, until it fails again or has lasted', async () => {
  for (const next of [stateOf('low-battery'), stateOf('on-mains')]) {
    const { ended, isWaiting, reads } = waits({ a: stateOf('low-battery'), b: returning }, [fedBy('a'), fedBy('b')])
    expect(await isWaiting()).toBe(true)
    reads('a', stateOf('low-battery'))
    expect(await isWaiting()).toBe(true)
    reads('b', next)
    expect(await ended).toBe(true)
  }
})

test('at the latest when one of these must have happened', async () => {
  expect(await waits({ a: returning }, [fedBy('a')], 2).ended).toBe(true)
})

test('an agent that stops waits no longer', async () => {
  const { ended, isWaiting, stop } = waits({ a: returning }, [fedBy('a')])
  expect(await isWaiting()).toBe(true)
  stop()
  expect(await ended).toBe(true)
})
