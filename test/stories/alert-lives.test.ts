import { describe, expect, test } from 'vitest'
import { alertKind } from '../../src/core/alert.ts'
import { type AlertKind, alertKinds } from '../../src/core/alert-kinds.ts'
import { beginOutage } from '../../src/core/power/outage.ts'
import { createAlerts, settleStale } from '../../src/operations/alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { clusterConditions } from './alert-lives/cluster.ts'
import { daemonConditions } from './alert-lives/daemon.ts'
import type { Condition, Conditions } from './alert-lives/life.ts'
import { machineConditions } from './alert-lives/machines.ts'
import { disarmed, upsConditions } from './alert-lives/ups.ts'

/** A kind that has neither does not compile. */
const conditions: Conditions<AlertKind> = {
  ...clusterConditions,
  ...daemonConditions,
  ...machineConditions,
  ...upsConditions,
}

interface Tried {
  readonly id: string
  readonly begin: () => Condition
}

const tried: readonly Tried[] = [
  ...alertKinds.flatMap((kind): readonly Tried[] => {
    const begin = conditions[kind]
    if (typeof begin === 'string') return []
    const { name } = begin()
    return [{ id: name === undefined ? kind : `${kind}:${name}`, begin }]
  }),
  { id: 'ups.disarmed.low-charge:ups', begin: disarmed },
]

/** A journal that outlives processes, and a clock on which no two looks are at the same time. */
function daemon(id: string, condition: Condition) {
  let clock = Date.parse('2026-11-27T08:00:00Z')
  const now = () => new Date((clock += 1_000))
  const journal = memoryJournal(now)
  const records = () =>
    journal
      .records(alertKind)
      .newest(1_000)
      .filter((alert) => alert.id === id)
  return {
    /** A process of the daemon, with what it changed of this alert. */
    start: () => {
      const alerts = createAlerts(journal, now)
      const changes: string[] = []
      alerts.subscribe((alert, change) => void (alert.id === id && changes.push(change)))
      return { ...condition.start({ journal, alerts, now }), alerts, changes }
    },
    records,
    open: () => records().filter(({ settledAt }) => settledAt === undefined),
  }
}

describe.each(tried)('$id', ({ id, begin }) => {
  async function opened() {
    const condition = begin()
    const it = daemon(id, condition)
    const first = it.start()
    if (condition.looksBefore) await first.look()
    condition.begin()
    await first.look()
    const [alert] = it.open()
    expect(alert).toBeDefined()
    return { condition, it, first, alert: alert! }
  }

  test('is the same alert after a restart while its cause is there, and is settled once when it has gone', async () => {
    const { condition, it, first, alert } = await opened()
    first.die?.()
    const second = it.start()
    await second.look()
    expect(it.records()).toMatchObject([{ since: alert.since }])
    expect(it.open()).toHaveLength(1)
    expect(second.changes).not.toContain('opened')
    condition.end()
    await second.look()
    await second.look()
    expect(it.records()).toMatchObject([{ since: alert.since, settledAt: expect.any(String) }])
    expect(second.changes.filter((change) => change === 'settled')).toHaveLength(1)
    second.die?.()
  })

  test('is settled once where its cause has gone while the daemon was down', async () => {
    const { condition, it, first, alert } = await opened()
    first.die?.()
    condition.end()
    const second = it.start()
    await second.look()
    await second.look()
    expect(it.records()).toMatchObject([{ since: alert.since, settledAt: expect.any(String) }])
    expect(second.changes).toEqual(['settled'])
    second.die?.()
  })
})

test('what is told of an outage is kept with it, and settled where it ended without a word', () => {
  const kinds = alertKinds.filter((kind) => kind.startsWith('outage.'))
  const journal = memoryJournal()
  const start = () => {
    const alerts = createAlerts(journal, () => new Date())
    settleStale(alerts, { job: [], node: [], hasOutage: journal.openOutage() !== undefined })
    return alerts
  }
  const outage = beginOutage(new Date(), 'low-battery', 'draining')
  journal.saveOutage(outage)
  const first = start()
  for (const kind of kinds) first.open(kind, { severity: 'warning', subject: 'power', text: kind })
  expect(start().all).toHaveLength(kinds.length)
  journal.saveOutage({ ...outage, stage: 'over', endedAt: new Date().toISOString() })
  expect(start().all).toEqual([])
  expect(
    start()
      .settled(100)
      .map(({ ending }) => ending),
  ).toEqual(kinds.map(() => 'the power cut is over'))
})
