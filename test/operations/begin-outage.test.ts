import { describe, expect, test } from 'vitest'
import type { Machine } from '../../src/core/power/machines.ts'
import { withNodeState } from '../../src/core/power/outage.ts'
import { beginOrResume } from '../../src/operations/begin-outage.ts'
import { remembered } from '../../src/operations/facts.ts'
import { controlPlane, type NodeChoices, worker } from '../core/cluster/nodes.ts'
import { agentAt, at, begins, cp1, earlier, type Homelab, nas, outage, pve, told, w1, w2 } from './begun.ts'

const upgrading = { cordon: { why: 'upgrade', at: earlier } } as const

describe('a new outage', () => {
  test('is on the disk before anything is looked at', () => {
    const { context, record } = agentAt({ machines: [cp1, w1, nas], recently: ['cp-1'], bootId: 'boot-1' })
    void beginOrResume(context, 'low-runtime', [cp1, w1, nas])
    expect(record()).toEqual({
      startedAt: at,
      reason: 'low-runtime',
      stage: 'draining',
      upses: ['rack'],
      bootId: 'boot-1',
      nodes: {
        // One that answered a moment ago is up. A host counts as up until it was looked at.
        'cp-1': { state: 'up', wasUp: true },
        'w-1': { state: 'up', wasUp: false },
        nas: { state: 'up', wasUp: true },
      },
    })
  })

  test('does not wait for the look, which has a second and a half', async () => {
    const { context, looks, asked, see } = agentAt({ machines: [w1, nas] })
    using begun = await beginOrResume(context, 'low-battery', [w1, nas])
    expect([looks, asked]).toEqual([[1_500], ['nas']])
    see()
    await begun.looked
  })

  test('asks no node where only hosts fail', async () => {
    const { looks, after } = await begins({ machines: [nas], hostsUp: ['nas'] })
    expect([looks, told(after)]).toEqual([[], { nas: 'up' }])
    // Nobody asks it how it is.
    expect(after.nodes['nas']).toEqual({ state: 'up', wasUp: true })
  })

  test.each<{ name: string; node: NodeChoices; recently?: true; is: string }>([
    { name: 'is well', node: {}, is: 'up' },
    { name: 'is silent', node: { talos: 'silent', kubernetes: 'silent' }, is: 'up, was down' },
    {
      name: 'is silent and answered a moment ago',
      node: { talos: 'silent', kubernetes: 'silent' },
      recently: true,
      is: 'up',
    },
    { name: 'is silent, and Ready a moment ago', node: { talos: 'silent' }, is: 'up, was ill' },
    {
      name: 'is silent and not Ready',
      node: { talos: 'silent', kubernetes: { ready: false } },
      is: 'up, was down, was ill',
    },
    {
      name: 'reboots for its upgrade',
      node: { talos: 'silent', kubernetes: { ready: false, ...upgrading } },
      is: 'up',
    },
    { name: 'is ill', node: { talos: { ready: false, unmet: ['nodeReady'] } }, is: 'up, was ill' },
    {
      name: 'is ill, as every node is without the API',
      node: { talos: { ready: false, unmet: ['nodeReady'] }, kubernetes: 'silent' },
      is: 'up',
    },
    { name: 'is on its way down', node: { talos: { stage: 'shutting down' } }, is: 'shutdown-sent, was ill' },
  ])('of a node that $name this is written down: $is', async ({ node, recently, is }) => {
    const { after } = await begins({
      machines: [w1],
      nodes: [worker('w-1', node)],
      ...(recently ? { recently: ['w-1'] } : {}),
    })
    expect(told(after)).toEqual({ 'w-1': is })
  })

  test('a node that the look knows nothing of is silent', async () => {
    expect(told((await begins({ machines: [w1] })).after)).toEqual({ 'w-1': 'up, was down' })
  })

  test('a host that does not answer was down, or can tell nothing', async () => {
    const broken: Machine = { ...pve, name: 'broken' }
    const { after } = await begins({ machines: [nas, pve, broken], hostsUp: ['nas'] })
    expect(told(after)).toEqual({ nas: 'up', pve: 'up, was down', broken: 'up, was down' })
  })

  test('what we have shut down before the look ended was up, whatever it looks like by then', async () => {
    const homelab: Homelab = {
      machines: [w1, w2, nas, pve],
      nodes: [worker('w-1', { talos: { stage: 'shutting down' } }), worker('w-2', { talos: 'silent' })],
    }
    const { after } = await begins(homelab, (outage) =>
      ['w-1', 'w-2', 'nas'].reduce((one, name) => withNodeState(one, name, 'shutdown-sent'), {
        ...withNodeState(outage, 'pve', 'unreached'),
      }),
    )
    expect(told(after)).toEqual({
      'w-1': 'shutdown-sent',
      'w-2': 'shutdown-sent',
      nas: 'shutdown-sent',
      // It did not hear the order either.
      pve: 'unreached, was down',
    })
  })

  test('one that was given up meanwhile stays given up, though it is still on its way down', async () => {
    const homelab: Homelab = { machines: [w1], nodes: [worker('w-1', { talos: { stage: 'shutting down' } })] }
    const { after } = await begins(homelab, (one) => withNodeState(one, 'w-1', 'abandoned'))
    expect(told(after)).toEqual({ 'w-1': 'abandoned' })
  })

  test('a drain meanwhile says nothing of whether a node was well', async () => {
    const homelab: Homelab = {
      machines: [w1],
      nodes: [worker('w-1', { talos: { ready: false, unmet: ['nodeReady'] } })],
    }
    const { after } = await begins(homelab, (one) => withNodeState(one, 'w-1', 'drained'))
    expect(told(after)).toEqual({ 'w-1': 'drained, was ill' })
  })

  test('what the look finds after the agent was stopped is not written down', async () => {
    const { context, record, see, stop } = agentAt({ machines: [w1], nodes: [worker('w-1')] })
    using begun = await beginOrResume(context, 'low-battery', [w1])
    stop()
    see()
    await begun.looked
    expect(told(record())).toEqual({ 'w-1': 'up, was down' })
  })

  test('nor what it finds after the run has let go of the record', async () => {
    const { context, record, see } = agentAt({ machines: [w1], nodes: [worker('w-1')] })
    const begun = await beginOrResume(context, 'low-battery', [w1])
    begun[Symbol.dispose]()
    see()
    await begun.looked
    expect(told(record())).toEqual({ 'w-1': 'up, was down' })
  })

  test.each([
    { name: 'drops', open: {}, is: undefined },
    {
      name: 'keeps, where one is resumed,',
      open: { open: outage({ 'w-1': 'shutdown-sent' }, { stage: 'stopping' }) },
      is: true,
    },
    {
      name: 'drops, where one was about to end,',
      open: { open: outage({ 'w-1': 'wake-sent' }, { stage: 'waking' }) },
      is: undefined,
    },
  ])('$name a request to wake everything at once', async ({ open, is }) => {
    const { journal } = await begins({ machines: [w1], wakeNow: true, ...open })
    expect(remembered.wakeNow.recall(journal)).toBe(is)
  })
})

describe('where the journal is lost', () => {
  const silent = { talos: 'silent', kubernetes: 'silent' } as const
  const machines = [cp1, w1, nas, pve]
  const nodes = [controlPlane('cp-1', ['cp-1'], silent), worker('w-1', silent)]

  test('silent machines that lead to the marks count as up', async () => {
    const { after } = await begins({ machines, nodes, isLost: true })
    expect(told(after)).toEqual({ 'cp-1': 'up', 'w-1': 'up, was down', nas: 'up', pve: 'up, was down' })
  })

  test('they do also where others were not looked at', async () => {
    const { after } = await begins({ machines: [cp1, w1], nodes: [nodes[0]!], isLost: true })
    expect(told(after)).toEqual({ 'cp-1': 'up', 'w-1': 'up, was down' })
  })

  test('they do not where Kubernetes tells of the marks, nor where nothing is lost', async () => {
    const seen = [nodes[0]!, worker('w-1', { talos: 'silent', kubernetes: { ready: false } })]
    const marked = await begins({ machines, nodes: seen, isLost: true })
    expect(told(marked.after)).toMatchObject({ 'cp-1': 'up, was down', nas: 'up, was down' })
    const kept = await begins({ machines, nodes })
    expect(told(kept.after)).toMatchObject({ 'cp-1': 'up, was down', nas: 'up, was down' })
  })
})
