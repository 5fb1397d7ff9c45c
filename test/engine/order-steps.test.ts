import { describe, expect, test } from 'vitest'
import type { Step } from '../../src/core/plan.ts'
import type { StepOf } from '../../src/engine/step.ts'
import { at, bootOf, type Change, failure, homelabBefore, image, machineOf, mark } from './order-lab.ts'
import { fakeLimits, hangsUntil, inTime, keptLog, recordedOrders } from './orders.ts'
import { carriedOut, refused } from './power-steps.ts'

describe('a node may go down', () => {
  const step = (more: Partial<StepOf<'confirm'>> = {}): Step => ({
    do: 'confirm',
    node: 'w-1',
    machine: machineOf('w-1'),
    limits: { parallel: 1, twoMembers: 'refuse' },
    ...more,
  })

  test.each<{ name: string; change?: Change }>([
    { name: 'that is cordoned by us while all others are well' },
    // Nothing contradicts; the order itself finds out.
    { name: 'that is silent by now', change: ({ machine }) => (machine('w-1').up = false) },
  ])('$name', async ({ change }) => {
    expect(await carriedOut(homelabBefore(change), step())).toBe('done')
  })

  test.each<{ name: string; change?: Change; more?: Partial<StepOf<'confirm'>>; why: string }>([
    {
      name: 'whose address leads to another one',
      change: ({ addresses }) => addresses.set('w-1', 'w-2'),
      why: 'it is not the machine that answers at its address: that is w-2',
    },
    {
      name: 'that has another name by now',
      change: ({ machine }) => (machine('w-1').hostname = 'w-9'),
      why: 'it is registered in Kubernetes as w-9',
    },
    {
      name: 'that is another machine than at the start of the plan, under the same name',
      more: { machine: { ...machineOf('w-1'), machineId: 'f'.repeat(32) } },
      why: 'another machine answers at its address',
    },
    {
      name: 'that runs in another role than at the start of the plan',
      more: { machine: { ...machineOf('w-1'), role: 'controlplane' } },
      why: 'it runs as a worker, not as a controlplane',
    },
    { name: 'that is configured no longer', more: { node: 'w-9' }, why: 'our cordon is gone' },
    {
      name: 'that somebody has uncordoned',
      change: ({ machine }) => (machine('w-1').unschedulable = false),
      why: 'our cordon is gone, so its pods may have returned',
    },
    {
      name: 'that is cordoned for the power',
      change: ({ machine }) => (machine('w-1').mark = { why: 'power', at }),
      why: 'our cordon is gone',
    },
    {
      name: 'that holds the last copy of something',
      change: (homelab) =>
        (homelab.storage = { systems: ['longhorn'], unwell: [], lastReplicas: new Map([['w-1', ['media/films']]]) }),
      why: 'it holds the last healthy replica of media/films',
    },
    {
      name: 'while another worker is away',
      change: ({ machine }) => (machine('w-2').up = false),
      why: 'w-2 does not answer',
    },
    {
      name: 'while a control plane is away',
      change: ({ machine }) => (machine('cp-3').up = false),
      why: 'cp-3 does not answer',
    },
  ])('but not one $name', async ({ change, more, why }) => {
    const outcome = await carriedOut(homelabBefore(change), step(more))
    expect(outcome).toEqual(failure('not-now', `it can't go down now: ${why}`))
  })

  test('but not where nobody can tell of the storage', async () => {
    const away: Change = ({ ports }) => (ports.kubernetes.storage = () => Promise.reject(refused('unreachable')))
    expect(await carriedOut(homelabBefore(away), step())).toMatchObject({ code: 'unreachable' })
  })
})

const reboots: readonly { readonly step: StepOf<'reboot' | 'install-and-reboot'>; readonly order: unknown[] }[] = [
  {
    step: { do: 'reboot', node: 'w-1', machine: machineOf('w-1'), bootId: bootOf('w-1'), mark, mode: 'powercycle' },
    order: ['reboot', 'w-1', 'powercycle', machineOf('w-1')],
  },
  {
    step: {
      do: 'install-and-reboot',
      node: 'w-1',
      machine: machineOf('w-1'),
      image,
      bootId: bootOf('w-1'),
      mark,
      mode: 'powercycle',
      within: 1_234,
    },
    order: ['installAndReboot', 'w-1', { image, mode: 'powercycle' }, machineOf('w-1')],
  },
]
const noted = ['noteMark', 'w-1', mark]

describe.each(reboots)('the order to $step.do', ({ step, order }) => {
  const given = async (change: Change) => {
    const homelab = homelabBefore()
    const orders = recordedOrders(homelab)
    change(homelab)
    return { outcome: await carriedOut(homelab, step), orders }
  }
  const stage =
    (is: string): Change =>
    ({ machine }) =>
      (machine('w-1').stage = is)

  test.each<{ name: string; change?: Change; orders: unknown[]; outcome?: unknown }>([
    { name: 'is given in the boot that is to end, once the node is marked', orders: [noted, order] },
    { name: 'is not given in a later boot', change: ({ machine }) => (machine('w-1').boots = 2), orders: [] },
    { name: 'is not given to a node on its way down', change: stage('shutting down'), orders: [] },
    { name: 'is not given to a node that reboots', change: stage('rebooting'), orders: [] },
    { name: 'is not given to a node that boots', change: stage('booting'), orders: [] },
    {
      name: 'is not given to another machine, nor is its node marked',
      change: ({ addresses }) => addresses.set('w-1', 'w-2'),
      orders: [],
      outcome: failure('not-now', 'w-1 is left alone'),
    },
    {
      name: 'is not given to what does not answer',
      change: ({ machine }) => (machine('w-1').up = false),
      orders: [],
      outcome: failure('unreachable', 'does not answer'),
    },
    {
      name: 'is not given where our cordon is gone',
      change: ({ machine }) => (machine('w-1').unschedulable = false),
      orders: [noted],
      outcome: failure('not-now', 'our cordon is gone'),
    },
    {
      name: 'ends the plan where it is refused',
      change: ({ ports }) =>
        (ports.talos.reboot = ports.talos.installAndReboot = () => Promise.reject(refused('rejected'))),
      orders: [noted],
      outcome: failure('rejected', 'rejected'),
    },
  ])('$name', async ({ change = () => {}, orders, outcome = 'done' }) => {
    expect(await given(change)).toEqual({ outcome, orders })
  })

  test('waits 10 s for the node to be marked, and is not given without that', async () => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, 10_000)
    const is = await given(({ ports }) => (ports.kubernetes.noteMark = mayHang.call))
    expect(mayHang.seen).toEqual(inTime)
    expect(is).toMatchObject({ outcome: { code: 'timed-out' }, orders: [] })
  })
})

describe('an answer to the order to reboot', () => {
  const [{ step }] = reboots as [(typeof reboots)[0]]
  const answered = async (reboot: () => Promise<void>, signal = new AbortController().signal) => {
    const homelab = homelabBefore(({ ports }) => (ports.talos.reboot = reboot))
    const { log, lines } = keptLog()
    return { outcome: await carriedOut(homelab, step, { signal, log }), lines: lines.slice(1) }
  }

  test.each(['unreachable', 'timed-out', 'not-now'] as const)(
    'may be lost: what follows finds out (%s)',
    async (code) => {
      expect(await answered(() => Promise.reject(refused(code)))).toEqual({
        outcome: 'done',
        lines: ['warn: no answer to the reboot request'],
      })
    },
  )

  test.each([
    {
      name: 'a refusal',
      error: refused('rejected', 'PermissionDenied'),
      outcome: failure('rejected', 'PermissionDenied'),
    },
    { name: 'a bug', error: new TypeError('x is undefined'), outcome: failure('internal', 'x is undefined') },
  ])('that is $name ends the plan', async ({ error, outcome }) => {
    expect(await answered(() => Promise.reject(error))).toEqual({ outcome, lines: [] })
  })

  test('is waited for a minute', async () => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, 60_000)
    expect((await answered(mayHang.call)).outcome).toBe('done')
    expect(mayHang.seen).toEqual(inTime)
  })

  test('is not waited for once the run is called off', async () => {
    const stop = new AbortController()
    const reason = refused('not-now', 'taken over')
    const reboot = async () => {
      stop.abort(reason)
      throw refused('unreachable')
    }
    expect(await answered(reboot, stop.signal)).toEqual({ outcome: reason, lines: [] })
  })
})

test('an installation that reboots has its time, and ends the plan where its answer is lost', async () => {
  const { step } = reboots[1]!
  using limits = fakeLimits()
  const mayHang = hangsUntil(limits, 1_234)
  const homelab = homelabBefore(({ ports }) => (ports.talos.installAndReboot = mayHang.call))
  expect(await carriedOut(homelab, step)).toMatchObject({ code: 'timed-out' })
  expect(mayHang.seen).toEqual(inTime)
})
