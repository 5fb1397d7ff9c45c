import { expect, test } from 'vitest'
import { choosePlaces, type Interfaces } from '../../../src/core/netboot/places.ts'

const interfaces: Interfaces = {
  lo: [{ address: '127.0.0.1', family: 'IPv4', netmask: '255.0.0.0', internal: true }],
  eth0: [
    { address: '192.168.0.6', family: 'IPv4', netmask: '255.255.255.0', internal: false },
    { address: '10.0.0.6', family: 'IPv4', netmask: '255.0.0.0', internal: false },
    { address: 'fe80::1', family: 'IPv6', netmask: 'ffff:ffff:ffff:ffff::', internal: false },
  ],
  wlan0: [{ address: 'fe80::2', family: 'IPv6', netmask: 'ffff:ffff:ffff:ffff::', internal: false }],
}

test.each([
  { named: ['eth0'], addresses: ['192.168.0.6', '10.0.0.6'], missing: [] },
  { named: ['10.0.0.6'], addresses: ['10.0.0.6'], missing: [] },
  { named: ['10.0.0.6', 'eth0', 'lo'], addresses: ['10.0.0.6', '192.168.0.6', '127.0.0.1'], missing: [] },
  { named: ['127.0.0.9'], addresses: ['127.0.0.9'], missing: [] },
  { named: ['fe80::1'], addresses: ['fe80::1'], missing: [] },
  { named: ['wlan0'], addresses: [], missing: ['wlan0 has no IPv4 address yet'] },
  {
    named: ['eth1', 'lo'],
    addresses: ['127.0.0.1'],
    missing: [
      'eth1 is neither an interface nor an address of this machine: it has eth0 (192.168.0.6), eth0 (10.0.0.6)',
    ],
  },
])('$named means $addresses', ({ named, addresses, missing }) => {
  const found = choosePlaces(named, interfaces)
  expect(found.places.map(({ address }) => address)).toEqual(addresses)
  expect(found.missing).toEqual(missing)
})

test('a place tells its interface and its network', () => {
  expect(choosePlaces(['10.0.0.6'], interfaces).places).toEqual([
    { address: '10.0.0.6', family: 'IPv4', netmask: '255.0.0.0', on: 'eth0' },
  ])
})
