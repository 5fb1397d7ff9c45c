import { expect, test } from 'vitest'
import type { TalosAdapter } from '../../src/adapters/talos/talos.ts'
import { AgentError } from '../../src/core/errors.ts'
import { type Machine, machineKind } from '../../src/core/provision/machine.ts'
import { absenceIn, withAbsence } from '../../src/main/absence.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { soon } from '../patience.ts'

const at = new Date(Date.now() - 120_000).toISOString()
const machine: Machine = {
  id: 'u',
  state: 'delivered',
  since: at,
  firstAt: at,
  claimants: [
    { address: '192.168.0.21', claim: { uuid: 'u' }, way: 'plain', code: 'B', asked: 0, firstAt: at, lastAt: at },
  ],
  delivery: { at, address: '192.168.0.21', way: 'plain', sha256: 'f', isWhole: true },
  order: { name: 'w-2', role: 'worker', labels: {}, patches: [] },
}

test('of a node that does not answer it is told that it installs, and of no other', async () => {
  const journal = memoryJournal()
  journal.records(machineKind).save(machine)
  const fails = (code: 'unreachable' | 'misconfigured') => ({
    observe: async (node: string) => {
      throw new AgentError(code, `${node}: connection refused`)
    },
  })
  const observed = (node: string, code: 'unreachable' | 'misconfigured' = 'unreachable') =>
    withAbsence(fails(code) as unknown as TalosAdapter, absenceIn(journal)).observe(node, soon())
  await expect(observed('w-2')).rejects.toMatchObject({
    code: 'unreachable',
    message: 'w-2: connection refused; it got its configuration 2 min ago, and installs',
  })
  await expect(observed('w-1')).rejects.toThrow(/^w-1: connection refused$/)
  await expect(observed('w-2', 'misconfigured')).rejects.toThrow(/^w-2: connection refused$/)
})
