import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { type PowerState, startPower } from '../../src/core/power/state.ts'
import { nextPowerState } from '../../src/core/power/transitions.ts'
import type { PowerPolicy } from '../../src/core/power/triggers.ts'
import type { Observation, UpsReading } from '../../src/core/power/ups.ts'
import { createNutUps } from '../../src/adapters/nut/ups.ts'
import service from '../../src/services/ups-watch/service.ts'
import { createRest, watchUps } from '../../src/services/ups-watch/watch.ts'
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
  figuresWithin = 10_000,
) {
  const seen: Observation[] = []
  const stop = new AbortController()
  let power: PowerState = startPower(performance.now())
  const ended = watchUps(ups, {
    polls: () => polls,
    within: 200,
    figuresWithin,
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
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(1)
  for (const observation of watcher.seen) {
    expect(observation).toMatchObject({
      kind: 'silence',
      why: expect.stringMatching(/did not answer (in time|within)/),
    })
  }
})

test('only while it is surely on mains is it asked at leisure', async () => {
  let status = ['OB']
  const ups = { read: async () => ({ status }), readStatus: async () => status }
  await using watcher = watcherOf(ups, { pollInterval: hour, pollIntervalOnBattery: 1 })
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(3)
  status = ['OL']
  await expect.poll(() => watcher.mode).toBe('on-mains')
  const { length } = watcher.seen
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(watcher.seen).toHaveLength(length)
})

test('stopping ends a reading under way and a long pause at once, and nothing is noticed afterwards', async () => {
  const hang = (signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new AgentError('unreachable', 'cut off'))),
    )
  const ups = { read: hang, readStatus: hang }
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

/** A UPS that says what it is told to, after as long as it is told to take, and notes what it is asked for. */
function scripted() {
  const asked: ('all' | 'status')[] = []
  const ups = {
    asked,
    status: ['OL'] as readonly string[],
    testing: false,
    takes: { all: 0, status: 0 },
    answers: { all: true, status: true },
    /** Figures that are asked for because the status has changed come no sooner than this. */
    held: Promise.resolve(),
    isChanged: false,
    read: async (): Promise<UpsReading> => {
      asked.push('all')
      const { status, testing } = ups
      if (ups.isChanged) await ups.held
      await answer('all')
      return { status, charge: 88, ...(testing ? { testing } : {}) }
    },
    readStatus: async () => {
      asked.push('status')
      await answer('status')
      ups.isChanged ||= ups.status.includes('LB')
      return ups.status
    },
  }
  async function answer(what: 'all' | 'status'): Promise<void> {
    if (ups.takes[what] > 0) await sleep(ups.takes[what])
    if (!ups.answers[what]) throw new AgentError('unreachable', `no answer to ${what}`)
  }
  return ups
}

test('between full readings the status alone is asked for, and figures stay as they were', async () => {
  const ups = scripted()
  await using watcher = watcherOf(ups, { pollInterval: 20, pollIntervalOnBattery: 20 })
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(40)
  const count = (what: string) => ups.asked.filter((each) => each === what).length
  expect(count('all')).toBeGreaterThan(1)
  expect(count('status')).toBeGreaterThan(count('all'))
  expect(new Set(watcher.seen.map(({ kind }) => kind))).toEqual(new Set(['reading', 'status']))
})

test('where the interval is longer than figures may be old every question asks for everything', async () => {
  const ups = scripted()
  ups.status = ['OB']
  await using watcher = watcherOf(ups, { pollInterval: hour, pollIntervalOnBattery: 1_100 })
  await expect.poll(() => ups.asked.length).toBe(3)
  expect(ups.asked).toEqual(['all', 'all', 'all'])
  expect(watcher.seen.every(({ kind }) => kind === 'reading')).toBe(true)
})

test.each([
  ['OB', 'DISCHRG'],
  ['OB', 'LB'],
  ['FSD', 'OL'],
])('a status that turns into %s %s is told at once, with its figures', async (...tokens) => {
  const ups = scripted()
  // Only a status round can see it: the next full reading is far away.
  ups.takes.all = 300
  await using watcher = watcherOf(ups, { pollInterval: 10, pollIntervalOnBattery: 10 })
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('status')
  ups.takes.all = 0
  ups.status = tokens
  await expect
    .poll(() => watcher.seen.find((seen) => seen.kind === 'reading' && seen.reading.status === tokens))
    .toBeDefined()
  const first = watcher.seen.find(
    (seen) => tokens === (seen.kind === 'reading' ? seen.reading.status : seen.kind === 'status' && seen.status),
  )
  // FSD waits for nothing.
  expect(first?.kind).toBe(tokens.includes('FSD') ? 'status' : 'reading')
})

test('a status that has changed is told before figures that do not come, and is no silence', async () => {
  const ups = scripted()
  await using watcher = watcherOf(ups, { pollInterval: 10, pollIntervalOnBattery: 10 }, 20)
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('status')
  const { promise, resolve } = Promise.withResolvers<void>()
  ups.held = promise
  ups.answers.all = false
  ups.status = ['OB', 'LB']
  const told = () => watcher.seen.some((seen) => seen.kind === 'status' && seen.status.includes('LB'))
  await expect.poll(told).toBe(true)
  resolve()
  expect(watcher.seen.at(-1)).toMatchObject({ kind: 'status', status: ['OB', 'LB'] })
})

test('a self-test that begins is never told without what says so', async () => {
  const ups = scripted()
  await using watcher = watcherOf(ups, { pollInterval: 10, pollIntervalOnBattery: 10 })
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('status')
  ups.testing = true
  ups.status = ['OB', 'LB']
  await expect.poll(() => watcher.seen.some(({ kind }) => kind === 'reading')).toBe(true)
  await expect.poll(() => watcher.mode).toBe('on-battery')
  const { length } = watcher.seen
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(length + 10)
  expect(watcher.mode).toBe('on-battery')
})

test('a server that answers slowly is asked less often, never twice at once, and its slow figures hold up no status', async () => {
  const ups = scripted()
  let [running, most] = [0, 0]
  const counted =
    <T>(ask: () => Promise<T>) =>
    async () => {
      most = Math.max(most, ++running)
      return ask().finally(() => running--)
    }
  ups.takes = { all: 150, status: 60 }
  const began = performance.now()
  await using watcher = watcherOf(
    { read: counted(ups.read), readStatus: counted(ups.readStatus) },
    { pollInterval: 10, pollIntervalOnBattery: 10 },
  )
  await expect.poll(() => watcher.seen.length).toBeGreaterThan(6)
  const took = performance.now() - began
  // Each status costs 60 ms and a pause of four times that.
  expect(took / watcher.seen.length).toBeGreaterThan(150)
  expect(most).toBe(1)
  expect(ups.asked.filter((what) => what === 'all').length).toBeLessThan(ups.asked.length / 2)
})

test.each<{ name: string; took: readonly number[]; rests: readonly number[] }>([
  { name: 'a quick one', took: [1, 1, 2], rests: [0, 4, 4] },
  { name: 'one slow answer among quick ones', took: [1, 400, 1, 1], rests: [0, 4, 4, 4] },
  { name: 'a slow one', took: [60, 50, 60], rests: [0, 200, 200] },
  { name: 'one that becomes slow', took: [1, 300, 400, 500], rests: [0, 4, 1_200, 1_600] },
  { name: 'one that has not answered', took: [300, 0, 300, 300], rests: [0, 0, 0, 1_200] },
])('a server rests as its answers usually take, and not for one that is late: $name', ({ took, rests }) => {
  const restAfter = createRest()
  expect(took.map((ms) => restAfter(ms))).toEqual(rests)
})

test('a server that never sends all figures is watched by its status', async () => {
  const ups = scripted()
  ups.answers.all = false
  ups.takes.all = 100
  await using watcher = watcherOf(ups, { pollInterval: 10, pollIntervalOnBattery: 10 })
  await expect.poll(() => watcher.mode).toBe('on-mains')
  ups.status = ['OB']
  await expect.poll(() => watcher.mode).toBe('on-battery')
})

test('after silence everything is read again at the first answer', async () => {
  const ups = scripted()
  // Far from the next full reading, which would be the fourth question.
  await using watcher = watcherOf(ups, { pollInterval: 200, pollIntervalOnBattery: 200 })
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('status')
  ups.answers = { all: false, status: false }
  await expect.poll(() => watcher.seen.at(-1)?.kind).toBe('silence')
  const before = watcher.seen.length
  ups.answers = { all: true, status: true }
  await expect.poll(() => watcher.seen.slice(before).find(({ kind }) => kind !== 'silence')?.kind).toBe('reading')
})

test('each UPS is asked as often as it says itself, or as all are', async () => {
  const asked = new Map<string, number>()
  const count = (label: string) => void asked.set(label, (asked.get(label) ?? 0) + 1)
  const port = (label: string) => ({
    read: async () => (count(label), { status: ['OL'] }),
    readStatus: async () => (count(label), ['OL']),
  })
  const upses = [
    { label: 'rack', pollInterval: 5, pollIntervalOnBattery: hour },
    { label: 'desk', pollIntervalOnBattery: 5 },
  ]
  const stop = new AbortController()
  const context = {
    config: () => ({ upses, power: { pollInterval: hour, pollIntervalOnBattery: hour } }),
    ports: { upses: new Map(upses.map(({ label }) => [label, port(label)])) },
    power: { upses: new Map(upses.map(({ label }) => [label, { mode: 'on-mains' }])) },
    notice: { ups: () => {} },
    signal: stop.signal,
  }
  const running = await service.start(context as unknown as Parameters<typeof service.start>[0])
  await expect.poll(() => asked.get('rack')).toBeGreaterThan(10)
  expect(asked.get('desk')).toBe(1)
  stop.abort()
  await running[Symbol.asyncDispose]()
})
