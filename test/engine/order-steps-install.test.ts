import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import type { Step } from '../../src/core/plan.ts'
import type { StepOf } from '../../src/engine/step.ts'
import { bootIdOf } from '../fakes/machine.ts'
import { at, bootOf, type Change, failure, homelabBefore, image, machineOf, mark } from './order-lab.ts'
import { fakeLimits, hangsUntil, inTime, recordedOrders } from './orders.ts'
import { carriedOut } from './power-steps.ts'

describe('the installer', () => {
  const step = (more: Partial<StepOf<'install'>> = {}): Step => ({
    do: 'install',
    node: 'w-1',
    machine: machineOf('w-1'),
    image,
    mark,
    within: 4_321,
    ...more,
  })
  const installed = ['install', 'w-1', image, machineOf('w-1')]
  const marked = (installer: CordonMark['installer']) => ['noteMark', 'w-1', { ...mark, installer }]
  const ran = async (change: Change, more: Partial<StepOf<'install'>> = {}) => {
    const homelab = homelabBefore()
    const orders = recordedOrders(homelab)
    change(homelab)
    return { outcome: await carriedOut(homelab, step(more)), orders }
  }
  const unmarked = { mark: undefined } as unknown as Partial<StepOf<'install'>>
  const unbooted: CordonMark = { why: 'upgrade', at }

  test.each<{ name: string; change?: Change; more?: Partial<StepOf<'install'>>; orders: unknown[]; outcome?: unknown }>(
    [
      {
        name: 'runs once the node remembers it, and the node remembers that it has run',
        orders: [marked('started'), installed, marked('succeeded')],
      },
      {
        name: 'runs without a mark in the boot that was seen',
        more: { ...unmarked, bootId: bootOf('w-1') },
        orders: [installed],
      },
      {
        name: 'runs not in another boot than the one of its mark',
        change: ({ machine }) => (machine('w-1').boots = 2),
        more: { bootId: bootIdOf({ name: 'w-1', boots: 2 }) },
        orders: [],
        outcome: failure('not-now', 'it has rebooted since it was observed'),
      },
      {
        name: 'runs not without a mark in another boot than the one that was seen',
        change: ({ machine }) => (machine('w-1').boots = 2),
        more: { ...unmarked, bootId: bootOf('w-1') },
        orders: [],
        outcome: failure('not-now', 'it has rebooted since'),
      },
      {
        name: 'runs in the boot that was seen where its mark names none',
        more: { mark: unbooted, bootId: bootOf('w-1') },
        orders: [
          ['noteMark', 'w-1', { ...unbooted, installer: 'started' }],
          installed,
          ['noteMark', 'w-1', { ...unbooted, installer: 'succeeded' }],
        ],
      },
      {
        name: 'runs on no other machine, nor is its node marked',
        change: ({ addresses }) => addresses.set('w-1', 'w-2'),
        orders: [],
        outcome: failure('not-now', 'w-1 is left alone'),
      },
      {
        name: 'runs not where the node can not remember it',
        change: ({ machine }) => (machine('w-1').unschedulable = false),
        orders: [marked('started')],
        outcome: failure('not-now', 'our cordon is gone'),
      },
      {
        name: 'that fails has not succeeded, and may have left something',
        change: ({ machine }) => (machine('w-1').installerExit = 1),
        orders: [marked('started'), installed],
        outcome: failure('rejected', 'exited with code 1'),
      },
    ],
  )('$name', async ({ change = () => {}, more, orders, outcome = 'done' }) => {
    expect(await ran(change, more)).toEqual({ outcome, orders })
  })

  test.each([
    { name: 'is given its time', port: 'talos', call: 'install', ms: 4_321 },
    { name: 'waits 10 s for the node to remember it', port: 'kubernetes', call: 'noteMark', ms: 10_000 },
  ] as const)('$name', async ({ port, call, ms }) => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, ms)
    const { outcome } = await ran(({ ports }) => Object.assign(ports[port], { [call]: mayHang.call }))
    expect(outcome).toMatchObject({ code: 'timed-out' })
    expect(mayHang.seen).toEqual(inTime)
  })
})
