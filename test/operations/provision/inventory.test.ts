import { expect, test } from 'vitest'
import { exportedNodes } from '../../../src/core/provision/inventory.ts'
import type { Machine } from '../../../src/core/provision/machine.ts'
import type { MemberLook } from '../../../src/core/provision/seen.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { createInventory } from '../../../src/operations/provision/inventory.ts'
import { memoryJournal } from '../../fakes/journal.ts'

const at = '2026-11-27T08:00:00.000Z'
const machine: Machine = {
  id: 'u',
  state: 'locked',
  since: at,
  firstAt: at,
  claimants: [
    {
      address: '192.168.0.21',
      claim: { mac: '52:54:00:12:34:56' },
      way: 'plain',
      code: 'B',
      asked: 0,
      firstAt: at,
      lastAt: at,
    },
  ],
  delivery: { at, address: '192.168.0.21', way: 'plain', sha256: 'f', isWhole: true },
  order: { name: 'worker-2', role: 'worker', labels: {}, patches: [] },
}
const look: MemberLook = {
  uuid: 'u',
  name: 'worker-2',
  role: 'worker',
  stage: 'running',
  version: 'v1.13.9',
  schematic: undefined,
  macs: ['52:54:00:12:34:56', '52:54:00:12:34:57'],
}

function open(written: { name: string; address: string; mac?: string }[] = [], journal = memoryJournal()) {
  const now = () => new Date(at)
  const alerts = createAlerts(journal, now)
  const inventory = createInventory({ journal, alerts, written: () => written, now })
  return { inventory, journal, alerts, said: () => alerts.all.map(({ text }) => text) }
}

test('a machine that has joined is known after a restart, until it is forgotten', () => {
  const { inventory, journal } = open()
  inventory.joined(machine, { look, address: '192.168.0.21' })
  const again = open([], journal).inventory
  expect(exportedNodes(again.nodes())).toEqual([
    { name: 'worker-2', role: 'worker', address: '192.168.0.21', mac: ['52:54:00:12:34:56', '52:54:00:12:34:57'] },
  ])
  expect(again.forget('worker-2')).toMatchObject({ name: 'worker-2' })
  expect(open([], journal).inventory.nodes()).toEqual([])
})

test('one that the configuration has as it is needs no place in the inventory', () => {
  const { inventory, journal } = open([{ name: 'worker-2', address: '192.168.0.21', mac: '52:54:00:12:34:57' }])
  inventory.joined(machine, { look, address: '192.168.0.21' })
  expect(inventory.nodes()).toEqual([])
  expect(journal.entries(9)).toEqual([])
})

test('one that takes the place of another is told of until the configuration says so', () => {
  const { inventory, journal, said } = open([{ name: 'worker-2', address: '192.168.0.9', mac: '52:54:00:00:00:01' }])
  inventory.joined(machine, { look, address: '192.168.0.21' })
  expect(said()).toEqual([
    'worker-2 is another machine than the configuration says: its MAC address is 52:54:00:12:34:56, 52:54:00:12:34:57, and was 52:54:00:00:00:01; its address is 192.168.0.21, and was 192.168.0.9',
  ])
  const later = open([{ name: 'worker-2', address: '192.168.0.21', mac: '52:54:00:12:34:56' }], journal)
  expect(later.said()).toEqual([])
})
