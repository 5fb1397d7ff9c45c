import { expect, test } from 'vitest'
import { whyAbsent } from '../../../src/core/provision/absence.ts'
import type { Machine, MachineOrder } from '../../../src/core/provision/machine.ts'

const at = '2026-11-27T08:00:00.000Z'
const now = Date.parse('2026-11-27T08:03:00.000Z')

const named = (name: string) => ({ name, role: 'worker', labels: {}, patches: [] }) as const
const approvalOf = (order: MachineOrder) =>
  ({ at, until: at, by: 'admin', code: 'A', address: '192.168.0.20', claim: { uuid: 'u' }, order }) as const

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
    order: named('w-2'),
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
  [
    'that asks again after its transfer broke off has not got it',
    machine({ state: 'delivering' }, 1),
    'it asks for its configuration again, so what it was sent did not all arrive: caretaker machine show w-2',
  ],
  ['that has joined is silent for reasons of its own', machine({ state: 'locked' }), undefined],
  [
    'that is being sent it installs',
    machine({ state: 'delivering' }),
    'it got its configuration 3 min ago, and installs',
  ],
  [
    'that is approved under another name than the file has is known by that',
    machine({ state: 'approved', order: named('w-3'), approval: approvalOf(named('w-2')) }),
    'it is approved, and has not taken its configuration yet',
  ],
  ['of whose delivery nothing is kept', { ...machine({}), delivery: undefined }, undefined],
  ['that nobody knows', machine({ order: named('w-3') }), undefined],
])('a node %s', (_, known, said) => {
  const stranger = { ...machine({}), order: undefined }
  expect(whyAbsent([stranger, known], 'w-2', now)).toBe(said)
})
