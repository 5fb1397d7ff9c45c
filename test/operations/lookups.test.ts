import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { beginOrResume } from '../../src/operations/begin-outage.ts'
import { agentAt, begins, type Homelab, outage, w1 } from './begun.ts'

describe('what can be scaled and set', () => {
  const web = { kind: 'Deployment', namespace: 'media', name: 'web', replicas: 2 } as const
  const noout = { system: 'ceph', namespace: 'rook-ceph', name: 'noout', before: 'unset', during: 'set' } as const
  const kubernetes = { scalable: async () => [web], storageSettings: async () => [noout] }
  const wanted: Homelab = { machines: [w1], shed: [{ selector: 'app=web' }], storageFlags: true, kubernetes }

  test('is written down as it was before', async () => {
    expect((await begins(wanted)).after).toMatchObject({ scaled: [web], storage: [noout] })
  })

  test.each<{ name: string; homelab: Partial<Homelab>; meanwhile?: Partial<Outage>; is: Partial<Outage> }>([
    { name: 'where nothing is to be scaled', homelab: { shed: [] }, is: { storage: [noout] } },
    { name: 'where storage is left alone', homelab: { storageFlags: false }, is: { scaled: [web] } },
    {
      name: 'where it was before',
      homelab: { open: outage({ 'w-1': 'up' }, { scaled: [], storage: [] }) },
      is: { scaled: [], storage: [] },
    },
    { name: 'once machines go down', homelab: {}, meanwhile: { stage: 'stopping' }, is: {} },
    {
      name: 'by a look that was overtaken',
      homelab: {},
      meanwhile: { scaled: [], storage: [] },
      is: { scaled: [], storage: [] },
    },
  ])('is not looked up, or not written down, $name', async ({ homelab, meanwhile, is }) => {
    const { after } = await begins({ ...wanted, ...homelab }, (one) => ({ ...one, ...meanwhile }))
    expect({ scaled: after.scaled, storage: after.storage }).toEqual({ scaled: undefined, storage: undefined, ...is })
  })

  test('is left as it is where Kubernetes does not answer, which is said until it does', async () => {
    const away = async () => {
      throw new AgentError('unreachable', 'no route to host')
    }
    const { after, lines, context } = await begins({
      ...wanted,
      kubernetes: { scalable: away, storageSettings: async () => [noout] },
    })
    expect(after).toMatchObject({ storage: [noout] })
    expect(after.scaled).toBeUndefined()
    expect(lines()).toEqual(['outage.lookup:workloads: workloads are left as found: no route to host'])
    const again = {
      ...context,
      ports: { ...context.ports, kubernetes: { ...context.ports.kubernetes, ...kubernetes } },
    }
    using begun = await beginOrResume(again, 'low-battery', [w1])
    await begun.prepared
    expect([begun.record.current.scaled, lines()]).toEqual([[web], []])
  })

  test('is not asked for again where it is known', async () => {
    const asked: string[] = []
    const counting = {
      scalable: async () => {
        asked.push('workloads')
        return []
      },
      storageSettings: async () => {
        asked.push('storage')
        return []
      },
    }
    await begins({ ...wanted, kubernetes: counting, open: outage({ 'w-1': 'up' }, { scaled: [], storage: [] }) })
    expect(asked).toEqual([])
    await begins({ ...wanted, kubernetes: counting })
    expect(asked).toEqual(['workloads', 'storage'])
  })

  test('is known once the drain may begin, and a failure says of what', async () => {
    const late = async () => {
      await new Promise(setImmediate)
      return [web]
    }
    const away = async () => {
      throw new AgentError('unreachable', 'no route to host')
    }
    const { context, record, lines } = agentAt({ ...wanted, kubernetes: { scalable: late, storageSettings: away } })
    using begun = await beginOrResume(context, 'low-battery', [w1])
    await begun.prepared
    expect(record().scaled).toEqual([web])
    expect(lines()).toEqual(['outage.lookup:storage: storage is left as found: no route to host'])
  })

  test('names a selector that the API server refuses', async () => {
    const refuse = async () => {
      throw new AgentError('misconfigured', '"a," chooses no workloads')
    }
    const { lines } = await begins({
      ...wanted,
      shed: [{ selector: 'a,' }, { selector: 'b' }],
      kubernetes: {
        ...kubernetes,
        scalable: ([one]) => (one?.selector === 'a,' ? refuse() : Promise.resolve([web])),
      },
    })
    expect(lines()).toEqual([expect.stringContaining('power.shed: power.shed: "a," chooses no workloads')])
  })

  test('is waited for by who waits for all looks, and ends with the agent', async () => {
    const asked: AbortSignal[] = []
    const scalable = (_: unknown, signal: AbortSignal) => {
      asked.push(signal)
      return new Promise<never>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    }
    const agent = agentAt({ ...wanted, hostsUp: ['nas'], kubernetes: { ...kubernetes, scalable } })
    agent.see()
    using begun = await beginOrResume(agent.context, 'low-battery', [w1])
    let isOver = false
    const looked = begun.looked.then(() => (isOver = true))
    await begun.seen
    await new Promise(setImmediate)
    expect([isOver, asked.map(({ aborted }) => aborted)]).toEqual([false, [false]])
    agent.stop()
    expect(asked.map(({ aborted }) => aborted)).toEqual([true])
    await looked
  })

  test('a look that was called off is no failure', async () => {
    const { context, lines, stop, see } = agentAt({
      ...wanted,
      kubernetes: {
        ...kubernetes,
        scalable: (_, signal) =>
          new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new AgentError('unreachable', 'aborted'))),
          ),
      },
    })
    using begun = await beginOrResume(context, 'low-battery', [w1])
    stop()
    see()
    await begun.looked
    expect(lines()).toEqual([])
  })
})
