import { expect, test } from 'vitest'
import type { PowerState } from '../../src/core/power/state.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { createListeners } from '../../src/core/listeners.ts'
import { createReadings } from '../../src/operations/readings.ts'
import { readingHourKind } from '../../src/core/power/readings.ts'
import { memoryJournal } from '../fakes/journal.ts'

const minute = 60_000
const noon = Date.parse('2027-01-01T12:00:00Z')

/** A UPS that is read every four seconds, and what is kept of it. */
function open(journal = memoryJournal(), from = noon) {
  const at = { now: from }
  const upses = new Map<string, PowerState>()
  const changes = createListeners<void>()
  const make = () =>
    createReadings({
      agent: { guard: { power: { upses, ordered: undefined }, onChange: (listener) => changes.subscribe(listener) } },
      ports: { journal },
      now: () => new Date(at.now),
    })
  const readings = make()
  function tell(reading: Partial<UpsReading> = {}, mode: 'on-mains' | 'on-battery' = 'on-mains') {
    const told = { status: ['OL'], charge: 100, ...reading }
    upses.set('rack', { mode, since: 0, lastHeard: 0, reading: told, figuresAt: 0 } as unknown as PowerState)
    changes.tell()
  }
  return {
    at,
    journal,
    tell,
    passes: (ms: number) => {
      for (const end = at.now + ms; at.now < end; at.now += 4_000) tell()
    },
    kept: () => readings.read()[0]?.samples ?? [],
    voltage: () => readings.voltageOf('rack'),
    saved: () => journal.records(readingHourKind).newest(100),
  }
}

test('a UPS that stays as it is leaves a sample a minute, and one as soon as it is on battery', () => {
  const it = open()
  it.passes(5 * minute)
  expect(it.kept()).toHaveLength(5)
  it.tell({ charge: 97, runtime: 600_000, load: 20 }, 'on-battery')
  expect(it.kept().at(-1)).toEqual({
    at: new Date(it.at.now).toISOString(),
    chargePercent: 97,
    runtimeMs: 600_000,
    loadPercent: 20,
    onBattery: true,
  })
})

test('a voltage that is told now and then is in the sample that follows, and not on battery', () => {
  const it = open()
  it.tell()
  it.at.now += 30_000
  it.tell({ inputVolts: 231.4 })
  it.at.now += 31_000
  it.tell()
  expect(it.kept().at(-1)).toMatchObject({ inputVolts: 231.4 })
  it.tell({ inputVolts: 0 }, 'on-battery')
  expect(it.kept().at(-1)).not.toHaveProperty('inputVolts')
})

test('the voltage that was told last counts with its age, for ten minutes, and not beyond a change of the state', () => {
  const it = open()
  it.tell()
  expect(it.voltage()).toBeUndefined()
  it.tell({ inputVolts: 231.4 })
  it.passes(4 * minute)
  expect(it.voltage()).toEqual({ volts: 231.4, msAgo: 4 * minute })
  // Every sample of the meantime has it.
  expect(it.kept().slice(1)).toEqual(Array(3).fill(expect.objectContaining({ inputVolts: 231.4 })))
  it.passes(6 * minute)
  expect(it.voltage()?.msAgo).toBe(10 * minute)
  it.at.now += 1
  expect(it.voltage()).toBeUndefined()
  it.tell({ inputVolts: 229 })
  it.tell({}, 'on-battery')
  expect(it.voltage()).toBeUndefined()
  it.tell({ inputVolts: 0 }, 'on-battery')
  expect(it.voltage()?.volts).toBe(0)
  it.at.now += 2 * minute
  it.tell()
  expect(it.voltage()).toBeUndefined()
  expect(it.kept().at(-1)).not.toHaveProperty('inputVolts')
})

test('what was told is saved every ten minutes, an hour to a record, and found again after a restart', () => {
  const it = open()
  it.passes(9 * minute)
  expect(it.saved()).toEqual([])
  it.passes(2 * minute)
  expect(it.saved()).toMatchObject([{ ups: 'rack', hour: '2027-01-01T12:00:00.000Z' }])
  it.passes(80 * minute)
  expect(it.saved().map(({ hour }) => hour.slice(11, 13))).toEqual(['13', '12'])
  const before = it.kept()
  const again = open(it.journal, it.at.now)
  again.tell()
  expect(again.kept().length).toBeGreaterThan(before.length - 11)
  expect(again.kept().slice(0, 60)).toEqual(before.slice(0, 60))
})

test('a day is kept, and not more', () => {
  const it = open()
  it.passes(26 * 60 * minute)
  expect(it.kept().length).toBeLessThanOrEqual(24 * 60)
  expect(it.kept().length).toBeGreaterThan(23 * 60)
  expect(Date.parse(it.kept()[0]!.at)).toBeGreaterThanOrEqual(it.at.now - 24 * 60 * minute)
})

test('a clock that is set back by a year does not end it', () => {
  const it = open()
  it.passes(3 * minute)
  it.at.now -= 365 * 24 * 60 * minute
  it.passes(3 * minute)
  expect(it.kept().filter(({ at }) => Date.parse(at) <= it.at.now)).toHaveLength(3)
})
