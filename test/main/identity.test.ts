import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { findOwnMachine, holderOf } from '../../src/main/identity.ts'
import { memoryJournal } from '../fakes/journal.ts'

const { nodes } = parseConfig(
  JSON.stringify({
    cluster: { talosconfig: 'talosconfig' },
    nodes: [
      { name: 'cp-1', role: 'controlplane', address: '10.0.0.2' },
      { name: 'w-1', role: 'worker', address: '10.0.0.3' },
    ],
    schematic: 'homelab',
    share: { directory: 'share' },
  }),
  'c.yaml',
)
const nas = { hostname: 'nas', addresses: ['127.0.0.1', '10.0.0.6'] }

describe('the node that the agent runs on', () => {
  test.each([
    { name: 'none, on a NAS', expected: undefined },
    { name: 'known by its address', machine: { ...nas, addresses: ['127.0.0.1', '10.0.0.3'] }, expected: 'w-1' },
    { name: 'known by its name', machine: { ...nas, hostname: 'cp-1' }, expected: 'cp-1' },
    { name: 'told by Kubernetes, in a pod', environment: { NODE_NAME: 'w-1' }, expected: 'w-1' },
    { name: 'none, in a pod of another cluster', environment: { NODE_NAME: 'elsewhere' }, expected: undefined },
  ])('is $name', ({ environment = {}, machine = nas, expected }) => {
    expect(findOwnMachine(nodes, environment, machine)).toBe(expected)
  })
})

test('the name by which the Lease is held is the same over restarts, and no other agent has it', () => {
  const [one, two] = [memoryJournal(), memoryJournal()]
  expect(holderOf(one)).toBe(holderOf(one))
  expect(holderOf(one)).toMatch(/^caretaker-.+-[0-9a-f]{8}$/)
  expect(holderOf(two)).not.toBe(holderOf(one))
})
