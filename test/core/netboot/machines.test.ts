import { expect, test } from 'vitest'
import { knownMachines, nameOfMachine } from '../../../src/core/netboot/machines.ts'
import { isInNetwork, networkOf, sharesNetwork } from '../../../src/core/netboot/network.ts'
import { makerOf } from '../../../src/core/netboot/firmware.ts'

const machines = knownMachines({
  nodes: [
    { name: 'w-1', address: '192.168.0.21', mac: '52-54-00-12-34-56' },
    { name: 'w-2', address: '192.168.0.22' },
    { name: 'w-3', address: '192.168.0.23' },
  ],
  hosts: [{ name: 'nas', address: '192.168.0.6', mac: ['00:11:32:AB:CD:EF', '00:11:32:ab:cd:f0'] }],
})
const uuid = '564d0000-0000-4000-8000-525400123456'
const installed = { 'w-2': { uuid: uuid.toUpperCase() }, 'w-1': {} }

interface Case {
  readonly name: string
  readonly told: Parameters<typeof nameOfMachine>[0]
  readonly nodes?: Parameters<typeof nameOfMachine>[2]
  readonly is: string | undefined
}

test.each<Case>([
  { name: 'by its card, however that is written', told: { mac: '52:54:00:12:34:56' }, is: 'w-1' },
  { name: 'by its second card', told: { mac: '00:11:32:ab:cd:f0' }, is: 'nas' },
  { name: 'by the UUID that its node has told', told: { mac: '52:54:00:00:00:01', uuid }, is: 'w-2' },
  { name: 'by its card before a UUID', told: { mac: '52:54:00:12:34:56', uuid }, is: 'w-1' },
  { name: 'by its address where nothing else was seen', told: { address: '192.168.0.23' }, is: 'w-3' },
  {
    name: 'not by an address where its card is another',
    told: { mac: '52:54:00:00:00:01', address: '192.168.0.23' },
    is: undefined,
  },
  {
    name: 'not by a UUID that two nodes have',
    told: { uuid },
    nodes: { 'w-2': { uuid }, 'w-3': { uuid } },
    is: undefined,
  },
  { name: 'not by the UUID of a node that is gone', told: { uuid }, nodes: { old: { uuid } }, is: undefined },
  { name: 'not at all', told: { mac: '52:54:00:00:00:09' }, is: undefined },
])('a machine is known $name', ({ told, nodes = installed, is }) => {
  expect(nameOfMachine(told, machines, nodes)).toBe(is)
})

test.each([
  { address: '192.168.0.255', cidr: '192.168.0.0/24', is: true },
  { address: '192.168.1.0', cidr: '192.168.0.0/24', is: false },
  { address: '10.0.0.1', cidr: '0.0.0.0/0', is: true },
  { address: '10.0.0.1', cidr: '10.0.0.1/32', is: true },
  { address: '10.0.0.1', cidr: '10.0.0.0/33', is: false },
  { address: 'fd00::1', cidr: '10.0.0.0/8', is: false },
])('$address is in $cidr: $is', ({ address, cidr, is }) => {
  expect(isInNetwork(address, cidr)).toBe(is)
})

test('the network of an address, and whether another is in it', () => {
  expect(networkOf('192.168.77.130/25')).toBe('192.168.77.128/25')
  expect(sharesNetwork('192.168.77.200', { address: '192.168.77.130', netmask: '255.255.255.128' })).toBe(true)
  expect(sharesNetwork('192.168.77.100', { address: '192.168.77.130', netmask: '255.255.255.128' })).toBe(false)
})

test('some cards tell what they are in', () => {
  expect([makerOf('52:54:00:12:34:56'), makerOf('3c:ec:ef:00:00:01')]).toEqual(['QEMU', undefined])
})
