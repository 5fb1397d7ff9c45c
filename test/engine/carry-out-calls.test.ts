import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { phase, type Step } from '../../src/core/plan.ts'
import type { Ports } from '../../src/core/ports.ts'
import { english } from '../../src/core/wording.ts'
import { carryOut } from '../../src/engine/carry-out.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { silentLog } from '../fakes/log.ts'
import { fakeLimits, hangsUntil, inTime } from './orders.ts'
import { carriedOut, refused } from './power-steps.ts'

const within = 5_000

describe('a call of a step', () => {
  const attempts = { release: 'v1.14.1', count: 1 }
  const mark = { why: 'upgrade', at: '2026-11-27T22:00:00.000Z' } as const
  const machine = { role: 'controlplane' } as const
  const workload = { kind: 'Deployment', namespace: 'media', name: 'films', replicas: 1 } as const
  const setting = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const
  const ups = (ports: Ports) => ports.upses.get('ups')!

  test.each<{ step: Step; of: (ports: Ports) => object; call: string; ms: number }>([
    {
      step: { do: 'pull-image', node: 'cp-1', image: 'x:v1', within: 11 },
      of: (p) => p.talos,
      call: 'pullImage',
      ms: 11,
    },
    { step: { do: 'cordon', node: 'cp-1', mark, within: 12 }, of: (p) => p.kubernetes, call: 'cordon', ms: 12 },
    { step: { do: 'note-failure', node: 'cp-1', attempts }, of: (p) => p.kubernetes, call: 'noteFailure', ms: 10_000 },
    { step: { do: 'note-staged', node: 'cp-1', mark }, of: (p) => p.kubernetes, call: 'noteStaged', ms: 10_000 },
    { step: { do: 'drain', node: 'cp-1', policy: {}, within: 13 }, of: (p) => p.kubernetes, call: 'drain', ms: 13 },
    {
      step: { do: 'snapshot-etcd', node: 'cp-1', release: 'v1', within: 14 },
      of: (p) => p.snapshots,
      call: 'keep',
      ms: 14,
    },
    {
      step: { do: 'forfeit-leadership', node: 'cp-1', machine },
      of: (p) => p.talos,
      call: 'forfeitLeadership',
      ms: 30_000,
    },
    { step: { do: 'scale', workload, replicas: 0, within: 15 }, of: (p) => p.kubernetes, call: 'scale', ms: 15 },
    {
      step: { do: 'set-storage', setting, value: 'set', within: 16 },
      of: (p) => p.kubernetes,
      call: 'setStorage',
      ms: 16,
    },
    {
      step: { do: 'ups-command', ups: 'ups', command: 'shutdown.return', within: 17 },
      of: ups,
      call: 'command',
      ms: 17,
    },
    // The battery does not wait for a farewell.
    { step: { do: 'log-out-of-ups', ups: 'ups' }, of: ups, call: 'logOut', ms: 5_000 },
    { step: { do: 'log-in-to-ups', ups: 'ups' }, of: ups, call: 'logIn', ms: 5_000 },
  ])('to $step.do has $ms ms, and fails after that', async ({ step, of, call, ms }) => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, ms)
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    Object.assign(of(homelab.ports), { [call]: mayHang.call })
    expect(await carriedOut(homelab, step)).toMatchObject({ code: 'timed-out' })
    expect(mayHang.seen).toEqual(inTime)
  })

  test.each<Step>([
    { do: 'ups-command', ups: 'rack', command: 'shutdown.return', within },
    { do: 'log-out-of-ups', ups: 'rack' },
    { do: 'log-in-to-ups', ups: 'rack' },
  ])('to $do of a UPS that is configured no longer holds nothing up', async (step) => {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    expect(await carriedOut(homelab, step)).toBe('done')
    expect(homelab.diary).toEqual([])
  })
})

describe('etcd is waited for', () => {
  const three = () => fakeHomelab({ 'cp-1': 'controlplane', 'cp-2': 'controlplane', 'cp-3': 'controlplane' })

  test('until all of its members are well', async () => {
    const homelab = three()
    homelab.machine('cp-3').stage = 'booting'
    const { observe } = homelab.ports.talos
    let looks = 0
    homelab.ports.talos.observe = (node, signal) => {
      if (node === 'cp-1' && ++looks === 3) homelab.machine('cp-3').stage = 'running'
      return observe(node, signal)
    }
    expect(await carriedOut(homelab, { do: 'await-etcd', within })).toBe('done')
    expect(looks).toBe(3)
  })

  test('for as long as it may take, and what is wrong is told', async () => {
    const homelab = three()
    homelab.machine('cp-3').stage = 'booting'
    expect(await carriedOut(homelab, { do: 'await-etcd', within: 40 })).toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(/waited .* for etcd to be healthy: cp-3 does not report its etcd member$/),
    })
  })
})

describe('an image', () => {
  const image = {
    version: 'v1.14.1',
    schematic: 'b'.repeat(64),
    architecture: 'amd64',
    secureBoot: false,
    kind: 'uki',
    kernelArguments: [],
  } as const
  const rotten = refused('malformed', 'other bytes are read than were staged')

  /** What is asked of the share where publishing comes to these, one after the other. */
  async function staged(publishAs: string | undefined, ...publishing: readonly (Error | undefined)[]) {
    const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
    const { share } = homelab.ports
    const { stage } = share
    const asked: string[] = []
    share.stage = (order, factory, signal) => {
      asked.push(`stage ${order.version}`)
      return stage(order, factory, signal)
    }
    share.publish = async (file, { version }) => {
      asked.push(`publish ${version} as ${file}`)
      const error = publishing[asked.filter((one) => one.startsWith('publish')).length - 1]
      if (error) throw error
    }
    return { outcome: await carriedOut(homelab, { do: 'stage-image', image, publishAs }), asked }
  }
  const stage = 'stage v1.14.1'
  const publish = 'publish v1.14.1 as talos.efi'

  test.each<{ name: string; publishAs?: string; publishing?: Error[]; asked: string[]; outcome?: unknown }>([
    { name: 'is brought, and gets no name that none is wanted for', asked: [stage] },
    { name: 'gets its name once it is there', publishAs: 'talos.efi', asked: [stage, publish] },
    {
      name: 'that has rotted is brought again, and then gets its name',
      publishAs: 'talos.efi',
      publishing: [rotten],
      asked: [stage, publish, stage, publish],
    },
    {
      name: 'that has rotted twice gets no name',
      publishAs: 'talos.efi',
      publishing: [rotten, rotten],
      asked: [stage, publish, stage, publish],
      outcome: expect.objectContaining({ code: 'malformed' }),
    },
    {
      name: 'is not brought again where the share can not be written',
      publishAs: 'talos.efi',
      publishing: [refused('unreachable', 'the mount hangs')],
      asked: [stage, publish],
      outcome: expect.objectContaining({ code: 'unreachable' }),
    },
    {
      name: 'is not brought again because of a bug',
      publishAs: 'talos.efi',
      publishing: [Object.assign(new TypeError('x is undefined'), { code: 'malformed' })],
      asked: [stage, publish],
      outcome: expect.any(AgentError),
    },
  ])('$name', async ({ publishAs, publishing = [], asked, outcome = 'done' }) => {
    expect(await staged(publishAs, ...publishing)).toEqual({ asked, outcome })
  })

  test('tells how far it is, where somebody asks', async () => {
    const told: unknown[] = []
    const bring = async (onProgress?: (step: Step, progress: object) => void) => {
      const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
      const { share } = homelab.ports
      const { stage: kept } = share
      share.stage = async (order, factory, signal) => {
        for await (const _ of (await factory.open(order, undefined, signal)).body);
        return kept(order, factory, signal)
      }
      const signal = new AbortController().signal
      const options = { inventory: [], log: silentLog, wording: english, pollEvery: 1, signal }
      const step: Step = { do: 'stage-image', image }
      await carryOut([phase('stage-image', [], step)], homelab.ports, {
        ...options,
        ...(onProgress ? { onProgress } : {}),
      })
    }
    await bring((step, progress) => told.push([step.do, progress]))
    expect(told).toEqual([
      ['stage-image', { doneBytes: 0, totalBytes: 100 }],
      ['stage-image', { doneBytes: 100, totalBytes: 100 }],
    ])
    await expect(bring()).resolves.toBeUndefined()
  })
})
