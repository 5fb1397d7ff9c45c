import { expect, test } from 'vitest'
import { ownAddresses } from '../../../src/core/provision/own-addresses.ts'

test('a machine answers at the addresses of its interfaces, in the words of any release', () => {
  const config = [
    {
      version: 'v1alpha1',
      machine: {
        kubelet: { nodeIP: { validSubnets: ['192.168.0.0/24'] } },
        network: {
          interfaces: [
            { interface: 'eth0', addresses: ['192.168.0.5/24', 'fd00::5/64'], vip: { ip: '192.168.0.2' } },
            { interface: 'lo', addresses: ['127.0.0.2/8', 'fe80::1/64'] },
          ],
        },
      },
      cluster: { network: { podSubnets: ['10.244.0.0/16'] } },
    },
    { apiVersion: 'v1alpha1', kind: 'LinkConfig', name: 'eth1', addresses: [{ address: '192.168.1.5/24' }] },
    { apiVersion: 'v1alpha1', kind: 'Layer2VIPConfig', name: '192.168.0.2', link: 'eth0' },
  ]
  expect(ownAddresses(config)).toEqual(['192.168.0.5', 'fd00::5', '192.168.1.5'])
})

test('so many are looked at, and no more', () => {
  const addresses = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}/16`)
  expect(ownAddresses([{ machine: { network: { interfaces: [{ addresses }] } } }])).toHaveLength(8)
})
