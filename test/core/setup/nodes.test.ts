import { expect, test } from 'vitest'
import { type Candidate, findCandidates, type Surveyed, uniteNodes } from '../../../src/core/setup/nodes.ts'
import { link, machine } from './seen.ts'

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  name: 'cp-1',
  role: 'controlplane',
  addresses: ['192.168.0.2'],
  isRegistered: true,
  ...more,
})
const card = link({ addresses: ['192.168.0.2'] })

test('Kubernetes and discovery name one node once, and the address of Kubernetes comes first', () => {
  const kubernetes = [{ name: 'w-1', role: 'worker' as const, addresses: ['192.168.0.3'] }]
  const discovered = [
    { name: 'w-1', role: 'worker' as const, addresses: ['10.0.0.3', '192.168.0.3'] },
    { name: 'old', role: 'worker' as const, addresses: ['192.168.0.9'] },
  ]
  expect(findCandidates(kubernetes, discovered)).toEqual([
    { name: 'w-1', role: 'worker', addresses: ['192.168.0.3', '10.0.0.3'], isRegistered: true },
    { name: 'old', role: 'worker', addresses: ['192.168.0.9'], isRegistered: false },
  ])
})

test('a virtual address and the machine that holds it are one node, at its own address', () => {
  const own = machine({ machineId: 'a1', links: [card] })
  const first: Surveyed[] = [{ address: '192.168.0.100', machine: own }]
  const later = new Map([['cp-1', { address: '192.168.0.2', machine: own }]])
  const { nodes, remarks } = uniteNodes(first, [candidate()], later)
  expect(nodes.map(({ name, address, macs }) => ({ name, address, macs }))).toEqual([
    { name: 'cp-1', address: '192.168.0.2', macs: ['00:1b:21:3a:4f:02'] },
  ])
  expect(remarks).toEqual([])
})

test('a node that Kubernetes knows and that is silent is listed, with why, and without a MAC address', () => {
  const later = new Map([['cp-1', { address: '192.168.0.2', machine: undefined, trouble: 'no route' }]])
  const { nodes } = uniteNodes([], [candidate()], later)
  expect(nodes).toEqual([
    { name: 'cp-1', role: 'controlplane', address: '192.168.0.2', macs: [], machine: undefined, trouble: 'no route' },
  ])
})

test('what only discovery names, and does not answer, is left out with a word', () => {
  const { nodes, remarks } = uniteNodes([], [candidate({ name: 'old', isRegistered: false })], new Map())
  expect(nodes).toEqual([])
  expect(remarks).toEqual([expect.stringMatching(/^old is left out: discovery still names it/)])
})

test('without discovery and Kubernetes the machines of the talosconfig are the nodes', () => {
  const first = [
    { address: '192.168.0.2', machine: machine({ machineId: 'a1' }) },
    { address: '192.168.0.100', machine: machine({ machineId: 'a1' }) },
    { address: '192.168.0.3', machine: machine({ name: undefined, machineId: 'b2' }) },
  ]
  const { nodes, remarks } = uniteNodes(first, [], new Map())
  expect(nodes.map(({ name, address }) => [name, address])).toEqual([['cp-1', '192.168.0.2']])
  expect(remarks).toEqual(['192.168.0.3 is left out: it does not tell its name'])
})

test('the role that a machine runs in counts for more than what others say of it', () => {
  const later = new Map([['cp-1', { address: '192.168.0.2', machine: machine({ role: 'worker' }) }]])
  expect(uniteNodes([], [candidate()], later).nodes[0]?.role).toBe('worker')
})

test('control planes come first, and numbers count by their value', () => {
  const names = ['w-10', 'w-9', 'cp-2', 'w-a', 'cp-1']
  const all = names.map((name) => candidate({ name, role: name.startsWith('w') ? 'worker' : 'controlplane' }))
  const later = new Map(names.map((name) => [name, { address: '192.168.0.2', machine: undefined, trouble: 'off' }]))
  expect(uniteNodes([], all, later).nodes.map(({ name }) => name)).toEqual(['cp-1', 'cp-2', 'w-9', 'w-10', 'w-a'])
})
