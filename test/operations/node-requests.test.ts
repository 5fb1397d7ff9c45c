import { describe, expect, test } from 'vitest'
import type { CordonMark, Node } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { createNodeRequests, type NodeMeans } from '../../src/operations/node-requests.ts'
import { reportRollout } from '../../src/operations/rollout-alerts.ts'
import { clusterOf, controlPlane, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { asked } from '../fakes/person.ts'

const earlier = '2026-05-01T02:40:00.000Z'
const now = () => new Date('2026-05-01T03:00:00.000Z')
const failed = { attempts: { release: 'v1.14.1', count: 3, failure: 'no' } }

interface Homelab {
  /** What is seen of each; all others are well. */
  readonly seen?: Readonly<Partial<Record<'cp-1' | 'w-1' | 'w-2', NodeChoices>>>
  /** In the configuration, and never seen. */
  readonly added?: readonly string[]
}

/** Requests about cp-1, w-1 and w-2, and what is done because of them. */
function homelab({ seen = {}, added = [] }: Homelab = {}) {
  const nodes: readonly Node[] = [
    controlPlane('cp-1', ['cp-1'], seen['cp-1']),
    worker('w-1', seen['w-1']),
    worker('w-2', seen['w-2']),
  ]
  const journal = memoryJournal(now)
  const alerts = createAlerts(journal, now)
  const did: string[] = []
  const marks: CordonMark[] = []
  const means = {
    agent: {
      jobs: [{ name: 'stage-image' }, { name: 'upgrade-node' }],
      alerts,
      observe: async () => clusterOf(...nodes),
      start: async ({ name }: { name: string }) => void did.push(`start ${name}`),
    },
    ports: {
      journal,
      kubernetes: {
        pause: async (node: string, reason: string | undefined) => void did.push(`pause ${node}: ${reason}`),
        forgetAttempts: async (node: string) => void did.push(`forget ${node}`),
        noteMark: async (node: string, mark: CordonMark) => {
          did.push(`mark ${node}`)
          marks.push(mark)
        },
      },
    },
    config: () => ({
      nodes: [...nodes, ...added.map((name) => ({ name }))],
      upgrade: { enabled: true, shownZone: 'UTC' },
    }),
    now,
    seen: { recent: async () => ({ value: clusterOf(...nodes) }) },
  } as unknown as NodeMeans
  const written = () => journal.entries(10).map(({ subject, text }) => `${subject}: ${text}`)
  return { requests: createNodeRequests(means), journal, alerts, did, marks, nodes, written }
}

const by = 'by admin@nas (unverified)'

describe('a node', () => {
  test('is found by its name', async () => {
    const { requests, nodes } = homelab()
    expect(await requests.find({ node: 'w-1' }, asked().signal)).toEqual(nodes[1])
    expect((await requests.list(asked().signal)).map(({ name }) => name)).toEqual(['cp-1', 'w-1', 'w-2'])
  })

  test.each([
    { node: 'w-8', code: 'not-now', message: 'w-8 was not looked at yet: try again in a moment' },
    { node: 'w-9', code: 'not-found', message: 'there is no node w-9; there are cp-1, w-1, w-2 and w-8' },
  ])('$node is not found: $code', async ({ node, ...error }) => {
    const { requests } = homelab({ added: ['w-8'] })
    await expect(requests.find({ node }, asked().signal)).rejects.toMatchObject(error)
  })
})

describe('a pause of a node', () => {
  const paused = {
    seen: { 'cp-1': { kubernetes: { paused: 'holidays' } }, 'w-1': { kubernetes: { paused: 'guests' } } },
  }
  const silent: Homelab = { seen: { 'w-1': { kubernetes: 'silent' } } }
  test.each<{ name: string; at?: Homelab; reason: string | undefined; said: string; did: readonly string[] }>([
    { name: 'has a reason', reason: 'guests', said: 'w-1 is paused: guests', did: ['pause w-1: guests'] },
    {
      name: 'has none',
      reason: undefined,
      said: 'w-1 is paused: no reason given',
      did: ['pause w-1: no reason given'],
    },
    {
      name: 'has an empty one',
      reason: ' \n',
      said: 'w-1 is paused: no reason given',
      did: ['pause w-1: no reason given'],
    },
    {
      name: 'has the word alone',
      reason: 'paused:',
      said: 'w-1 is paused: no reason given',
      did: ['pause w-1: no reason given'],
    },
    { name: 'is there already', at: paused, reason: 'guests', said: 'w-1 was already paused: guests', did: [] },
    {
      name: 'gets another reason',
      at: paused,
      reason: 'holidays',
      said: 'w-1 is paused: holidays',
      did: ['pause w-1: holidays'],
    },
    { name: 'may be there', at: silent, reason: 'guests', said: 'w-1 is paused: guests', did: ['pause w-1: guests'] },
  ])('$name', async ({ at, reason, said, did: does }) => {
    const { requests, did, written } = homelab(at)
    const changed = does.length > 0
    expect(await requests.pause({ node: 'w-1', reason }, asked())).toEqual({ said, changed })
    expect(did).toEqual(changed ? [...does, 'start upgrade-node'] : [])
    expect(written()).toEqual(changed ? [`w-1: ${said}; ${by}`] : [])
  })

  test('is noted of one that was not looked at yet', async () => {
    const { requests, did } = homelab({ added: ['w-8'] })
    expect((await requests.pause({ node: 'w-8', reason: 'guests' }, asked())).changed).toBe(true)
    expect(did).toEqual(['pause w-8: guests', 'start upgrade-node'])
  })

  test.each<{ name: string; at?: Homelab; said: string; did: readonly string[] }>([
    {
      name: 'is there',
      at: paused,
      said: 'w-1 is no longer paused',
      did: ['pause w-1: undefined', 'start upgrade-node'],
    },
    {
      name: 'may be there',
      at: silent,
      said: 'w-1 is no longer paused',
      did: ['pause w-1: undefined', 'start upgrade-node'],
    },
    { name: 'is not there', said: 'w-1 was not paused', did: [] },
  ])('ends where it $name', async ({ at, said, did: does }) => {
    const { requests, did, written } = homelab(at)
    const changed = does.length > 0
    expect(await requests.resume({ node: 'w-1' }, asked())).toEqual({ said, changed })
    expect([did, written()]).toEqual([does, changed ? [`w-1: ${said}; ${by}`] : []])
  })
})

describe('a retry', () => {
  const mark: CordonMark = {
    why: 'upgrade',
    at: earlier,
    release: 'v1.14.1',
    bootId: 'boot-0',
    rebooting: true,
    installer: 'succeeded',
  }
  const fell = { unschedulable: true, cordon: mark }
  const back = { unschedulable: true, cordon: { ...mark, back: true as const, bootId: 'boot-1' } }
  const request = (node: string) => ({ node, bootId: 'boot-1', force: false })

  test('of one node forgets what failed there, and nothing of others', async () => {
    const { requests, journal, did, written } = homelab({
      seen: { 'w-1': { kubernetes: failed }, 'w-2': { kubernetes: failed } },
    })
    const blocked = { until: now().getTime() + 60_000, why: 'a budget' }
    remembered.blocked.remember(journal, { 'w-1': blocked, 'w-2': blocked })
    remembered.rollbacks.remember(journal, [request('w-1'), request('w-2')])
    const said = 'w-1 will be tried again'
    expect(await requests.retry({ node: 'w-1' }, asked())).toEqual({ said, changed: true })
    expect(did).toEqual(['forget w-1', 'start upgrade-node'])
    expect(remembered.blocked.recall(journal)).toEqual({ 'w-2': blocked })
    expect(remembered.rollbacks.recall(journal)).toEqual([request('w-2')])
    expect(written()).toEqual([`w-1: ${said}; ${by}`])
  })

  test('of every node forgets what failed anywhere', async () => {
    const { requests, journal, did, written } = homelab({
      seen: { 'w-1': { kubernetes: failed }, 'w-2': { kubernetes: failed } },
    })
    const said = 'every node will be tried again'
    expect(await requests.retry({}, asked())).toEqual({ said, changed: true })
    expect(did).toEqual(['forget w-1', 'forget w-2', 'start upgrade-node'])
    expect([written(), remembered.rollbacks.recall(journal)]).toEqual([[`rollout: ${said}; ${by}`], []])
  })

  test.each<{ name: string; at?: Homelab; blocked?: true; asksBack?: true; did?: readonly string[]; first?: string }>([
    {
      name: 'nobody can say whether it failed',
      at: { seen: { 'w-1': { kubernetes: 'silent' } } },
      did: ['forget w-1'],
    },
    { name: 'it was left alone for a time', blocked: true },
    { name: 'it was to be rolled back', asksBack: true },
    {
      name: 'its rollback is under way',
      at: { seen: { 'w-1': { talos: 'silent', kubernetes: back } } },
      asksBack: true,
      first: '; the rollback of w-1 is under way, and is finished first',
    },
    { name: 'it has booted the release before', at: { seen: { 'w-1': { kubernetes: fell } } }, did: ['mark w-1'] },
    {
      name: 'it has booted the release before, and that is noted',
      at: { seen: { 'w-1': { kubernetes: { ...fell, ...failed } } } },
      did: ['mark w-1', 'forget w-1'],
    },
  ])('is made where $name', async ({ at, blocked, asksBack, did: does = [], first = '' }) => {
    const { requests, journal, did } = homelab(at)
    if (blocked) remembered.blocked.remember(journal, { 'w-1': { until: now().getTime() + 1, why: 'a budget' } })
    if (asksBack) remembered.rollbacks.remember(journal, [request('w-1')])
    expect(await requests.retry({ node: 'w-1' }, asked())).toEqual({
      said: `w-1 will be tried again${first}`,
      changed: true,
    })
    expect(did).toEqual([...does, 'start upgrade-node'])
  })

  test('of a node that has booted the release before leaves a mark that says no more of that', async () => {
    const { requests, marks } = homelab({ seen: { 'w-1': { kubernetes: fell } } })
    await requests.retry({ node: 'w-1' }, asked())
    expect(marks).toEqual([{ why: 'upgrade', at: earlier, release: 'v1.14.1', bootId: 'boot-1' }])
  })

  test.each([
    { node: 'w-1', said: 'there is nothing to retry: w-1 has not failed' },
    { node: undefined, said: 'there is nothing to retry: no node has failed' },
  ])('of $node where nothing failed changes nothing, and has the upgrade look', async ({ node, said }) => {
    const { requests, did, written, journal } = homelab()
    const of = node === undefined ? 'gone' : 'w-2'
    remembered.blocked.remember(journal, { [of]: { until: now().getTime() + 1, why: 'a budget' } })
    remembered.rollbacks.remember(journal, [request(of)])
    expect(await requests.retry(node === undefined ? {} : { node }, asked())).toEqual({ said, changed: false })
    expect([did, written()]).toEqual([['start upgrade-node'], []])
    expect(remembered.rollbacks.recall(journal)).toEqual([request(of)])
  })

  test('ends the alert of a rollout that is stuck', async () => {
    const { requests, alerts } = homelab({ seen: { 'w-1': { kubernetes: failed } } })
    reportRollout(alerts, { kind: 'stuck', node: 'w-1', text: 'w-1 has failed' })
    expect(alerts.all).toHaveLength(1)
    await requests.retry({ node: 'w-1' }, asked())
    expect(alerts.all).toEqual([])
  })
})

test.each([
  ['pause', { node: 'w-9', reason: 'x' }],
  ['resume', { node: 'w-9' }],
  ['retry', { node: 'w-9' }],
  ['rollback', { node: 'w-9', force: true }],
] as const)('%s of a node that does not exist is refused', async (what, request) => {
  const { requests, did } = homelab()
  const answer = requests[what](request as never, asked())
  await expect(answer).rejects.toEqual(new AgentError('not-found', 'there is no node w-9; there are cp-1, w-1 and w-2'))
  expect(did).toEqual([])
})
