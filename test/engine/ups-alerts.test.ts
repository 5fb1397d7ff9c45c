import { describe, expect, test } from 'vitest'
import { type PowerState, startPower } from '../../src/core/power/state.ts'
import { nextPowerState } from '../../src/core/power/transitions.ts'
import type { Observation, UpsReading } from '../../src/core/power/ups.ts'
import { createUpsAlerts } from '../../src/engine/ups-alerts.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import type { PowerPolicy } from '../../src/core/power/triggers.ts'

const policy: PowerPolicy = {
  onBatteryAfter: 0,
  onMainsAfter: 0,
  lowBatteryAfter: 0,
  maxOnBattery: 900_000,
  deadTime: 30_000,
}
const minute = 60_000
const hour = 60 * minute

interface Monitored {
  readonly upses?: string[]
  readonly journal?: ReturnType<typeof memoryJournal>
  readonly changed?: Partial<PowerPolicy>
}

/** What an agent hears of a UPS called rack, on a clock that the test moves. */
function monitor({ upses = ['rack'], journal = memoryJournal(), changed = {} }: Monitored = {}) {
  const own = { ...policy, ...changed }
  let clock = 0
  const alerts = createAlerts(journal, () => new Date(clock))
  const noticing = createUpsAlerts({
    upses,
    policy: () => own,
    alerts,
    emit: async () => {},
    monotonic: () => clock,
  })
  let state: PowerState = startPower(0)
  const sees = (seen: Observation) => {
    state = nextPowerState(state, seen, own)
    noticing.notice('rack', seen, state)
  }
  const reads = (reading: Partial<UpsReading> = {}, afterMs = 1_000) =>
    sees({ kind: 'reading', at: (clock += afterMs), reading: { status: ['OL'], ...reading } })
  const silent = (afterMs: number) => sees({ kind: 'silence', at: (clock += afterMs), why: 'no answer' })
  const ids = () => alerts.all.map(({ id }) => id)
  return { noticing, alerts, journal, reads, silent, ids }
}

test('a UPS that falls silent is critical, and settled by its next word', () => {
  const { reads, silent, alerts, ids } = monitor()
  reads()
  silent(hour)
  expect(alerts.all).toEqual([
    expect.objectContaining({
      id: 'ups.silent:rack',
      severity: 'critical',
      subject: 'rack',
      action: expect.any(String),
    }),
  ])
  reads()
  expect(ids()).toEqual([])
})

test('a UPS that falls silent three times a day is unsteady until it has been heard for a day', () => {
  const { reads, silent, ids } = monitor()
  for (let turn = 0; turn < 3; turn++) {
    reads()
    silent(10 * minute)
  }
  reads()
  expect(ids()).toEqual(['ups.unsteady:rack'])
  for (let hours = 0; hours < 23; hours++) reads({}, hour)
  expect(ids()).toEqual(['ups.unsteady:rack'])
  reads({}, hour)
  reads({}, hour)
  expect(ids()).toEqual([])
})

test('an alert on a UPS that is no longer configured is settled at the start, and on one that is it waits for its word', () => {
  const { reads, silent, journal } = monitor()
  reads()
  silent(hour)
  expect(monitor({ journal }).ids()).toEqual(['ups.silent:rack'])
  expect(monitor({ journal, upses: ['desk'] }).ids()).toEqual([])
})

test('what a UPS says of its battery is said once while it lasts, whatever its figures do, and after a restart too', () => {
  const { reads, journal, ids } = monitor()
  for (let charge = 90; charge > 60; charge--) reads({ status: ['OL', 'LB', 'RB'], charge })
  expect(ids()).toEqual(['ups.low:rack', 'ups.replace:rack'])
  const again = monitor({ journal })
  again.reads({ status: ['OL', 'LB', 'RB'], charge: 55 })
  expect(journal.entries(100).filter(({ kind }) => kind === 'alert')).toHaveLength(2)
  again.reads({ charge: 100 })
  expect(again.ids()).toEqual([])
})

test('a forced shutdown that upsd keeps is critical until mains counts again, and not settled by not knowing', () => {
  const { reads, journal, ids } = monitor()
  reads({ status: ['FSD', 'OL'] })
  expect(ids()).toEqual(['ups.latched:rack'])
  const again = monitor({ journal })
  again.silent(1_000)
  expect(again.ids()).toEqual(['ups.latched:rack'])
  again.reads()
  expect(again.ids()).toEqual([])
})

test('a full battery that lasts for less than a shutdown takes is said on mains power', () => {
  const { reads, alerts, ids } = monitor({ changed: { minimumRuntime: 285_000 } })
  reads({ charge: 100, runtime: 600_000 })
  reads({ charge: 60, runtime: 200_000 })
  expect(ids()).toEqual([])
  reads({ charge: 100, runtime: 200_000 })
  expect(ids()).toEqual(['ups.short:rack'])
  expect(alerts.all[0]?.text).toContain('lasts for only 3 min with a full battery, and a shutdown takes 5 min')
  reads({ charge: 100, runtime: 300_000 })
  expect(ids()).toEqual([])
})

describe('a low battery on mains power', () => {
  const low = { status: ['OL', 'LB'], charge: 30 }

  test('is said once it has lasted for two hours, with what a power cut does', () => {
    const { reads, alerts, ids } = monitor({ changed: { lowBatteryAfter: 3_000 } })
    reads(low)
    reads(low, 2 * hour - 1)
    expect(ids()).toEqual([])
    reads(low, 1)
    expect(ids()).toEqual(['ups.low:rack'])
    expect(alerts.all[0]).toMatchObject({
      severity: 'warning',
      text: 'rack has reported a low battery (LB) on mains power for 2 h: a power cut shuts everything down after 3 s',
    })
    reads({ ...low, status: ['OL'] })
    expect(ids()).toEqual([])
  })

  test('that ends in between begins anew', () => {
    const { reads, ids } = monitor()
    reads(low)
    reads({ ...low, status: ['OL'] }, hour)
    reads(low, 1_000)
    reads(low, hour)
    expect(ids()).toEqual([])
  })

  test('that figures contradict is said at once, a runtime of 0 that LB is made of too', () => {
    const { reads, alerts, ids } = monitor()
    reads({ status: ['OL', 'LB'], charge: 100, runtime: 0 })
    expect(ids()).toEqual(['ups.low:rack'])
    expect(alerts.all[0]?.text).toContain('contradict: a charge of 100 %')
    reads({ status: ['OL', 'LB'], charge: 100, runtime: 0 }, minute)
    expect(ids()).toContain('ups.figures:rack')
  })

  test('is not said where it is ignored', () => {
    const { reads, ids } = monitor({ changed: { ignoreLowBattery: true } })
    reads(low)
    reads(low, 3 * hour)
    reads({ ...low, charge: 100 })
    expect(ids()).toEqual([])
  })
})

test.each(['OL BYPASS', 'OL OFF', 'OL OVER', 'OL ALARM', 'OL RB', 'OL LB', 'OL OLB', 'FSD OL'])(
  'an alert on %s says what to do about it',
  (status) => {
    const { reads, alerts } = monitor()
    reads({ status: status.split(' '), charge: 90, runtime: 3_000_000 })
    expect(alerts.all).toHaveLength(1)
    expect(alerts.all[0]?.action).toEqual(expect.any(String))
  },
)
