import { describe, expect, test } from 'vitest'
import type { TalosFacts } from '../../src/core/cluster/cluster.ts'
import { AgentError, type ErrorCode } from '../../src/core/errors.ts'
import type { Ports } from '../../src/core/ports.ts'
import { observe } from '../../src/engine/observe.ts'

const inventory = [{ name: 'w-1', role: 'worker' }] as const
const facts = { version: 'v1.14.1', stage: 'running' } as TalosFacts
const never = new AbortController().signal

/** Ports whose first answers are these failures; counts the questions. */
function ports(
  failures: Partial<Record<'observe' | 'nodes' | 'version' | 'workloads', readonly (() => Promise<never>)[]>>,
) {
  const asked = { observe: 0, nodes: 0, version: 0, workloads: 0 }
  const answer =
    <T>(what: keyof typeof asked, value: T) =>
    async () =>
      (await failures[what]?.[asked[what]++]?.()) ?? value
  const fakes = {
    talos: { observe: answer('observe', facts) },
    kubernetes: {
      version: answer('version', 'v1.36.3'),
      nodes: answer('nodes', new Map()),
      workloads: answer('workloads', undefined),
    },
  } as unknown as Pick<Ports, 'talos' | 'kubernetes'>
  return { asked, ports: fakes }
}
const fails = (code: ErrorCode) => () => Promise.reject(new AgentError(code, `it was ${code}`))

describe('a question of an observation that fails at once', () => {
  test.each(['unreachable', 'timed-out', 'not-now'] as const)('and may pass, %s, is asked once more', async (code) => {
    const failing = [fails(code)]
    const { ports: fakes, asked } = ports({ observe: failing, nodes: failing, version: failing, workloads: failing })
    const { nodes, kubernetes, workloads } = await observe(inventory, fakes, never)
    expect(nodes[0]!.talos).toEqual({ ok: true, value: facts })
    expect(kubernetes).toEqual({ ok: true, value: 'v1.36.3' })
    expect(workloads.ok).toBe(true)
    expect(asked).toEqual({ observe: 2, nodes: 2, version: 2, workloads: 2 })
  })

  test('twice counts, and is not asked a third time', async () => {
    const { ports: fakes, asked } = ports({ observe: Array.from({ length: 5 }, () => fails('unreachable')) })
    const { nodes } = await observe(inventory, fakes, never)
    expect(nodes[0]!.talos).toEqual({ ok: false, error: 'it was unreachable' })
    expect(asked.observe).toBe(2)
  })

  test.each(['rejected', 'not-found', 'malformed', 'misconfigured', 'internal'] as const)(
    'and stays so, %s, is not asked again',
    async (code) => {
      const { ports: fakes, asked } = ports({ observe: [fails(code)] })
      expect((await observe(inventory, fakes, never)).nodes[0]!.talos.ok).toBe(false)
      expect(asked.observe).toBe(1)
    },
  )
})

test('a node that is silent is not waited for a second time', async () => {
  const late = () =>
    new Promise<never>((_, reject) => {
      setTimeout(() => reject(new AgentError('unreachable', 'no route to host')), 600)
    })
  const { ports: fakes, asked } = ports({ observe: [late, late] })
  const { nodes } = await observe(inventory, fakes, never)
  expect(nodes[0]!.talos).toEqual({ ok: false, error: 'no route to host' })
  expect(asked.observe).toBe(1)
})
