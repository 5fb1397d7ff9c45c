import { describe, expect, test, vi } from 'vitest'
import type { CordonMark, Role } from '../../src/core/cluster/cluster.ts'
import type { Step } from '../../src/core/plan.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { bootIdOf, newMachine } from '../fakes/machine.ts'
import { fakeLimits, hangsUntil, inTime, keptLog, recordedOrders } from './orders.ts'
import { carriedOut, refused } from './power-steps.ts'

type RollBack = Extract<Step, { do: 'roll-back' }>
type Change = (homelab: FakeHomelab) => unknown

const three = { 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane', 'w-1': 'worker' } as const
const mark: CordonMark = { why: 'upgrade', at: '2026-11-27T22:00:00.000Z', release: 'v1.14.1', back: true }
const before = { version: 'v1.13.9', schematic: 'a'.repeat(64) }

/** Rolls `cp-1` back, where `nodes` have all been upgraded. */
async function rolledBack({
  nodes = three,
  change = () => {},
  more = {},
  signal = new AbortController().signal,
  pollEvery = 1,
}: {
  readonly nodes?: Readonly<Record<string, Role>>
  readonly change?: Change
  readonly more?: Partial<RollBack>
  readonly signal?: AbortSignal
  readonly pollEvery?: number
}) {
  const homelab = fakeHomelab(nodes, { version: 'v1.14.1' })
  for (const machine of homelab.machines.values()) machine.before = before
  const orders = recordedOrders(homelab)
  const { observe } = homelab.ports.talos
  const looks: string[] = []
  homelab.ports.talos.observe = (node, soon) => {
    looks.push(node)
    return observe(node, soon)
  }
  change(homelab)
  const { name: node, role, machineId } = newMachine(more.node ?? 'cp-1', nodes[more.node ?? 'cp-1']!, before)
  const { log, lines } = keptLog()
  const step: RollBack = {
    do: 'roll-back',
    node,
    machine: { machineId, role },
    bootId: bootIdOf({ name: node, boots: 1 }),
    mark,
    force: false,
    twoMembers: 'refuse',
    ...more,
  }
  const outcome = await carriedOut(homelab, step, { signal, log, pollEvery })
  return { outcome, orders, names: orders.map(([name]) => name), looks, lines: lines.slice(1) }
}

const stage =
  (is: string): Change =>
  ({ machine }) =>
    (machine('cp-1').stage = is)

describe('the order to roll back', () => {
  test('is given once the node is marked', async () => {
    const { outcome, orders } = await rolledBack({})
    const { machineId, role } = newMachine('cp-1', 'controlplane', before)
    expect(outcome).toBe('done')
    expect(orders).toEqual([
      ['cordon', 'cp-1', mark, undefined],
      ['rollback', 'cp-1', { machineId, role }],
    ])
  })

  test.each<{ name: string; change: Change; isGiven: boolean }>([
    { name: 'a node that hangs in its boot', change: stage('booting'), isGiven: true },
    { name: 'one that has rebooted since', change: ({ machine }) => (machine('cp-1').boots = 2), isGiven: false },
    { name: 'one on its way down', change: stage('shutting down'), isGiven: false },
    { name: 'one that reboots', change: stage('rebooting'), isGiven: false },
  ])('is given to $name: $isGiven', async ({ change, isGiven }) => {
    const { outcome, names } = await rolledBack({ change })
    expect([outcome, names]).toEqual(['done', isGiven ? ['cordon', 'rollback'] : []])
  })

  test('is given to no other machine, nor is its node marked', async () => {
    const { outcome, orders } = await rolledBack({ change: ({ addresses }) => addresses.set('cp-1', 'w-1') })
    expect(outcome).toMatchObject({ code: 'not-now', message: expect.stringContaining('cp-1 is left alone') })
    expect(orders).toEqual([])
  })

  test('may lose its answer: what follows finds out', async () => {
    const { outcome, lines } = await rolledBack({ change: ({ machine }) => (machine('cp-1').answerLost = true) })
    expect([outcome, lines]).toEqual(['done', ['warn: no answer to the reboot request']])
  })
})

describe('a node that can not be marked', () => {
  const cordon =
    (error: Error): Change =>
    ({ ports }) =>
      (ports.kubernetes.cordon = () => Promise.reject(error))

  test.each(['unreachable', 'timed-out'] as const)(
    'is rolled back all the same where Kubernetes is away (%s): it may have taken that down',
    async (code) => {
      const { outcome, names, lines } = await rolledBack({ change: cordon(refused(code)) })
      expect([outcome, names]).toEqual(['done', ['rollback']])
      expect(lines).toEqual(['warn: rolling back without an annotation on the node'])
    },
  )

  test.each([
    { name: 'another has cordoned it', error: refused('rejected', 'cordoned by someone else'), code: 'rejected' },
    { name: 'of a bug', error: new TypeError('x is undefined'), code: 'internal' },
  ])('is left alone where $name', async ({ error, code }) => {
    const { outcome, names } = await rolledBack({ change: cordon(error) })
    expect(outcome).toMatchObject({ code })
    expect(names).toEqual([])
  })

  test('is rolled back after 10 s', async () => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, 10_000)
    const { outcome, names } = await rolledBack({ change: ({ ports }) => (ports.kubernetes.cordon = mayHang.call) })
    expect(mayHang.seen).toEqual(inTime)
    expect([outcome, names]).toEqual(['done', ['rollback']])
  })

  test('is left alone where the run is called off meanwhile', async () => {
    const stop = new AbortController()
    const reason = refused('not-now', 'taken over by shutdown')
    const { outcome, names } = await rolledBack({
      signal: stop.signal,
      change: ({ ports }) =>
        (ports.kubernetes.cordon = async () => {
          stop.abort(reason)
          throw refused('unreachable')
        }),
    })
    expect([outcome, names]).toEqual([reason, []])
  })
})

describe('etcd keeps its quorum', () => {
  const off =
    (...names: readonly string[]): Change =>
    ({ machine }) => {
      for (const name of names) machine(name).up = false
    }
  const two = { 'cp-1': 'controlplane', 'cp-2': 'controlplane' } as const
  const refusal = (why: string) => ({
    code: 'not-now',
    message: expect.stringContaining(`cp-1 can't be rolled back now: ${why}`),
  })

  test.each<{ name: string; given: Parameters<typeof rolledBack>[0]; why: string }>([
    {
      name: 'another member is away',
      given: { change: off('cp-2') },
      why: 'etcd would be left with 1 of 3 members healthy, but needs 2',
    },
    { name: 'there are only two, and nobody has allowed it', given: { nodes: two }, why: 'etcd has two members' },
  ])('so that nothing is done where $name', async ({ given, why }) => {
    const { outcome, orders } = await rolledBack(given)
    expect(outcome).toMatchObject(refusal(why))
    expect(orders).toEqual([])
  })

  test.each<{ name: string; given: Parameters<typeof rolledBack>[0] }>([
    { name: 'a person has forced it', given: { change: off('cp-2'), more: { force: true } } },
    { name: 'a person has allowed it of two', given: { nodes: two, more: { twoMembers: 'allow' } } },
  ])('or not, where $name', async ({ given }) => {
    const { outcome, names } = await rolledBack(given)
    expect([outcome, names]).toEqual(['done', ['cordon', 'rollback']])
  })

  test('whatever a worker does: nobody is asked about it', async () => {
    const { outcome, looks } = await rolledBack({ more: { node: 'w-1' }, change: off('cp-2', 'cp-3') })
    expect([outcome, looks]).toEqual(['done', ['w-1']])
  })

  test('or is lost with its only member, which is not waited for', async () => {
    const { outcome, looks } = await rolledBack({
      nodes: { 'cp-1': 'controlplane', 'w-1': 'worker' },
      change: stage('booting'),
    })
    expect([outcome, looks]).toEqual(['done', ['cp-1', 'cp-1', 'w-1']])
  })

  /** Without a leader at first; `then` happens in each look at all nodes, before anybody answers. */
  const leaderless =
    (then: (look: number, homelab: FakeHomelab) => void): Change =>
    (homelab) => {
      for (const name of ['cp-2', 'cp-3']) homelab.machine(name).stage = 'booting'
      const { observe } = homelab.ports.talos
      let asked = 0
      homelab.ports.talos.observe = (node, signal) => {
        // First the machine alone is looked at.
        if (node === 'cp-1' && ++asked > 1) then(asked - 1, homelab)
        return observe(node, signal)
      }
    }

  /** Each look at all nodes takes a second. */
  async function withoutLeader(then: (look: number, homelab: FakeHomelab) => void) {
    let seconds = 0
    using clock = vi.spyOn(performance, 'now').mockImplementation(() => 100_000 + seconds * 1_000)
    const change = leaderless((look, homelab) => {
      seconds += 1
      then(look, homelab)
    })
    const { outcome, names } = await rolledBack({ change })
    expect(clock).toHaveBeenCalled()
    return { outcome, names, seconds }
  }

  test('or has lost it where no leader is seen for 5 s, and a rollback may be what brings it back', async () => {
    expect(await withoutLeader(() => {})).toEqual({ outcome: 'done', names: ['cordon', 'rollback'], seconds: 5 })
  })

  test('with a leader that is elected meanwhile', async () => {
    const elected = await withoutLeader((look, { machine }) => {
      if (look === 3) machine('cp-2').stage = machine('cp-3').stage = 'running'
    })
    expect(elected).toEqual({ outcome: 'done', names: ['cordon', 'rollback'], seconds: 3 })
  })

  test('so that nothing is done where it has just come back, and would be lost again', async () => {
    const { outcome, names } = await withoutLeader((look, { machine }) => {
      if (look === 3) machine('cp-2').stage = 'running'
    })
    expect(outcome).toMatchObject(refusal('etcd would be left with 1 of 3 members healthy'))
    expect(names).toEqual([])
  })

  test('or nobody looks any longer, once the run is called off', async () => {
    const stop = new AbortController()
    const reason = refused('not-now', 'taken over')
    let looks = 0
    const change = leaderless((look) => {
      looks = look
      if (look === 1) setImmediate(() => stop.abort(reason))
      // Whoever looks without a pause gives nobody a turn to call it off.
      if (look === 50) stop.abort(refused('internal', 'it looks without a pause'))
    })
    const { outcome, orders } = await rolledBack({ signal: stop.signal, pollEvery: 3_600_000, change })
    expect([outcome, orders, looks]).toEqual([reason, [], 1])
  })
})
