import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Alert, type AlertChange, type AlertContent, namedKinds } from '../../src/core/alert.ts'
import { readSources } from '../structure/source.ts'
import { failedBefore, settleStale } from '../../src/operations/alerts.ts'
import { createAnyAlerts } from '../fakes/any-alerts.ts'
import { memoryJournal } from '../fakes/journal.ts'

const warning = (text: string, more: Partial<AlertContent> = {}): AlertContent => ({
  severity: 'warning',
  subject: 'w-1',
  text,
  ...more,
})

/** An agent's alerts and journal, with a clock that goes on by a second at each look. */
function agent(journal = memoryJournal()) {
  let clock = Date.parse('2026-11-22T10:00:00Z')
  const alerts = createAnyAlerts(journal, () => new Date((clock += 1_000)))
  const heard: string[] = []
  alerts.subscribe(({ id }, change) => void heard.push(`${change} ${id}`))
  return {
    alerts,
    journal,
    heard,
    /** What the journal says, oldest first. */
    written: () =>
      journal
        .entries(100)
        .toReversed()
        .map(({ kind, subject, text }) => `${kind} ${subject ?? '-'}: ${text}`),
    ids: () => alerts.all.map(({ id }) => id),
  }
}

describe('an alert', () => {
  test('whose text follows figures opens once, and neither the journal nor a listener hears of each', () => {
    const { alerts, heard, written } = agent()
    for (const charge of [90, 80, 70]) alerts.refresh('ups.low:rack', warning(`rack is at ${charge} %`))
    expect(alerts.find('ups.low:rack')).toMatchObject({
      text: 'rack is at 70 %',
      since: '2026-11-22T10:00:01.000Z',
    })
    expect(heard).toEqual(['opened ups.low:rack'])
    alerts.refresh('ups.low:rack', warning('rack is at 5 %', { severity: 'critical' }))
    alerts.settle('ups.low:rack')
    expect(written()).toEqual([
      'alert w-1: rack is at 90 %',
      'alert w-1: rack is at 5 %',
      'alert w-1: settled: rack is at 5 %',
    ])
    expect(heard).toEqual(['opened ups.low:rack', 'changed ups.low:rack', 'settled ups.low:rack'])
  })

  test('that is settled says how it ended, where its condition did not simply end', () => {
    const { alerts, written } = agent()
    alerts.open('ups.silent:rack', warning('rack is silent, and the power is not guarded: no route to the NAS'))
    settleStale(alerts, { job: [], node: [], hasOutage: false })
    expect(alerts.find('ups.silent:rack')).toBeDefined()
    alerts.open('node.armed:w-9', warning('w-9 starts another release at the next boot: an upgrade is installed'))
    settleStale(alerts, { job: [], node: ['w-1'], hasOutage: false })
    expect(alerts.settled(1)).toMatchObject([{ id: 'node.armed:w-9', ending: 'it is no longer configured' }])
    expect(written().at(-1)).toBe(
      'alert w-1: settled: w-9 starts another release at the next boot; it is no longer configured',
    )
  })

  test('is open from its first report until it is settled, with what to do and since when', () => {
    const { alerts, written } = agent()
    expect(alerts.open('node.armed:w-1', warning('w-1 is armed', { action: 'Disarm it' }))).toBe(true)
    expect(alerts.all).toEqual([
      {
        id: 'node.armed:w-1',
        severity: 'warning',
        subject: 'w-1',
        text: 'w-1 is armed',
        action: 'Disarm it',
        since: '2026-11-22T10:00:01.000Z',
      },
    ])
    expect(alerts.settle('node.armed:w-1')).toBe(true)
    expect(alerts.all).toEqual([])
    expect(alerts.settled(5)).toEqual([
      expect.objectContaining({
        id: 'node.armed:w-1',
        since: '2026-11-22T10:00:01.000Z',
        settledAt: '2026-11-22T10:00:02.000Z',
      }),
    ])
    expect(written()).toEqual(['alert w-1: w-1 is armed. Disarm it', 'alert w-1: settled: w-1 is armed'])
  })

  test('that is reported again in the same words is said once, and keeps its time', () => {
    const { alerts, written, heard } = agent()
    for (let turn = 0; turn < 3; turn++) alerts.open('lease', warning('w-1 is away'))
    expect(alerts.open('lease', warning('w-1 is away'))).toBe(false)
    expect(written()).toEqual(['alert w-1: w-1 is away'])
    expect(heard).toEqual(['opened lease'])
    expect(alerts.all[0]!.since).toBe('2026-11-22T10:00:01.000Z')
  })

  test('that says something else now is said anew, and is the same alert since its first word', () => {
    const { alerts, written, heard } = agent()
    alerts.open('lease', warning('w-1 is away'))
    expect(alerts.open('lease', warning('w-2 is away'))).toBe(true)
    expect(written()).toEqual(['alert w-1: w-1 is away', 'alert w-1: w-2 is away'])
    expect(heard).toEqual(['opened lease', 'changed lease'])
    expect(alerts.all).toEqual([expect.objectContaining({ text: 'w-2 is away', since: '2026-11-22T10:00:01.000Z' })])
  })

  test('that only becomes more severe is brought up to date without another sentence', () => {
    const { alerts, written, heard } = agent()
    alerts.open('lease', warning('w-1 is away'))
    expect(alerts.open('lease', warning('w-1 is away', { severity: 'critical' }))).toBe(false)
    expect(alerts.all[0]!.severity).toBe('critical')
    expect(heard).toEqual(['opened lease', 'changed lease'])
    expect(written()).toHaveLength(1)
  })

  test('that was settled opens anew, with a new time', () => {
    const { alerts, written } = agent()
    alerts.report('lease', warning('w-1 is away'))
    alerts.report('lease', undefined)
    alerts.report('lease', warning('w-1 is away'))
    expect(alerts.all[0]!.since).toBe('2026-11-22T10:00:03.000Z')
    expect(written()).toEqual(['alert w-1: w-1 is away', 'alert w-1: settled: w-1 is away', 'alert w-1: w-1 is away'])
  })

  test('that was never open is settled in silence', () => {
    const { alerts, written, heard } = agent()
    expect(alerts.settle('lease')).toBe(false)
    expect(alerts.report('lease', undefined)).toBe(false)
    expect([...written(), ...heard]).toEqual([])
  })

  test('does not open anew because the agent is started again, and is settled by it', () => {
    const first = agent()
    first.alerts.open('ups.silent:rack', warning('rack is silent'))
    const second = agent(first.journal)
    expect(second.alerts.open('ups.silent:rack', warning('rack is silent'))).toBe(false)
    expect(second.heard).toEqual([])
    expect(second.alerts.settle('ups.silent:rack')).toBe(true)
    expect(agent(first.journal).ids()).toEqual([])
    expect(first.written()).toEqual(['alert w-1: rack is silent', 'alert w-1: settled: rack is silent'])
  })
})

test('alerts are listed with the most severe first, and then the oldest', () => {
  const { alerts, ids } = agent()
  alerts.open('info', warning('a', { severity: 'info' }))
  alerts.open('newer', warning('b'))
  alerts.open('critical', warning('c', { severity: 'critical' }))
  alerts.open('newest', warning('d'))
  expect(ids()).toEqual(['critical', 'newer', 'newest', 'info'])
})

test('of critical alerts those about the power come first, however new', () => {
  const { alerts, ids } = agent()
  const critical = { severity: 'critical' } as const
  alerts.open('ups.clock', warning('a'))
  alerts.open('upsy:rack', warning('b', critical))
  alerts.open('journal.damaged:a', warning('c', critical))
  alerts.open('job.failed:shut-down-cluster', warning('d', critical))
  alerts.open('ups.silent:rack', warning('e', critical))
  expect(ids()).toEqual([
    'job.failed:shut-down-cluster',
    'ups.silent:rack',
    'upsy:rack',
    'journal.damaged:a',
    'ups.clock',
  ])
})

test('all alerts of a kind are reported at once: who is not among them is settled', () => {
  const { alerts, ids, heard } = agent()
  const armed = (...names: string[]) => new Map(names.map((name) => [name, warning(`${name} is armed`)]))
  alerts.open('node.armedness', warning('another kind'))
  alerts.reportEach('node.armed', armed('w-1', 'w-2'))
  alerts.reportEach('node.armed', armed('w-2', 'w-3'))
  expect(ids()).toEqual(['node.armedness', 'node.armed:w-2', 'node.armed:w-3'])
  expect(heard.filter((line) => line.includes(':'))).toEqual([
    'opened node.armed:w-1',
    'opened node.armed:w-2',
    'settled node.armed:w-1',
    'opened node.armed:w-3',
  ])
})

test('what has left the configuration while the agent was down is settled at its start', () => {
  const { alerts, ids } = agent()
  for (const id of ['job.failed:old-job', 'job.failed:stage-image', 'node.armed:w-9', 'node.armed:w-1', 'outage.left'])
    alerts.open(id, warning(id))
  const known = { job: ['stage-image'], node: ['w-1'] }
  settleStale(alerts, { ...known, hasOutage: true })
  expect(ids()).toEqual(['job.failed:stage-image', 'node.armed:w-1', 'outage.left'])
  settleStale(alerts, { ...known, hasOutage: false })
  expect(ids()).toEqual(['job.failed:stage-image', 'node.armed:w-1'])
})

test('every kind of alert about something with a name is of a kind whose names somebody knows', async () => {
  const sources = await readSources(fileURLToPath(new URL('../..', import.meta.url)), '{src,jobs}/**/*.ts')
  const found = sources.flatMap(({ text }) => [
    ...[...text.matchAll(/(?:open|report|settle)\(\s*`([a-z.-]+):\$\{/g)].map(([, kind]) => kind!),
    ...[...text.matchAll(/reportEach\(\s*'([a-z.-]+)'/g)].map(([, kind]) => kind!),
    ...[...text.matchAll(/warn\('([a-z]+\.[a-z]+)'/g)].map(([, kind]) => kind!),
  ])
  // These end with the one thing that they are about.
  const ends = ['outage', 'journal']
  const words = new Set(found.map((kind) => kind.split('.')[0]!))
  expect([...words].filter((word) => !ends.includes(word)).toSorted()).toEqual([...namedKinds].toSorted())
})

test('a listener that throws costs neither the alert nor the other listeners anything, and one that left hears nothing', () => {
  const { alerts, heard } = agent()
  const told: [Alert, AlertChange][] = []
  alerts.subscribe(() => {
    throw new Error('a fault of the listener')
  })
  const listening = alerts.subscribe((...given) => void told.push(given))
  alerts.open('lease', warning('w-1 is away'))
  listening[Symbol.dispose]()
  alerts.settle('lease')
  expect(heard).toEqual(['opened lease', 'settled lease'])
  expect(told).toEqual([[expect.objectContaining({ id: 'lease', text: 'w-1 is away' }), 'opened']])
})

test('alerts that were settled are told newest first, beside those that are open', () => {
  const { alerts } = agent()
  alerts.open('open', warning('open'))
  for (let turn = 0; turn < 10; turn++) {
    alerts.open('lease', warning(`${turn}`))
    alerts.settle('lease')
  }
  expect(alerts.settled(3).map(({ text }) => text)).toEqual(['9', '8', '7'])
  expect(alerts.settled(100)).toHaveLength(10)
})

test('a job in process that had failed is tried again at the start, and one that the queue brings back is not', () => {
  const { alerts } = agent()
  const job = (name: string, runs: 'queue' | 'in-process') => ({ name, about: '', triggers: [], runs })
  const jobs = [job('shut-down-cluster', 'in-process'), job('shed-load', 'in-process'), job('stage-image', 'queue')]
  for (const name of ['shut-down-cluster', 'stage-image']) alerts.open(`job.failed:${name}`, warning('no'))
  expect(failedBefore(jobs, alerts).map(({ name }) => name)).toEqual(['shut-down-cluster'])
})
