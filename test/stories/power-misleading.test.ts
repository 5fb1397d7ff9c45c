import { describe, expect, test } from 'vitest'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { onBattery, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

/** As it comes, as far as readings are judged. */
const usual = { onBatteryAfter: '5s', onMainsAfter: '15s', lowBatteryAfter: '3s', unconfirmedLowBatteryAfter: '15s' }
const atOnce = { stableAfter: '0s', retryInterval: '5ms', giveUpAfter: '1s' }
const low: UpsReading = { status: ['OB', 'LB'], charge: 20 }
const forced: UpsReading = { ...online, status: ['FSD', 'OL'] }

const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const shutDowns = ({ diary }: FakeHomelab) => diary.filter((entry) => entry.startsWith('shut-down ')).length
const record = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]
const isDown = (homelab: FakeHomelab) =>
  waitFor('everything to be off', 5_000, () => running(homelab).length === 0 && record(homelab)?.stage === 'stopped')
const isOver = (homelab: FakeHomelab) => waitFor('the end', 5_000, () => record(homelab)?.stage === 'over')
const openAlerts = (homelab: FakeHomelab) =>
  homelab.ports.journal
    .entries(1_000)
    .filter(({ kind }) => kind === 'alert')
    .map(({ text }) => text)

/** Lets everything go on that is not waiting for anything. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function reads(it: StartedAgent, reading: UpsReading, times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await it.reads(reading)
    await turns()
  }
}

describe('mains power that does not last', () => {
  test('lets a shutdown go on in the moments between, until everything is down', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { power: usual })
    await reads(it, online)
    for (let turn = 0; turn < 40 && running(homelab).length > 0; turn++) {
      await reads(it, low, 2)
      await reads(it, online)
    }
    await reads(it, low, 2)
    await isDown(homelab)
    expect(record(homelab)?.reason).toBe('low-battery')
  })

  test('that lasts in the end takes down nothing that was not yet requested', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { power: usual })
    await it.reads(online)
    for (let second = 0; second < 4; second++) await it.reads(low)
    // Critical, and mains power back before the shutdown has begun anything.
    for (let second = 0; second < 16; second++) await reads(it, online)
    await it.agent.idle()
    expect(shutDowns(homelab)).toBe(0)
    expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  })

  test('wakes nothing, however long it is added up', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, {
      power: { ...usual, wake: { ...atOnce, stableAfter: '60s', minimumCharge: 0 } },
    })
    await reads(it, online)
    await reads(it, low, 5)
    await isDown(homelab)
    for (let turn = 0; turn < 15; turn++) {
      await reads(it, onBattery, 4)
      await reads(it, online, 6)
      await it.run('wake-cluster')
    }
    expect(running(homelab)).toEqual([])
    await reads(it, online, 61)
    await it.run('wake-cluster')
    await isOver(homelab)
    expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  })
})

describe('a forced shutdown', () => {
  test('after a blip of mains power takes the cluster down', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { power: usual })
    await reads(it, online)
    await reads(it, onBattery, 8)
    await reads(it, online)
    await reads(it, forced)
    await isDown(homelab)
    expect(record(homelab)?.reason).toBe('forced-shutdown')
  })

  test('on mains power is reported at once, and taken for one when its server falls silent', async () => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, { power: usual })
    await reads(it, online)
    await reads(it, forced)
    expect(openAlerts(homelab)[0]).toContain('reports a forced shutdown (FSD) on mains power')
    expect(running(homelab)).toEqual(['cp-1', 'w-1'])
    await it.silent()
    await isDown(homelab)
  })

  test('over a restart of the agent is one too, and one that was there before is not', async () => {
    const homelab = fakeHomelab(two)
    {
      await using it = startAgent(homelab, { power: usual })
      await reads(it, online)
      await reads(it, onBattery, 8)
      await reads(it, online)
    }
    await using again = startAgent(homelab, { power: usual })
    await reads(again, forced)
    await isDown(homelab)
    await again.agent.stop()
    const other = fakeHomelab(two)
    {
      await using it = startAgent(other, { power: usual })
      await reads(it, forced)
    }
    await using later = startAgent(other, { power: usual })
    await reads(later, forced)
    await later.silent()
    await turns()
    expect(running(other)).toEqual(['cp-1', 'w-1'])
  })
})

describe('a battery that could not carry a boot and another shutdown', () => {
  test.each<{ name: string; reading: UpsReading; wake?: object; says: RegExp }>([
    { name: 'is low', reading: { status: ['OL', 'CHRG', 'LB'] }, says: /the battery is low \(LB\)/ },
    {
      name: 'is low with some charge',
      reading: { status: ['OL', 'CHRG', 'LB'], charge: 30 },
      says: /the battery is low/,
    },
    { name: 'has little charge', reading: { status: ['OL', 'CHRG'], charge: 24 }, says: /the battery is at 24 %/ },
    {
      name: 'has little runtime',
      reading: { status: ['OL', 'CHRG'], charge: 40, runtime: 45_000 },
      wake: { minimumRuntime: '5m' },
      says: /the battery lasts 45 s, and waking needs 5 min/,
    },
    {
      name: 'reports nothing',
      reading: { status: ['OL'] },
      wake: { unknownChargeAfter: '3h' },
      says: /the UPS does not report its charge; mains power must last for 3 h/,
    },
  ])('that $name wakes nothing by itself; a person is told, and can', async ({ reading, wake = {}, says }) => {
    const homelab = fakeHomelab(two)
    await using it = startAgent(homelab, {
      power: { wake: { ...atOnce, unknownChargeAfter: '0s', minimumRuntime: '0s', ...wake } },
    })
    await it.reads(online)
    await it.reads(low)
    await isDown(homelab)
    await it.agent.idle()
    await it.reads(reading)
    await it.run('wake-cluster')
    expect(running(homelab)).toEqual([])
    const held = () => openAlerts(homelab).filter((text) => text.startsWith('machines stay down') && says.test(text))
    expect(held()).toEqual([])
    await it.reads(reading, 31 * 60_000)
    await it.run('wake-cluster')
    expect(held()).toEqual([expect.stringContaining('caretaker power wake')])
    await it.reads({ status: ['OL', 'HB'], charge: 100 })
    await it.run('wake-cluster')
    await isOver(homelab)
    expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  })
})

test('a UPS that is off supplies nothing where another one could', async () => {
  const upses = ['a', 'b']
  const homelab = fakeHomelab(two, { upses })
  await using it = startAgent(homelab, { upses, node: () => ({ feed: { any: upses } }) })
  await it.reads({ ...online, status: ['OL', 'OFF'] }, 1_000, 'a')
  await it.reads(online, 0, 'b')
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  await it.reads(low, 1_000, 'b')
  await isDown(homelab)
})

test('a UPS of its own that is off is an alert, and shuts nothing down', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.reads({ ...online, status: ['OL', 'OFF'] })
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  expect(openAlerts(homelab)[0]).toContain('does not feed its load (OFF)')
})

test('figures that are not plausible are reported on mains power, and shut nothing down on battery', async () => {
  const homelab = fakeHomelab(two)
  const wrong = { charge: 100, runtime: 0 }
  await using it = startAgent(homelab, { power: { ...usual, minimumRuntime: '4m' } })
  for (let second = 0; second < 70; second++) await it.reads({ status: ['OL'], ...wrong })
  expect(openAlerts(homelab)).toEqual([
    expect.stringMatching(/^ups reports a runtime of 0 s, which is not plausible: .*trust: \{ runtime: false \}/),
  ])
  for (let second = 0; second < 60; second++) await it.reads({ status: ['OB'], ...wrong, charge: 99 })
  await it.agent.idle()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
})

test('a charge that falls on mains power is reported, and then counts as battery', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: { ...usual, minimumCharge: 30 } })
  for (let charge = 100; charge > 60; charge--) await it.reads({ status: ['OL', 'DISCHRG'], charge }, 2_000)
  expect(openAlerts(homelab)[0]).toMatch(/^ups reports mains power \(OL DISCHRG\), but its charge has fallen/)
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  for (let charge = 60; charge > 20; charge--) await it.reads({ status: ['OL', 'DISCHRG'], charge }, 2_000)
  await isDown(homelab)
  expect(record(homelab)?.reason).toBe('low-charge')
})

test('a status that says nothing of mains power is reported, and is no silence', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab, { power: usual })
  await reads(it, online)
  for (let second = 0; second < 8; second++) await it.reads(onBattery)
  for (let second = 0; second < 60; second++) await it.reads({ status: ['BYPASS', 'CHRG'], charge: 96 })
  await turns()
  expect(running(homelab)).toEqual(['cp-1', 'w-1'])
  expect(
    openAlerts(homelab).some((text) => text.includes('(BYPASS CHRG) does not say whether it has mains power')),
  ).toBe(true)
})
