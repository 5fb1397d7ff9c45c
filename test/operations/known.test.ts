import { expect, test } from 'vitest'
import type { Queue } from '../../src/core/job.ts'
import { startAgent } from '../fakes/agent.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { operatorOf } from '../fakes/person.ts'

function operatorWith(counts: Required<Queue>['counts']) {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const it = startAgent(homelab)
  return { homelab, it, operator: operatorOf(homelab, it, counts) }
}

test('of the cluster nothing is known before somebody has looked, and then what was seen', async () => {
  const { it, operator } = operatorWith(async () => ({ wait: 2 }))
  expect(await operator.known()).toMatchObject({ cluster: undefined, queue: { wait: 2 }, running: [], steps: [] })
  await it.agent.observe(new AbortController().signal)
  const { cluster } = await operator.known()
  expect(cluster?.nodes.map(({ name }) => name)).toEqual(['cp-1'])
  expect(Date.parse(cluster!.observedAt)).toBeGreaterThan(Date.now() - 60_000)
})

test('the share is looked at beside the first question, and known at the next', async () => {
  const { operator } = operatorWith(async () => ({}))
  expect((await operator.known()).staged).toBeUndefined()
  await expect.poll(async () => (await operator.known()).staged?.images).toEqual([])
})

test('a store of the queue that hangs keeps nobody waiting for long', async () => {
  const { operator } = operatorWith(() => new Promise(() => {}))
  const began = performance.now()
  expect((await operator.known()).queue).toBeUndefined()
  expect(performance.now() - began).toBeLessThan(10_000)
})
