import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { configLooks } from '../../src/operations/doctor/configs.ts'
import type { Means } from '../../src/operations/doctor/look.ts'

/** What the doctor finds where each machine of machines.yaml is rendered as its entry says. */
async function find(made: Readonly<Record<string, () => readonly string[]>>) {
  const configs = { names: () => Object.keys(made), check: async (name: string) => made[name]!() }
  const means = { context: { ports: { doctor: { configs } } } } as unknown as Means
  const found = await Promise.all(configLooks(means).map(({ look }) => look(new AbortController().signal)))
  return found.flat()
}

test('the configuration of each machine of machines.yaml is made and judged, and a fault is no more than its own', async () => {
  const found = await find({
    'worker-1': () => [],
    'worker-2': () => ['install.disk names /dev/sda', 'no serial'],
    'worker-3': () => {
      throw new AgentError('misconfigured', 'gpu.yaml:3: unknown field\nnut-client.yaml: no such file')
    },
  })
  const [fine, doubtful, faulty] = found
  expect(found).toHaveLength(3)
  expect(fine).toMatchObject({ id: 'machines.config:worker-1', verdict: 'ok' })
  expect(doubtful).toMatchObject({ verdict: 'warning', reason: 'install.disk names /dev/sda; no serial' })
  expect(faulty).toMatchObject({
    verdict: 'failed',
    reason: 'gpu.yaml:3: unknown field; nut-client.yaml: no such file',
  })
  expect(faulty!.next).toContain('`caretaker machine render worker-3`')
})

test('without machines.yaml there is nothing to look at', async () => {
  expect(await find({})).toEqual([])
})
