import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/core/journal.ts'
import type { Outage } from '../../../src/core/power/outage.ts'
import { facts, sentenceOf } from '../../../src/http/markup/parts.ts'
import { alarmView } from '../../../src/http/markup/power.ts'
import { counting } from '../../../src/services/dashboard/overview/page.ts'
import { nodesView } from '../../../src/services/node-watch/nodes/view.ts'
import { worker } from '../../core/cluster/nodes.ts'
import { at, clusterWith, outage, overviewOf, textOf, ups, viewing } from './drawn.ts'

/** What pages say, and what they do not say twice. */

const silent = { talos: 'silent', kubernetes: 'silent' } as const
const wordsOf = async (drawn: unknown) => (await textOf(drawn)).replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')

describe('an alarm', () => {
  const details = 'it starts below 6 min'
  const said = (text: string, open?: Outage) =>
    wordsOf(
      alarmView(
        {
          power: { upses: [ups({ mode: 'critical', reason: 'low-battery' })], shutdownRequestedAt: undefined },
          outage: open,
          countdown: undefined,
          text,
          details,
        },
        viewing,
      ),
    )

  test('gives a reason once', async () => {
    expect(await said('The machines are shutting down')).toContain('the battery is low')
    const text = await said('The machines are shutting down: the battery is low (OB LB)')
    expect(text.match(/the battery is low/g)).toHaveLength(1)
  })

  test('says what starts a shutdown until it is over', async () => {
    expect(await said('x', outage('stopping'))).toContain(details)
    for (const stage of ['stopped', 'waking'] as const) expect(await said('x', outage(stage))).not.toContain(details)
  })
})

describe('the overview', () => {
  const shown = (power: object, nodes: readonly object[] = [], open?: Outage) =>
    wordsOf(
      overviewOf({
        power: { upses: [ups(power)], shutdownRequestedAt: undefined },
        outage: open,
        cluster: clusterWith(nodes),
      }),
    )

  test.each([
    {
      where: 'on mains power',
      power: { mode: 'on-mains' },
      says: 'Idle: nothing to do.',
      not: 'Nothing is under way.',
    },
    { where: 'on battery', power: {}, says: 'Nothing is under way.', not: 'Idle' },
  ])('is idle $where or not', async ({ power, says, not }) => {
    const text = await shown(power)
    expect(text).toContain(says)
    expect(text).not.toContain(not)
  })

  test('counts nodes that are away for the same reason, and names one', async () => {
    const off = { wasUp: true, state: 'off' } as const
    const names = ['w-1', 'w-2', 'w-3']
    const nodes = names.map((name) => worker(name, silent))
    const all = { ...outage('stopped'), nodes: Object.fromEntries(names.map((name) => [name, off])) }
    const text = await shown({}, nodes, all)
    expect(text).toContain('3 nodes are shut down because of the power cut')
    expect(await shown({}, nodes.slice(0, 1), all)).toContain('w-1 is shut down because of the power cut')
  })
})

test('a node that is shut down says so, and not at length that it does not answer', async () => {
  const node = worker('w-1', silent)
  const cluster = {
    nodes: [node],
    observedAt: at,
    kubernetes: { ok: true, value: 'v1.36.3' },
    workloads: { ok: false },
  }
  const data = { cluster, target: undefined, leftBehind: [], machines: [] }
  expect(await wordsOf(nodesView({ ...data, outage: undefined } as never, viewing))).toMatch(/It [^.]*\./)
  const text = await wordsOf(nodesView({ ...data, outage: outage('stopped') } as never, viewing))
  expect(text).toContain('shut down because of the power cut')
  expect(text).not.toMatch(/ It /)
})

test.each([
  { error: 'the Kubernetes API at 10.0.0.1:6443: refused', says: 'The Kubernetes API at 10.0.0.1:6443: refused.' },
  { error: 'no kubeconfig', says: 'The Kubernetes API does not answer: no kubeconfig.' },
])('a Kubernetes API that is away is named once: $says', async ({ error, says }) => {
  const cluster = { nodes: [], observedAt: at, kubernetes: { ok: false, error }, workloads: { ok: false } }
  const data = { cluster, target: undefined, leftBehind: [], machines: [], outage: undefined }
  expect(await wordsOf(nodesView(data as never, viewing))).toContain(says)
})

test('an alert that opens again and again is told once, with how often; what else happened is told each time', () => {
  let id = 9
  const entry = (kind: Entry['kind'], text: string, subject = 'ups'): Entry => ({
    id: (id -= 1),
    at,
    kind,
    subject,
    text,
  })
  const shown = counting([
    entry('alert', 'ups stood still: no job ran'),
    entry('event', 'ups is on battery'),
    entry('alert', 'ups stood still: stage-image ran'),
    entry('event', 'ups is on battery'),
    entry('alert', 'ups stood still: no job ran', 'other'),
    entry('alert', 'settled: ups is silent: it answers'),
    entry('alert', 'settled: ups is worn out'),
    entry('alert', 'settled: ups is silent: it answers'),
  ])
  expect(shown.map(({ text }) => text)).toEqual([
    'ups stood still (2 times): no job ran',
    'ups is on battery',
    'ups is on battery',
    'ups stood still: no job ran',
    'settled: ups is silent (2 times): it answers',
    'settled: ups is worn out',
  ])
})

test.each([
  ['no node answers', 'No node answers'],
  ['v1.13.9 is the newest', 'v1.13.9 is the newest'],
  ['cp-1 is away', 'cp-1 is away'],
  ['w1 is away', 'w1 is away'],
])('%s begins a sentence as %s', (clause, sentence) => expect(sentenceOf(clause)).toBe(sentence))

test('facts of nothing leave no gap', async () => {
  expect(await textOf(facts([undefined]))).toBe('')
  expect(await textOf(facts([['order', 'w-1'], undefined]))).toContain('<dl')
})
