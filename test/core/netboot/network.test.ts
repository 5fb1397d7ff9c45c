import { expect, test } from 'vitest'
import { isRelay } from '../../../src/core/netboot/network.ts'

const ours = [
  { address: '192.168.0.6', netmask: '255.255.255.0' },
  { address: '203.0.113.6', netmask: '255.255.255.128' },
]

test.each([
  { address: '192.168.0.1', may: true, because: 'it is in a network of ours' },
  { address: '203.0.113.1', may: true, because: 'so is this one, though it is public' },
  { address: '10.9.0.1', may: true, because: 'it is private, behind a router' },
  { address: '192.168.0.6', may: false, because: 'it is our own' },
  { address: '192.168.0.255', may: false, because: 'it is everybody in our network' },
  { address: '203.0.113.127', may: false, because: 'it is everybody in our other network' },
  { address: '8.8.8.8', may: false, because: 'it is a stranger on the internet' },
  { address: '255.255.255.255', may: false, because: 'it is everybody' },
  { address: '224.0.0.1', may: false, because: 'it is a group' },
  { address: '127.0.0.1', may: false, because: 'it is this machine' },
  { address: '169.254.1.1', may: false, because: 'nothing is relayed from there' },
])('$address as a relay: $may, because $because', ({ address, may }) => {
  expect(isRelay(address, ours)).toBe(may)
})
