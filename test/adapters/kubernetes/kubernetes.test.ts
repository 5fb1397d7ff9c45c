import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api } from '../../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import {
  attemptsAnnotation,
  cordonAnnotation,
  pausedAnnotation,
  stagedAnnotation,
} from '../../../src/adapters/kubernetes/marks.ts'
import type { CordonMark } from '../../../src/core/cluster/cluster.ts'
import type { Kubernetes } from '../../../src/core/cluster/ports.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const upgrade: CordonMark = { why: 'upgrade', at: '2026-11-22T03:00:00Z', release: 'v1.14.0', bootId: 'b-1' }
const power: CordonMark = { why: 'power', at: '2026-11-22T04:00:00Z' }
const first = { release: 'v1.14.0', count: 1 }

let at: KubernetesLab
let kubernetes: Kubernetes
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.101')
  kubernetes = at.kubernetes
})
afterEach(() => at[Symbol.asyncDispose]())

const factsOf = async (node: string) => (await kubernetes.nodes(soon())).get(node)
const where = 'the Kubernetes API at 127.0.44.101:26443'

describe('a look at Kubernetes', () => {
  test('tells its version and its nodes', async () => {
    at.lab.setNodeReady('w-2', false)
    expect(await kubernetes.version(soon())).toBe('v1.36.3')
    const plain = {
      ready: true,
      unschedulable: false,
      cordon: undefined,
      leftover: undefined,
      attempts: undefined,
      staged: undefined,
      zone: undefined,
      taints: [],
      paused: undefined,
    }
    const unreachable = ['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute']
    const nodes = [...(await kubernetes.nodes(soon()))].map(([name, { machineId, bootId, ...facts }]) => {
      expect([name, machineId?.length, bootId === undefined]).toEqual([name, 32, false])
      return [name, facts] as const
    })
    expect(new Map(nodes)).toEqual(
      new Map([
        ['cp-1', { ...plain, taints: ['node-role.kubernetes.io/control-plane:NoSchedule'] }],
        ['w-1', plain],
        ['w-2', { ...plain, ready: false, taints: unreachable }],
      ]),
    )
  })

  test('tells the zone, the taints and what a person has paused it for', async () => {
    const labels = { 'topology.kubernetes.io/zone': 'rack-a' }
    const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }]
    const annotations = { [pausedAnnotation]: '' }
    await at.patchNode('w-1', { metadata: { labels, annotations }, spec: { taints } })
    expect(await factsOf('w-1')).toMatchObject({ zone: 'rack-a', taints: ['gpu=yes:NoSchedule'] })
    // `kubectl annotate` without a text is a pause all the same.
    expect(await factsOf('w-1')).toMatchObject({ paused: 'no reason given' })
    await kubernetes.pause('w-1', 'waits for a new disk', soon())
    expect(at.annotations('w-1')).toMatchObject({ [pausedAnnotation]: 'waits for a new disk' })
  })

  test('takes for a mark of ours only what looks like one', async () => {
    for (const text of [
      '',
      '{',
      'null',
      '7',
      '{"why":"fun","at":"now"}',
      '{"why":"upgrade"}',
      '{"why":"power","at":5}',
    ]) {
      const annotations = { [cordonAnnotation]: text, [attemptsAnnotation]: text, [stagedAnnotation]: text }
      await at.patchNode('w-1', { spec: { unschedulable: true }, metadata: { annotations } })
      const unmarked = { cordon: undefined, attempts: undefined, staged: undefined }
      expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, ...unmarked })
    }
  })
})

test.each([
  ['rolled back to v1.13.9', true],
  ['await upgraded w-1: rolled back: it rebooted and runs v1.13.9, not v1.14.1', true],
  ['the installer ended with code 4', undefined],
])(
  'of what 0.1 noted of an attempt, "%s" tells whether the node booted its previous release',
  async (failure, rolledBack) => {
    const text = JSON.stringify({ release: 'v1.14.1', count: 1, failure })
    await at.patchNode('w-1', { metadata: { annotations: { [attemptsAnnotation]: text } } })
    expect((await factsOf('w-1'))?.attempts?.rolledBack).toBe(rolledBack)
  },
)

describe('a cordon', () => {
  test('carries our mark and the attempts, all that is in them, and goes again', async () => {
    const identity = { from: 'v1.13.9', uuid: 'u-1', kernelArguments: ['console=ttyS0'] }
    const mark: CordonMark = { ...upgrade, ...identity, schematic: 's-1', rebooting: true, back: true }
    const attempts = { ...first, failure: 'it rolled back' }
    await kubernetes.cordon('w-1', mark, attempts, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: mark, leftover: undefined, attempts })
    await kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: true }, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: false, cordon: undefined, attempts: undefined })
    expect(at.annotations('w-1')).not.toHaveProperty([cordonAnnotation])
    expect(at.diary()).toEqual(['cordon w-1', 'uncordon w-1'])
  })

  test('of somebody else’s is left alone: an upgrade is refused, a power cut does not mind', async () => {
    await at.patchNode('w-1', { spec: { unschedulable: true } })
    expect(await refusal(kubernetes.cordon('w-1', upgrade, first, soon()))).toMatchObject({
      code: 'rejected',
      message: 'w-1 was cordoned by someone else: uncordon it to continue',
    })
    await kubernetes.cordon('w-1', power, undefined, soon())
    for (const why of ['upgrade', 'power'] as const)
      await kubernetes.uncordon('w-1', why, { forgetAttempts: false }, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: undefined, attempts: undefined })
  })

  test('for an upgrade outlasts one for the power, and its uncordon', async () => {
    await kubernetes.cordon('w-1', upgrade, first, soon())
    await kubernetes.cordon('w-1', power, undefined, soon())
    await kubernetes.uncordon('w-1', 'power', { forgetAttempts: false }, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: upgrade, attempts: first })
  })

  test('for an upgrade is brought up to date by the next one', async () => {
    await kubernetes.cordon('w-1', upgrade, first, soon())
    await kubernetes.cordon('w-1', { ...upgrade, rebooting: true }, undefined, soon())
    expect(await factsOf('w-1')).toMatchObject({ cordon: { ...upgrade, rebooting: true }, attempts: first })
  })

  test('that a person has lifted leaves a mark that counts for nothing', async () => {
    await kubernetes.cordon('w-1', upgrade, first, soon())
    await at.patchNode('w-1', { spec: { unschedulable: null } })
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: false, cordon: undefined, attempts: first })
    await kubernetes.cordon('w-1', power, undefined, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: power })
  })

  test('that a person has lifted and set again after our uncordon is that person’s', async () => {
    await kubernetes.cordon('w-1', upgrade, first, soon())
    await at.patchNode('w-1', { spec: { unschedulable: null } })
    await kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: false }, soon())
    await at.patchNode('w-1', { spec: { unschedulable: true } })
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: undefined })
  })

  test('keeps the attempts where they are not to be forgotten', async () => {
    await kubernetes.cordon('w-1', upgrade, first, soon())
    await kubernetes.noteFailure('w-1', { ...first, failure: 'no space' }, soon())
    await kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: false }, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: false, attempts: { ...first, failure: 'no space' } })
    await kubernetes.uncordon('w-1', 'upgrade', { forgetAttempts: true }, soon())
    expect(await factsOf('w-1')).toMatchObject({ attempts: undefined })
  })

  test('of a node that there is not is rejected', async () => {
    expect(await refusal(kubernetes.cordon('w-9', upgrade, first, soon()))).toMatchObject({
      code: 'rejected',
      message: `${where} refuses GET /api/v1/nodes/w-9: nodes "w-9" not found`,
    })
  })
})

describe('a node that somebody else changes at the same moment', () => {
  /** The API, with a person who is quicker than so many of our writes. */
  function racing(times: number, patch: object): Api {
    let left = times
    return {
      ...at.api,
      send: async (request) => {
        if (request.method === 'PATCH' && left-- > 0) {
          const annotations = { count: String(left) }
          await at.patchNode('w-1', { ...patch, metadata: { annotations } })
        }
        return at.api.send(request)
      },
    }
  }

  test('is looked at again and then cordoned, and the other change stays', async () => {
    await createKubernetes(racing(3, {})).cordon('w-1', upgrade, first, soon())
    expect(await factsOf('w-1')).toMatchObject({ unschedulable: true, cordon: upgrade })
    expect(at.annotations('w-1')['count']).toBe('0')
  })

  test('and who cordons it is not overruled', async () => {
    const racer = createKubernetes(racing(1, { spec: { unschedulable: true } }))
    const error = await refusal(racer.cordon('w-1', upgrade, first, soon()))
    expect(error.message).toBe('w-1 was cordoned by someone else: uncordon it to continue')
    expect(at.annotations('w-1')).not.toHaveProperty([cordonAnnotation])
  })

  test('again and again is given up, to be tried later', async () => {
    const error = await refusal(createKubernetes(racing(99, {})).cordon('w-1', upgrade, first, soon()))
    expect(error.retryable).toBe(true)
    expect(error.message).toContain('the object has been modified')
    expect(at.diary()).toEqual([])
  })
})
