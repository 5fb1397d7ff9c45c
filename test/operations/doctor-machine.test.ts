import { expect, test } from 'vitest'
import type { ConfigurationFindings } from '../../src/core/doctor/ports.ts'
import type { Means } from '../../src/operations/doctor/look.ts'
import { machineLooks } from '../../src/operations/doctor/machine.ts'

/** What the doctor says of the configuration and what lies beside it. */
async function find(found: Partial<ConfigurationFindings>) {
  const machine = { configuration: async () => ({ file: '/etc/c/caretaker.yaml', faults: [], warnings: [], ...found }) }
  const means = { context: { config: { upses: [] }, ports: { doctor: { machine } } }, machines: [] } as unknown as Means
  const look = machineLooks(means).find(({ id }) => id === 'config')
  return look!.look(new AbortController().signal)
}

test('a fault is mended where it is, and what Caretaker keeps is edited by nobody', async () => {
  const tells = '`caretaker config check` tells when all is well'
  const faults = [
    { text: '/etc/c/caretaker.yaml:3:1: nodes: name one', isOwn: false },
    { text: '/etc/c/machines/machines.yaml:2:1: patches.0: there is no a.yaml', isOwn: false },
    { text: '/var/c/machine-secrets.yaml: the secrets of the cluster are damaged: import them again', isOwn: true },
  ]
  expect(await find({ faults })).toMatchObject([
    { verdict: 'failed', next: `Edit /etc/c/caretaker.yaml; ${tells}` },
    { verdict: 'failed', next: `Edit /etc/c/machines/machines.yaml; ${tells}` },
    { verdict: 'failed', next: tells },
  ])
})

test('without a fault all of it is one line', async () => {
  expect(await find({})).toHaveLength(1)
})
