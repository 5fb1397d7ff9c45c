import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { beginRollout, type Rollout, type RolloutNode } from '../../src/core/upgrade/record.ts'
import { abortsIn } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { rollBack } from '../../src/operations/rollback-request.ts'
import {
  armedEntries,
  clusterOf,
  controlPlane,
  controlPlanes,
  type NodeChoices,
  worker,
} from '../core/cluster/nodes.ts'
import { admin } from '../fakes/person.ts'
import { open, signed } from './requesting.ts'

const at = '2026-05-01T02:40:00.000Z'
/** Of an upgrade from v1.13.8 to v1.13.9 that was begun in this boot. */
const begun: CordonMark = { why: 'upgrade', at, release: 'v1.13.9', from: 'v1.13.8', bootId: 'boot-1' }
const marked = (mark: Partial<CordonMark>) => ({ unschedulable: true, cordon: { ...begun, ...mark } })

interface Requested {
  /** What is seen of w-1, which runs v1.13.8; or of cp-1, the only control plane. */
  readonly w1?: NodeChoices
  readonly cp1?: NodeChoices
  /** The whole cluster, in place of both. */
  readonly nodes?: readonly Node[]
  readonly node?: string
  readonly force?: boolean
  /** Newest first. */
  readonly rollouts?: readonly Rollout[]
  readonly rollbacks?: Parameters<typeof remembered.rollbacks.remember>[1]
  readonly isPaused?: true
  /** Whoever asks leaves while the plan is looked at. */
  readonly leaves?: true
}

/** A person asks, and what became of it. */
async function asks({ w1, cp1, node = 'w-1', force = false, rollouts = [], ...more }: Requested = {}) {
  await using homelab = await open(({ control }) => (more.isPaused ? control.pause('guests') : undefined))
  const { agent, homelab: fake, now } = { ...homelab, now: () => new Date('2026-05-01T03:00:00.000Z') }
  const { journal } = fake.ports
  for (const rollout of rollouts) journal.saveRollout(rollout)
  remembered.rollbacks.remember(journal, more.rollbacks)
  const nodes = more.nodes ?? [controlPlane('cp-1', ['cp-1'], cp1), worker('w-1', w1)]
  const started: string[] = []
  const leave = new AbortController()
  const means = {
    agent: {
      jobs: agent.jobs,
      observe: async () => clusterOf(...nodes),
      start: async ({ name }: { name: string }) => void started.push(name),
      preview: (...given: Parameters<typeof agent.preview>) => {
        if (more.leaves) leave.abort(new Error('they left'))
        return agent.preview(...given)
      },
    },
    ports: {
      ...fake.ports,
      talos: {
        observe: async (name: string) => {
          const talos = nodes.find((one) => one.name === name)!.talos
          if (!talos.ok) throw new AgentError('unreachable', talos.error)
          return talos.value
        },
      },
    },
    config: () => homelab.config,
    now,
  } as unknown as Parameters<typeof rollBack>[0]
  const written = signed(fake).length
  const answer = await rollBack(means, { node, force }, { by: admin, signal: leave.signal }).catch(
    (error: AgentError) => `${error.code}: ${error.message}`,
  )
  return {
    said: typeof answer === 'string' ? answer : answer.said,
    changed: typeof answer !== 'string' && answer.changed,
    requests: remembered.rollbacks.recall(journal) ?? [],
    aborts: abortsIn(journal),
    record: journal.openRollout(),
    newest: journal.rollouts(1)[0],
    started,
    written: signed(fake).length - written,
  }
}

const rollout = (release: string, one?: Partial<RolloutNode>, ended = true): Rollout => ({
  ...beginRollout(release, new Date(at)),
  ...(ended ? { endedAt: at, outcome: 'done' } : {}),
  nodes: one ? { 'w-1': { role: 'worker', from: 'v1.13.7', startedAt: at, failures: [], phases: {}, ...one } } : {},
})
const came = rollout('v1.13.8', { outcome: 'upgraded' })
const wentBack = rollout('v1.13.9', { from: 'v1.13.8', outcome: 'rolled-back' })

describe('a node is rolled back', () => {
  test.each<{ name: string; asked: Requested; said: string; to?: string }>([
    {
      name: 'to what our record says that it ran before',
      asked: { rollouts: [came] },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.7',
      to: 'v1.13.7',
    },
    {
      name: 'to what the mark of its upgrade says that it ran before',
      asked: { w1: { talos: { version: 'v1.13.9', bootId: 'boot-2' }, kubernetes: marked({ rebooting: true }) } },
      said: 'w-1 will be rolled back from v1.13.9 to v1.13.8',
      to: 'v1.13.8',
    },
    {
      name: 'where it says itself that there is something to boot',
      asked: { w1: { talos: { hasOtherEntry: true } } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, where nobody knows whether there is something',
      asked: { force: true },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, where it says that there is nothing',
      asked: { force: true, w1: { talos: { hasOtherEntry: false } } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'with force, forward again',
      asked: { force: true, rollouts: [wentBack] },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.9',
      to: 'v1.13.9',
    },
    {
      name: 'with force, though it has booted the release before already',
      asked: { force: true, w1: { kubernetes: marked({ rebooting: true, bootId: 'boot-0' }) } },
      said: 'w-1 will be rolled back from v1.13.8 to v1.13.8',
      to: 'v1.13.8',
    },
    {
      name: 'by being disarmed, where another release is installed',
      asked: { w1: { talos: armedEntries } },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'by being disarmed, also after it was rolled back once',
      asked: { w1: { talos: armedEntries }, rollouts: [wentBack] },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'with force by being disarmed, where an upgrade is staged',
      asked: { force: true, w1: { talos: { staged: true } } },
      said: 'w-1 is disarmed: it reboots into the release that it runs',
    },
    {
      name: 'by being left as it is, where its upgrade was only begun',
      asked: { w1: { talos: { hasOtherEntry: false }, kubernetes: marked({}) } },
      said: 'the upgrade of w-1 is stopped: it keeps v1.13.8',
    },
    {
      name: 'once its upgrade was begun, whoever brought it there',
      asked: { w1: { kubernetes: marked({}) } },
      said: 'w-1 will be rolled back from v1.13.8',
    },
    {
      name: 'as a control plane whose etcd can read the data',
      asked: {
        node: 'cp-1',
        cp1: {
          talos: { hasOtherEntry: true },
          kubernetes: marked({ from: 'v1.13.7', bootId: 'boot-0', release: 'v1.13.8' }),
        },
      },
      said: 'cp-1 will be rolled back from v1.13.8 to v1.13.7',
      to: 'v1.13.7',
    },
  ])('$name', async ({ asked, said, to }) => {
    const ran = await asks({ isPaused: true, ...asked })
    expect([ran.said.split('; waiting: ')[0], ran.changed, ran.written, ran.started]).toEqual([
      said,
      true,
      1,
      ['upgrade-node'],
    ])
    const { node = 'w-1', force = false } = asked
    const bootId =
      asked.w1?.talos === undefined || asked.w1.talos === 'silent' ? 'boot-1' : (asked.w1.talos.bootId ?? 'boot-1')
    expect(ran.requests).toEqual([{ node, bootId, force, ...(to === undefined ? {} : { to }) }])
  })

  test('with force although that costs the quorum, which is said', async () => {
    const nodes = controlPlanes({}, {}, { talos: 'silent' })
    const { said } = await asks({ nodes, node: 'cp-1', force: true })
    expect(said).toMatch(/^cp-1 will be rolled back from v1\.13\.8, although etcd would be left with 1 of 3/)
    const { said: worker1 } = await asks({ nodes: [...nodes, worker('w-1')], force: true })
    expect(worker1).not.toMatch(/although/)
  })
})

describe('a node is not rolled back, and nothing changes', () => {
  const forward = /^rejected: w-1 can't be rolled back any further: it was rolled back from v1\.13\.9, .*--force$/
  const unknown =
    /^rejected: w-1 can't be rolled back: it is unknown whether it has a previous release to boot.*--force$/
  test.each<{ name: string; asked: Requested; said: RegExp }>([
    {
      name: 'where another machine answers at its address, whatever is asked',
      asked: { force: true, w1: { identity: { kind: 'another', machineId: 'abcdef0123', as: 'w-2' } } },
      said: /^rejected: w-1 can't be rolled back: it is not the machine that answers at its address: that is w-2/,
    },
    {
      name: 'where the next boot would install what is staged',
      asked: { w1: { talos: { staged: true } } },
      said: /^rejected: w-1 can't be rolled back: any next boot installs .*`talosctl -n w-1 meta delete 0x07`$/,
    },
    {
      name: 'where it has booted the release before already',
      asked: { w1: { talos: { hasOtherEntry: true }, kubernetes: marked({ rebooting: true, bootId: 'boot-0' }) } },
      said: /^rejected: w-1 runs v1\.13\.8 already, .*`caretaker retry w-1`$/,
    },
    { name: 'forward', asked: { rollouts: [wentBack] }, said: forward },
    { name: 'where nobody knows what it would boot', asked: {}, said: unknown },
    {
      name: 'where it was never upgraded',
      asked: { w1: { talos: { hasOtherEntry: false } } },
      said: /^rejected: w-1 can't be rolled back: it has no previous release to boot, because it was never upgraded/,
    },
    {
      name: 'where its etcd could not read the data',
      asked: { node: 'cp-1', cp1: { talos: { hasOtherEntry: true } } },
      said: /^rejected: cp-1 can't be rolled back: the release that cp-1 would roll back to is unknown.*--force$/,
    },
    {
      name: 'where it does not answer',
      asked: { force: true, w1: { talos: 'silent' } },
      said: /^unreachable: no route to host$/,
    },
  ])('$name', async ({ asked, said }) => {
    const open1 = { ...rollout('v1.14.1', undefined, false), id: '2026-05-01T02:50:00.000Z' }
    const ran = await asks({ ...asked, rollouts: [...(asked.rollouts ?? []), open1] })
    expect(ran.said).toMatch(said)
    expect([ran.requests, ran.aborts, ran.record?.release]).toEqual([[], [], 'v1.14.1'])
    expect([ran.started, ran.written]).toEqual([[], 0])
  })
})

describe('what would bring it forward again is aborted', () => {
  const unended = rollout('v1.14.1', undefined, false)
  test.each<{ name: string; asked: Requested; is: readonly string[] }>([
    { name: 'the release that it leaves', asked: { rollouts: [came] }, is: ['v1.13.8'] },
    { name: 'the rollout that is under way', asked: { force: true, rollouts: [unended] }, is: ['v1.14.1'] },
    { name: 'nothing, where it only keeps what it runs', asked: { w1: { talos: armedEntries } }, is: [] },
    { name: 'nothing, where its upgrade was only begun', asked: { w1: { kubernetes: marked({}) } }, is: [] },
  ])('$name', async ({ asked, is }) => {
    const { aborts, record, newest } = await asks(asked)
    expect(aborts).toEqual(
      is.map((release) => ({ release, by: 'admin@nas (unverified)', at: '2026-05-01T03:00:00.000Z' })),
    )
    expect(record).toBeUndefined()
    if (is.includes('v1.14.1'))
      expect(newest).toMatchObject({ outcome: 'aborted', endedAt: '2026-05-01T03:00:00.000Z' })
  })
})

describe('who asks again', () => {
  const before = { node: 'w-1', bootId: 'boot-1', force: true }
  test('has the upgrade look at once, and changes nothing', async () => {
    const ran = await asks({ force: true, rollbacks: [before] })
    expect([ran.said, ran.changed]).toEqual(['w-1 will be rolled back from v1.13.8 (already requested)', false])
    expect([ran.started, ran.written, ran.aborts, ran.requests]).toEqual([['upgrade-node'], 0, [], [before]])
  })

  test.each([
    { name: 'with force now', earlier: { ...before, force: false } },
    { name: 'for another boot', earlier: { ...before, bootId: 'boot-0' } },
    { name: 'for another way back', earlier: { ...before, to: 'v1.13.7' } },
  ])('$name has the request in place of the earlier one, and keeps those of other nodes', async ({ earlier }) => {
    const other = { ...before, node: 'cp-1' }
    const ran = await asks({ force: true, rollbacks: [earlier, other] })
    expect([ran.changed, ran.requests]).toEqual([true, [other, before]])
  })
})

test('what it waits for is said, and nothing where it goes on at once', async () => {
  const waits = await asks({ force: true, isPaused: true })
  expect(waits.said).toMatch(/^w-1 will be rolled back from v1\.13\.8; waiting: rollouts are paused since .*: guests$/)
  expect((await asks({ force: true })).said).toBe('w-1 will be rolled back from v1.13.8')
})

test('a request is on record also where whoever asked did not wait for the answer', async () => {
  const ran = await asks({ force: true, leaves: true })
  expect(ran.requests).toHaveLength(1)
  expect([ran.written, ran.started]).toEqual([1, ['upgrade-node']])
})
