import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { type PowerState, startPower } from '../../src/core/power/state.ts'
import { nextPowerState } from '../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../src/core/power/triggers.ts'
import type { Observation } from '../../src/core/power/ups.ts'
import { createNutUps } from '../../src/adapters/nut/ups.ts'
import { watchUps } from '../../src/services/ups-watch/watch.ts'
import { startUpsdStandIn } from '../lab/upsd/stand-in.ts'

const policy: PowerPolicy = {
  onBatteryAfter: 0,
  onMainsAfter: 0,
  lowBatteryAfter: 0,
  maxOnBattery: 3_600_000,
  deadTime: 60_000,
}
const hour = 3_600_000

function watcherOf(
  ups: Parameters<typeof watchUps>[0],
  polls: { pollInterval: number; pollIntervalOnBattery: number },
) {
  const seen: Observation[] = []
  const stop = new AbortController()
  let power: PowerState = startPower(performance.now())
  const ended = watchUps(ups, {
    polls: () => polls,
    within: 200,
    power: () => power,
    notice: (observation) => {
      seen.push(observation)
      power = nextPowerState(power, observation, policy)
    },
    signal: stop.signal,
  })
  return {
    seen,
    get mode() {
      return power.mode
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ended
    },
  }
}

test('a failing power, silence and its return are seen one after the other', async () => {
  await using upsd = await startUpsdStandIn({ address: '127.0.43.31' })
  await using ups = createNutUps({ host: upsd.address, port: upsd.port, name: 'ups', timeout: 200 })
  await using watcher = watcherOf(ups, { pollInterval: 5, pollIntervalOnBattery: 5 })
  await expect.poll(() => watcher.mode).toBe('on-mains')
  await upsd.status('OB DISCHRG')
  await expect.poll(() => watcher.mode).toBe('on-battery')
  await upsd.stop()
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('silence')
  expect(watcher.seen.at(-1)).toMatchObject({ why: expect.stringContaining('127.0.43.31') })
  expect(watcher.mode).toBe('on-battery')
  await upsd.start()
  await expect.poll(() => watcher.mode).toBe('on-mains')
  const times = watcher.seen.map(({ at }) => at)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})

test('a server that is frozen is silence after the time that a reading may take, again and again', async () => {
  await using upsd = await startUpsdStandIn({ address: '127.0.43.31' })
  upsd.misbehaviour.halfOpen = true
  await using ups = createNutUps({ host: upsd.address, port: upsd.port, name: 'ups', timeout: 10_000 })
  await using watcher = watcherOf(ups, { pollInterval: 5, pollIntervalOnBattery: 5 })
  await expect.poll(() => watcher.seen.length, { timeout: 20_000 }).toBeGreaterThan(1)
  for (const observation of watcher.seen) {
    expect(observation).toMatchObject({ kind: 'silence', why: expect.stringMatching(/no answer in time/) })
  }
})

test('only while it is surely on mains is it asked at leisure', async () => {
  let status = ['OB']
  const ups = { read: async () => ({ status }) }
  await using watcher = watcherOf(ups, { pollInterval: hour, pollIntervalOnBattery: 1 })
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(3)
  status = ['OL']
  await expect.poll(() => watcher.mode).toBe('on-mains')
  const { length } = watcher.seen
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(watcher.seen).toHaveLength(length)
})

test('stopping ends a reading under way and a long pause at once, and nothing is noticed afterwards', async () => {
  const ups = {
    read: (signal: AbortSignal) =>
      new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(new AgentError('unreachable', 'cut off'))),
      ),
  }
  const before = performance.now()
  {
    await using watcher = watcherOf(ups, { pollInterval: hour, pollIntervalOnBattery: hour })
    await expect.poll(() => watcher.seen.length).toBe(1)
  }
  const watcher = watcherOf(ups, { pollInterval: hour, pollIntervalOnBattery: hour })
  await watcher[Symbol.asyncDispose]()
  expect(watcher.seen).toEqual([])
  expect(performance.now() - before).toBeLessThan(15_000)
})
