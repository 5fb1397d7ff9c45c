import { describe, expect, test } from 'vitest'
import { finishUnrecorded, lookForLeftovers } from '../../src/operations/restore-outage.ts'
import { powerOf } from '../core/power/states.ts'
import { cp1, earlier, nas, pve, told, w1 } from './begun.ts'
import { agentAfter, described, films, finish, type Found, mark, off } from './leftovers.ts'

describe('nothing is left of a power cut', () => {
  test.each<{ name: string; found: Found; outcome: string }>([
    { name: 'where no node bears a mark', found: {}, outcome: 'done: there was no power cut' },
    {
      name: 'where the marks are those of an upgrade',
      found: { nodes: { 'w-1': { kubernetes: { cordon: { why: 'upgrade', at: earlier } } } } },
      outcome: 'done: there was no power cut',
    },
    {
      name: 'that may be told on battery',
      found: { power: powerOf({ rack: 'on-mains', desk: 'on-battery' }), nodes: { 'w-1': off } },
      outcome: 'done: mains power is not back',
    },
    {
      name: 'that can be seen while Kubernetes does not answer',
      found: { isApiAway: true },
      outcome: 'in 60 s: Kubernetes does not answer: nothing tells of a power cut',
    },
  ])('$name', async ({ found, outcome }) => {
    const { context } = agentAfter(found)
    const leftovers = await lookForLeftovers(context)
    expect(leftovers.kind === 'nothing' && described(leftovers.outcome)).toBe(outcome)
    const finished = await finish(found)
    expect([finished.outcome, finished.open, finished.carriedOut, finished.lines()]).toEqual([
      outcome,
      undefined,
      [],
      [],
    ])
  })

  test('and with the loss of the journal it is over, once people know who is off', async () => {
    const machines = [cp1, w1, nas, pve]
    const silent = { talos: 'silent', kubernetes: { ready: false } } as const
    const { outcome, isLost, lines } = await finish({
      machines,
      isLost: true,
      hostsUp: ['nas'],
      nodes: { 'w-1': silent },
    })
    expect([outcome, isLost]).toEqual(['in 600 s: a person decides over what is left off', false])
    expect(lines()).toEqual([
      'journal.unmarked: w-1 and pve are off, and with the journal it is lost whether they were up before the outage',
    ])
  })

  test('the alert ends once a person has woken them, and comes from no loss that is none', async () => {
    const silent = { talos: 'silent', kubernetes: { ready: false } } as const
    const agent = agentAfter({ isLost: true, nodes: { 'w-1': silent } })
    await finishUnrecorded(agent.context)
    expect(agent.alerts.find('journal.unmarked')?.action).toBe('Wake what is to run: `caretaker power wake w-1`')
    const woken = agentAfter({})
    await finishUnrecorded({ ...woken.context, alerts: agent.alerts })
    expect(agent.lines()).toEqual([])
    expect((await finish({ nodes: { 'w-1': silent } })).lines()).toEqual([])
  })
})

describe('a power cut without a record', () => {
  test('is put on record where machines are to be woken', async () => {
    const { outcome, open, lines, carriedOut } = await finish({ nodes: { 'cp-1': { kubernetes: mark }, 'w-1': off } })
    expect(outcome).toBe('in 0 s: an outage was found that is not on record')
    expect(told(open!)).toEqual({ 'cp-1': 'drained', 'w-1': 'off' })
    expect(open).toMatchObject({ startedAt: earlier, stage: 'stopped', reason: 'restored' })
    expect([lines(), carriedOut]).toEqual([[], []])
  })

  test('one that is going down counts as off', async () => {
    const down = { ...off, talos: { stage: 'shutting down' } } as const
    expect(told((await finish({ nodes: { 'w-1': down } })).open!)).toEqual({ 'w-1': 'off' })
  })

  test('is put on record where workloads are to be scaled up, of those that may be', async () => {
    const shed = [{ selector: 'app=films' }]
    const { open } = await finish({ scaled: [films], shed })
    expect(open).toMatchObject({ scaled: [films], stage: 'draining' })
    expect((await finish({ scaled: [films] })).outcome).toBe('done: there was no power cut')
  })

  test('is undone at once where everything is up', async () => {
    const other = { cordon: { why: 'upgrade', at: earlier } } as const
    const { outcome, open, carriedOut } = await finish({
      nodes: { 'cp-1': { kubernetes: mark }, 'w-1': { kubernetes: mark }, 'w-2': { kubernetes: other } },
    })
    expect(carriedOut).toEqual(['uncordon: uncordon cp-1, uncordon w-1'])
    expect([outcome, open]).toEqual([
      'done: cp-1, w-1 uncordoned: left cordoned by a power cut without a record',
      undefined,
    ])
  })

  test('leaves alone what a person has ordered down, and says so', async () => {
    const ordered = { ...off, kubernetes: { ...off.kubernetes, cordon: { ...mark.cordon, ordered: true } } } as const
    const { outcome, open, carriedOut, lines } = await finish({ nodes: { 'w-1': ordered, 'w-2': ordered } })
    expect([open, carriedOut]).toEqual([undefined, []])
    // It looks again, because the person may have woken them by then.
    expect(outcome).toBe('in 60 s: nothing is left of a power cut without a record that we may undo')
    expect(lines()).toEqual(['journal.ordered: w-1 and w-2 were shut down on request, and stay down'])
  })

  test('of which a node was off long before is undone, and the node is named', async () => {
    const long = { ...off, kubernetes: { ...off.kubernetes, notReadySince: Date.parse('2026-04-01T00:00:00Z') } }
    const { outcome, carriedOut, lines } = await finish({ nodes: { 'w-1': long }, isLost: true })
    expect(carriedOut).toEqual(['uncordon: uncordon w-1'])
    expect(outcome).toBe('in 60 s: w-1 uncordoned: left cordoned by a power cut without a record')
    expect(lines()).toEqual([
      'journal.unmarked: w-1 is off, and with the journal it is lost whether it was up before the outage',
    ])
  })

  test.each<{ storage: NonNullable<Found['storage']>; storageFlags?: boolean; is: readonly string[] }>([
    {
      storage: ['ceph', 'longhorn'],
      is: [
        'journal.storage: with the journal it is lost what Ceph and Longhorn had set before the outage: settings of the shutdown may still be in force',
      ],
    },
    { storage: [], is: [] },
    { storage: ['ceph'], storageFlags: false, is: [] },
  ])('tells of settings of $storage that nothing marks', async ({ storage, storageFlags = true, is }) => {
    expect((await finish({ storage, storageFlags, nodes: { 'w-1': off } })).lines()).toEqual(is)
  })
})

describe('where the journal is lost and Kubernetes does not answer', () => {
  const dark = { 'cp-1': { talos: 'silent' }, 'w-1': { talos: 'silent' } } as const

  test('control planes that are off are woken, and the NAS', async () => {
    const { outcome, open, lines, isLost } = await finish({ isApiAway: true, isLost: true, nodes: dark, hostsUp: [] })
    expect(outcome).toBe(
      'in 0 s: the journal is lost and no control plane answers: they are woken, to see what was shut down',
    )
    expect(told(open!)).toEqual({ nas: 'off, was ill', 'cp-1': 'off, was ill' })
    expect(open!.startedAt).toBe(earlier)
    expect([lines(), isLost]).toEqual([[], true])
  })

  test('those that are up are waited for', async () => {
    const { outcome, open, carriedOut } = await finish({ isApiAway: true, isLost: true, nodes: { 'w-1': off } })
    expect([outcome, open, carriedOut]).toEqual([
      'in 5 s: Kubernetes does not answer yet: its nodes bear the marks',
      undefined,
      [],
    ])
  })
})
