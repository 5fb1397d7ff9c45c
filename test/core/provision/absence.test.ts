import { expect, test } from 'vitest'
import { whyAbsent } from '../../../src/core/provision/absence.ts'
import type { Machine } from '../../../src/core/provision/machine.ts'

const at = '2026-11-27T08:00:00.000Z'
const now = Date.parse('2026-11-27T08:03:00.000Z')

function machine(more: Partial<Machine>, asked = 0): Machine {
  return {
    id: 'u',
    state: 'delivered',
    since: at,
    firstAt: at,
    claimants: [
      { address: '192.168.0.21', claim: { uuid: 'u' }, way: 'plain', code: 'B', asked, firstAt: at, lastAt: at },
    ],
    delivery: { at, address: '192.168.0.21', way: 'plain', sha256: 'f', isWhole: true },
    order: { name: 'w-2', role: 'worker', labels: {}, patches: [] },
    ...more,
  }
}

test.each([
  ['that has its configuration installs', machine({}), 'it got its configuration 3 min ago, and installs'],
  [
    'that asks again was reset',
    machine({ state: 'locked' }, 2),
    'it asks for its configuration again, so it was reset or has lost its disk: caretaker machine show w-2',
  ],
  ['that has joined is silent for reasons of its own', machine({ state: 'locked' }), undefined],
  ['that nobody knows', machine({ order: { name: 'w-3', role: 'worker', labels: {}, patches: [] } }), undefined],
])('a node %s', (_, known, said) => {
  expect(whyAbsent([known], 'w-2', now)).toBe(said)
})
