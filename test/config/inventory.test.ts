import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { withInventory } from '../../src/config/inventory.ts'
import type { InventoryNode } from '../../src/core/provision/inventory.ts'

const config = parseConfig(
  JSON.stringify({
    schematic: 'homelab',
    share: { directory: 'share' },
    state: 'state',
    upses: [{ host: '192.168.0.6', name: 'ups' }],
    nodes: [
      { name: 'cp-1', role: 'controlplane', address: '192.168.0.2' },
      { name: 'w-1', role: 'worker', address: '192.168.0.3', mac: '00:1b:21:3a:4f:01', storage: true },
    ],
    hosts: [{ name: 'nas', address: '192.168.0.6', shutdown: { http: { url: 'http://192.168.0.6/off' } } }],
  }),
  'c.yaml',
)

function joined(more: Partial<InventoryNode> = {}): InventoryNode {
  return {
    name: 'w-2',
    role: 'worker',
    address: '192.168.0.4',
    macs: ['00:1b:21:3a:4f:02'],
    uuid: undefined,
    since: '2026-11-27T08:00:00.000Z',
    ...more,
  }
}

const names = (inventory: readonly InventoryNode[]) => withInventory(config, inventory).nodes.map(({ name }) => name)

test('without an inventory the configuration is the same', () => {
  expect(withInventory(config, [])).toBe(config)
})

test('a machine that has joined is a node with what a written one would have', () => {
  const { nodes } = withInventory(config, [joined()])
  const written = parseConfig(
    JSON.stringify({
      schematic: 'homelab',
      share: { directory: 'share' },
      state: 'state',
      upses: [{ host: '192.168.0.6', name: 'ups' }],
      nodes: [
        { name: 'cp-1', role: 'controlplane', address: '192.168.0.2' },
        { name: 'w-2', role: 'worker', address: '192.168.0.4', mac: ['00:1b:21:3a:4f:02'] },
      ],
    }),
    'c.yaml',
  )
  expect(nodes[2]).toEqual(written.nodes[1])
})

test('a node that is another machine now has its card and its address, and all else as it is written', () => {
  const [, worker] = withInventory(config, [joined({ name: 'w-1', macs: ['00:1b:21:3a:4f:09'] })]).nodes
  expect(worker).toEqual({ ...config.nodes[1], address: '192.168.0.4', mac: ['00:1b:21:3a:4f:09'] })
})

test('a role is changed by nobody but a person', () => {
  const [, worker] = withInventory(config, [joined({ name: 'w-1', role: 'controlplane' })]).nodes
  expect(worker).toEqual(config.nodes[1])
})

test.each([
  ['the name of another machine', { name: 'nas' }],
  ['the address of another machine', { address: '192.168.0.3' }],
  ['a name that is none', { name: 'not a name' }],
])('what has joined with %s is no node', (_, more) => {
  expect(names([joined(more)])).toEqual(['cp-1', 'w-1'])
})
