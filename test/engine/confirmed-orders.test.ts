import { expect, test } from 'vitest'
import { confirmedOrders } from '../../src/engine/confirmed-orders.ts'
import { fakeHomelab } from '../fakes/homelab.ts'

const ports = () => fakeHomelab({ 'cp-1': 'controlplane' }).ports
const taken = () => Promise.reject(new Error('the other agent has taken over the Lease'))

/** Calls a port without looking at what it takes: what is refused is refused before that matters. */
function call(port: object, name: string): Promise<unknown> {
  return Promise.resolve((Reflect.get(port, name) as (...given: unknown[]) => unknown)('cp-1'))
}

test.each(['install', 'installAndReboot', 'reboot', 'rollback', 'forfeitLeadership'])(
  'no order to %s reaches a node whose Lease another agent has taken',
  async (name) => {
    await expect(call(confirmedOrders(ports(), taken).talos, name)).rejects.toThrow(/taken over/)
  },
)

test.each(['cordon', 'noteMark', 'noteStaged', 'drain', 'uncordon'])(
  'no order to Kubernetes to %s is given where another agent has taken the Lease',
  async (name) => {
    await expect(call(confirmedOrders(ports(), taken).kubernetes, name)).rejects.toThrow(/taken over/)
  },
)

test('a shutdown asks nobody for leave: the battery does not wait for a Lease', async () => {
  const homelab = fakeHomelab({ 'cp-1': 'controlplane' })
  const { talos } = confirmedOrders(homelab.ports, taken)
  await talos.shutDown('cp-1', { force: true }, new AbortController().signal)
  expect(homelab.diary).toEqual(['shut-down cp-1'])
})
