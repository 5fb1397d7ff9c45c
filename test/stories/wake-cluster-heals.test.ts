import { describe, expect, test } from 'vitest'
import wakeCluster from '../../jobs/wake-cluster.ts'
import type { StorageWarning } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { isUnhealed, reportUnhealed } from '../../src/operations/outage-alerts.ts'
import { powerOf } from '../core/power/states.ts'
import { fakeLimits, hangsUntil, inTime } from '../engine/orders.ts'
import { agentAt, at } from '../operations/begun.ts'
import { battery, config, cp1, mains, minute, w1 } from '../operations/wakes.ts'

// What is looked at where no outage is open: storage that was given up, and marks that no record tells of.

const degraded: StorageWarning = { name: 'pvc-1', text: 'volume pvc-1 is degraded', endangers: 'redundancy' }
const notWhole = (why: string) => ({
  kind: 'later',
  reason: `storage is not whole yet: ${why}`,
  at: new Date(Date.parse(at) + minute),
})
const nothingElse = { kind: 'done', summary: 'mains power is not back' }

/** Storage was given up, or not; `unhealed` is how it is now. */
async function looks(unhealed: () => Promise<readonly StorageWarning[]>, wasGivenUp = true, accept: object[] = []) {
  const agent = agentAt({ machines: [cp1, w1], power: powerOf({ rack: battery() }), kubernetes: { unhealed } })
  if (wasGivenUp) reportUnhealed(agent.alerts, 'no answer')
  const outcome = await wakeCluster.idle!({
    ...agent.context,
    config: { ...config, storage: { accept } } as unknown as typeof config,
  })
  return { outcome, isTold: isUnhealed(agent.alerts) }
}

describe('storage that was given up', () => {
  test.each<{ name: string; unhealed: () => Promise<readonly StorageWarning[]>; outcome: object; isTold: boolean }>([
    {
      name: 'is looked at until it is whole',
      unhealed: async () => [degraded],
      outcome: notWhole('volume pvc-1 is degraded'),
      isTold: true,
    },
    {
      name: 'is not whole because nobody answers',
      unhealed: () => Promise.reject(new AgentError('unreachable', 'connection refused')),
      outcome: notWhole('connection refused'),
      isTold: true,
    },
    { name: 'is told no more once it is whole', unhealed: async () => [], outcome: nothingElse, isTold: false },
  ])('$name', async ({ unhealed, outcome, isTold }) => {
    expect(await looks(unhealed)).toEqual({ outcome, isTold })
  })

  test('is as good as whole where a person accepts what is left', async () => {
    const accept = [{ name: 'pvc-1', until: Date.parse(at) + minute }]
    expect(await looks(async () => [degraded], true, accept)).toEqual({ outcome: nothingElse, isTold: false })
  })

  test('is all that is looked at', async () => {
    expect(await looks(async () => [degraded], false)).toEqual({ outcome: nothingElse, isTold: false })
  })
})

describe('a look at that storage', () => {
  test('has a minute', async () => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, minute)
    expect(await looks(mayHang.call as never)).toEqual({ outcome: notWhole('called off'), isTold: true })
    expect(mayHang.seen).toEqual(inTime)
  })

  test('ends with the agent', async () => {
    const heard: boolean[] = []
    const unhealed = async (signal: AbortSignal) => {
      agent.stop()
      heard.push(signal.aborted)
      throw new AgentError('unreachable', 'called off')
    }
    const agent = agentAt({ machines: [], power: powerOf({ rack: battery() }), kubernetes: { unhealed } })
    reportUnhealed(agent.alerts, 'no answer')
    await wakeCluster.idle!({ ...agent.context, config })
    expect(heard).toEqual([true])
  })
})

describe('marks that no record tells of', () => {
  const mark = { why: 'power', at: '2026-05-01T02:50:00.000Z' }
  test.each([
    { name: 'there are some', cordon: mark, is: undefined },
    { name: 'there are none', cordon: undefined, is: { kind: 'done', summary: 'there was no power cut' } },
  ])('$name', async ({ cordon, is }) => {
    const nodes = async () => new Map([['w-1', { ready: true, cordon }]])
    const kubernetes = { nodes } as unknown as object
    const agent = agentAt({ machines: [], power: powerOf({ rack: mains(minute) }), kubernetes })
    agent.see()
    expect(await wakeCluster.idle!({ ...agent.context, config })).toEqual(is)
  })
})
