import { expect, test } from 'vitest'
import type { Journal } from '../../src/core/journal.ts'
import { factKind, type RecordKind } from '../../src/core/records.ts'
import { flag, listOf, object, text } from '../../src/core/shape.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { beginRollout, endRollout, withNodeEnded, withNodeStarted, withPhase } from '../../src/core/upgrade/record.ts'
import { outageOf } from '../core/power/outages.ts'

interface Leak {
  readonly where: string
  readonly isDry: boolean
}

/** A kind of record that no journal was made for. */
const leakKind: RecordKind<Leak> = {
  name: 'leak',
  parse: object<Leak>({ where: text, isDry: flag }),
  keyOf: ({ where }) => where,
  isOpen: ({ isDry }) => !isDry,
  retention: { most: 10 },
}

export interface JournalUnderTest extends AsyncDisposable {
  readonly journal: Journal
}

const outageAt = (startedAt: string, stage: Outage['stage'] = 'draining'): Outage => ({
  ...outageOf(new Date(startedAt), ['cp-1', 'w-1'], new Set(['cp-1'])),
  stage,
})

/** What a journal promises, whatever it is kept in. `now` is what it takes for the present time. */
export function journalContract(open: (now: () => Date) => Promise<JournalUnderTest>): void {
  let clock = Date.parse('2026-11-22T10:00:00Z')
  const start = () => open(() => new Date((clock += 1_000)))

  test('gives sentences back newest first, no more than asked for, and without a subject where there is none', async () => {
    await using opened = await start()
    const { journal } = opened
    expect(journal.entries(10)).toEqual([])
    journal.write({ kind: 'power', subject: 'ups', text: 'ups is on battery' })
    journal.write({ kind: 'alert', text: 'a \' " \0 📟' })
    journal.write({ kind: 'step', subject: 'cp-1', text: 'cordon cp-1: done' })
    const entries = journal.entries(2)
    expect(entries.map(({ kind, text }) => [kind, text])).toEqual([
      ['step', 'cordon cp-1: done'],
      ['alert', 'a \' " \0 📟'],
    ])
    expect(entries[0]!.subject).toBe('cp-1')
    expect(entries[1]!.subject).toBeUndefined()
    expect(entries[0]!.id).toBeGreaterThan(entries[1]!.id)
    expect(entries[0]!.at > entries[1]!.at).toBe(true)
    expect(new Date(entries[0]!.at).toISOString()).toBe(entries[0]!.at)
  })

  test('shows a run without an end until it has one', async () => {
    await using opened = await start()
    const { journal } = opened
    const first = journal.beginRun('upgrade-node')
    const second = journal.beginRun('stage-image')
    expect(second).not.toBe(first)
    journal.endRun(first, 'later', 'cp-1 not ready')
    const [newest, oldest] = journal.runs(10)
    expect(newest).toMatchObject({ id: second, job: 'stage-image' })
    for (const key of ['endedAt', 'outcome', 'detail'] as const) expect(newest![key]).toBeUndefined()
    expect(oldest).toMatchObject({ id: first, job: 'upgrade-node', outcome: 'later', detail: 'cp-1 not ready' })
    expect(oldest!.endedAt! > oldest!.startedAt).toBe(true)
    expect(journal.runs(1)).toHaveLength(1)
  })

  test('keeps when a release was first seen, however often it is seen again', async () => {
    await using opened = await start()
    const { journal } = opened
    expect([...journal.firstSeen(['v1.13.9'], 100)]).toEqual([['v1.13.9', 100]])
    const later = journal.firstSeen(['v1.13.9', 'v1.14.0'], 200)
    expect(Object.fromEntries(later)).toEqual({ 'v1.13.9': 100, 'v1.14.0': 200 })
    expect(Object.fromEntries(journal.firstSeen([], 300))).toEqual({ 'v1.13.9': 100, 'v1.14.0': 200 })
  })

  test('keeps records of a kind that nobody else knows: those that are open, and all of them, newest first', async () => {
    await using opened = await start()
    const leaks = opened.journal.records(leakKind)
    expect([leaks.get('a'), leaks.lastKey(), ...leaks.open(), ...leaks.newest(5)]).toEqual([undefined, undefined])
    const [a, b, c] = ['a', 'b', 'c'].map((where) => ({ where, isDry: false }))
    for (const leak of [b!, a!, c!]) leaks.save(leak)
    expect(leaks.open()).toEqual([c, b, a])
    leaks.save({ where: 'b', isDry: true })
    expect(leaks.open()).toEqual([c, a])
    expect(leaks.newest(2)).toEqual([c, { where: 'b', isDry: true }])
    expect(leaks.get('b')).toEqual({ where: 'b', isDry: true })
    leaks.remove('c')
    leaks.remove('never there')
    expect([leaks.get('c'), leaks.lastKey()]).toEqual([undefined, 'b'])
    expect(opened.journal.records(leakKind).newest(5)).toEqual([{ where: 'b', isDry: true }, a])
  })

  test('gives a list page by page, also while part of it has not reached the disk', async () => {
    await using opened = await start()
    const leaks = opened.journal.records(leakKind)
    for (const where of ['a', 'c', 'e']) leaks.save({ where, isDry: false })
    for (const where of ['b', 'd']) leaks.save({ where, isDry: true }, 'later')
    const pages = [undefined, 'd', 'c', 'bb', 'a'].map((before) => leaks.newest(2, before).map(({ where }) => where))
    expect(pages).toEqual([['e', 'd'], ['c', 'b'], ['b', 'a'], ['b', 'a'], []])
    expect(leaks.open().map(({ where }) => where)).toEqual(['e', 'c', 'a'])
  })

  test('gives a record back as a copy, and what may be written later at once', async () => {
    await using opened = await start()
    const leaks = opened.journal.records(leakKind)
    const leak = { where: 'a', isDry: false }
    leaks.save(leak, 'later')
    leak.isDry = true
    expect([leaks.get('a'), leaks.open(), leaks.newest(1)]).toEqual([
      { where: 'a', isDry: false },
      [{ where: 'a', isDry: false }],
      [{ where: 'a', isDry: false }],
    ])
    leaks.remove('a', 'later')
    expect([leaks.get('a'), ...leaks.open(), ...leaks.newest(1)]).toEqual([undefined])
  })

  test('keeps facts by their names until they are forgotten, empty ones too', async () => {
    await using opened = await start()
    const { journal } = opened
    const releases = factKind('releases', listOf(text))
    const name = factKind('name', text)
    expect(journal.records(releases).get('')).toBeUndefined()
    journal.records(releases).save(['v1.14.0'])
    journal.records(name).save('')
    expect([journal.records(releases).get(''), journal.records(name).get('')]).toEqual([['v1.14.0'], ''])
    journal.records(releases).remove('')
    expect([journal.records(releases).get(''), journal.records(name).get('')]).toEqual([undefined, ''])
  })

  test('counts runs of a job that come to the same as one, the newest', async () => {
    await using opened = await start()
    const { journal } = opened
    const run = (job: string, detail: string) => journal.endRun(journal.beginRun(job), 'later', detail)
    for (let turn = 0; turn < 3; turn++) {
      run('upgrade-node', 'the cluster is held')
      run('watch-releases', 'nothing is new')
    }
    run('upgrade-node', 'cp-1 is not ready')
    run('upgrade-node', 'the cluster is held')
    expect(journal.runs(10).map(({ job, detail }) => `${job}: ${detail}`)).toEqual([
      'upgrade-node: the cluster is held',
      'upgrade-node: cp-1 is not ready',
      'watch-releases: nothing is new',
      'upgrade-node: the cluster is held',
    ])
    const [, , watched] = journal.runs(10)
    expect(watched!.endedAt! > watched!.startedAt).toBe(true)
    expect(watched!.id).toBe(6)
  })

  test('has an open outage from its first record until it is over', async () => {
    await using opened = await start()
    const { journal } = opened
    expect(journal.openOutage()).toBeUndefined()
    for (const stage of ['draining', 'stopping', 'stopped', 'waking'] as const) {
      journal.saveOutage(outageAt('2026-11-22T01:00:00Z', stage))
      expect(journal.openOutage()).toEqual(outageAt('2026-11-22T01:00:00Z', stage))
    }
    journal.saveOutage(outageAt('2026-11-22T01:00:00Z', 'over'))
    expect(journal.openOutage()).toBeUndefined()
    journal.saveOutage(outageAt('2026-11-22T02:00:00Z'))
    expect(journal.openOutage()).toEqual(outageAt('2026-11-22T02:00:00Z'))
    expect(journal.outages(10).map(({ stage }) => stage)).toEqual(['draining', 'over'])
    expect(journal.outages(1)).toEqual([outageAt('2026-11-22T02:00:00Z')])
  })

  test('has an open rollout from its first record until its end, with every node and phase', async () => {
    await using opened = await start()
    const { journal } = opened
    expect(journal.openRollout()).toBeUndefined()
    expect(journal.rollouts(10)).toEqual([])
    let rollout = beginRollout('v1.13.9', new Date('2026-11-22T01:00:00Z'))
    const at = new Date('2026-11-22T01:10:00Z')
    for (const change of [
      () => rollout,
      () => withNodeStarted(rollout, { name: 'w-1', role: 'worker', from: 'v1.13.8' }, at),
      () => withPhase(rollout, 'w-1', 'drain', 90_000),
      () => withNodeEnded(rollout, 'w-1', { outcome: 'failed', failure: 'a \' " \0 📟' }, at),
    ]) {
      rollout = change()
      journal.saveRollout(rollout)
      expect(journal.openRollout()).toEqual(rollout)
    }
    rollout = endRollout(rollout, 'done', at)
    journal.saveRollout(rollout)
    expect(journal.openRollout()).toBeUndefined()
    expect(journal.rollouts(10)).toEqual([rollout])
  })

  test('gives rollouts back newest first, and the newest open one, in whatever order they end', async () => {
    await using opened = await start()
    const { journal } = opened
    const first = beginRollout('v1.13.8', new Date('2026-11-20T01:00:00Z'))
    const second = beginRollout('v1.13.9', new Date('2026-11-21T01:00:00Z'))
    const third = beginRollout('v1.14.0', new Date('2026-11-22T01:00:00Z'))
    for (const rollout of [first, third, second]) journal.saveRollout(rollout)
    expect(journal.openRollout()).toEqual(third)
    journal.saveRollout(endRollout(first, 'superseded', new Date('2026-11-22T02:00:00Z')))
    expect(journal.openRollout()).toEqual(third)
    journal.saveRollout(endRollout(third, 'aborted', new Date('2026-11-22T02:00:00Z')))
    expect(journal.openRollout()).toEqual(second)
    expect(journal.rollouts(10).map(({ release }) => release)).toEqual(['v1.14.0', 'v1.13.9', 'v1.13.8'])
    expect(journal.rollouts(2).map(({ release }) => release)).toEqual(['v1.14.0', 'v1.13.9'])
  })

  test('is well', async () => {
    await using opened = await start()
    opened.journal.write({ kind: 'event', text: 'something' })
    expect(opened.journal.degraded).toBeUndefined()
  })
}
