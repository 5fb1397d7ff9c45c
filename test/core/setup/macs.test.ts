import { expect, test } from 'vitest'
import { chooseMacs, wakesByMagic } from '../../../src/core/setup/macs.ts'
import { link } from './seen.ts'

const onboard = link({ name: 'enp1s0', index: 2, mac: '00:00:00:00:00:11', addresses: ['192.168.0.2'] })
const second = link({ name: 'enp2s0', index: 3, mac: '00:00:00:00:00:22' })
const virtual = { isCard: false, mac: '02:00:00:00:00:99' }

const cases = [
  { name: 'the card that has the address wakes the machine', links: [second, onboard], macs: ['00:00:00:00:00:11'] },
  {
    name: 'of a bond both cards do, by the addresses that are burned in',
    links: [
      { ...onboard, addresses: [], partOf: 5 },
      { ...second, partOf: 5 },
      link({ ...virtual, name: 'bond0', index: 5, addresses: ['192.168.0.2'] }),
    ],
    macs: ['00:00:00:00:00:11', '00:00:00:00:00:22'],
  },
  {
    name: 'of a bridge its card does, and not what hangs on it besides',
    links: [
      { ...onboard, addresses: [], partOf: 6 },
      second,
      link({ ...virtual, name: 'veth1', index: 9, partOf: 6 }),
      link({ ...virtual, name: 'br0', index: 6, addresses: ['192.168.0.2'] }),
    ],
    macs: ['00:00:00:00:00:11'],
  },
  {
    name: 'a VLAN stands on a bond of two cards, and a third one does not wake it',
    links: [
      link({ name: 'enp3s0', index: 4, mac: '00:00:00:00:00:33' }),
      { ...onboard, addresses: [], partOf: 5 },
      { ...second, partOf: 5 },
      link({ ...virtual, name: 'bond0', index: 5 }),
      link({ ...virtual, name: 'bond0.20', index: 7, standsOn: 5, addresses: ['192.168.0.2'] }),
    ],
    macs: ['00:00:00:00:00:11', '00:00:00:00:00:22'],
  },
  {
    name: 'where no link has the address, every card with a cable in it',
    links: [
      { ...onboard, addresses: ['10.0.0.1'] },
      { ...second, isUp: false },
      link({ ...virtual, name: 'cni0', index: 8 }),
    ],
    macs: ['00:00:00:00:00:11'],
  },
  { name: 'an address of zeros is none', links: [{ ...onboard, mac: '00:00:00:00:00:00' }], macs: [] },
  {
    name: 'links that stand on each other end',
    links: [
      link({ ...virtual, name: 'a', index: 1, standsOn: 2, addresses: ['192.168.0.2'] }),
      link({ ...virtual, name: 'b', index: 2, standsOn: 1 }),
    ],
    macs: [],
  },
]

test.each(cases)('$name', ({ links, macs }) => {
  expect(chooseMacs(links, '192.168.0.2')).toEqual(macs)
})

test('a card tells whether it wakes its machine, or it does not tell', () => {
  const ways = (wakesBy: readonly string[] | undefined) =>
    wakesByMagic([{ ...onboard, wakesBy }], ['00:00:00:00:00:11'])
  expect([ways(['magic']), ways([]), ways(['phy']), ways(undefined)]).toEqual([true, false, false, undefined])
})
