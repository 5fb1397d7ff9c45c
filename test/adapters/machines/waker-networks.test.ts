import { describe, expect, test } from 'vitest'
import type { WakeOptions } from '../../../src/adapters/machines/waker.ts'
import { lacks } from '../../lab/needs.ts'
import { type Networks, type NetworkSettings, startNetworks, whyNoNetworks } from '../../lab/networks.ts'

const port = 9_009
const mac = '00:11:32:ab:cd:ef'
const packetOf = (address: string) => 'f'.repeat(12) + address.replaceAll(':', '').repeat(16)

/** A machine with a cable to the servers and one to the rest of the house, and no router. */
const home = (settings: Partial<NetworkSettings> = {}) =>
  startNetworks({ networks: { house: '192.168.7.20/24', servers: '10.0.20.2/24' }, port, ...settings })

async function wake(networks: Networks, options: Omit<WakeOptions, 'name'>) {
  const said = await networks.run('wake-from-here.ts', JSON.stringify({ name: 'w-1', mac, port, ...options }))
  return JSON.parse(said) as { rehearsed: string; woken: string }
}
/** What came there, each once, after something has. */
async function arrivals(networks: Networks, network: string) {
  await expect.poll(() => networks.heard(network).length).toBeGreaterThan(0)
  return new Set(networks.heard(network).map(({ hex, from }) => `${hex} from ${from}`))
}

describe.skipIf(lacks(whyNoNetworks()))('a machine with two networks and no default route', () => {
  test.each([
    { name: 'w-1 is in the one', address: '10.0.20.9', from: '10.0.20.2', by: 'servers', not: 'house' },
    { name: 'w-1 is in the other', address: '192.168.7.9', from: '192.168.7.20', by: 'house', not: 'servers' },
  ])('wakes w-1 by the interface whose network it is in: $name', async ({ address, from, by, not }) => {
    await using networks = await home()
    expect(await wake(networks, { address })).toEqual({ rehearsed: `${by} (${from})`, woken: 'sent' })
    expect(await arrivals(networks, by)).toEqual(new Set([`${packetOf(mac)} from ${from}`]))
    expect(networks.heard(not)).toEqual([])
  })

  test('wakes by its own interface although the default route leads elsewhere', async () => {
    await using networks = await home({ defaultRoute: '192.168.7.254' })
    expect(await wake(networks, { address: '10.0.20.9' })).toMatchObject({ rehearsed: 'servers (10.0.20.2)' })
    await arrivals(networks, 'servers')
    expect(networks.heard('house')).toEqual([])
  })

  test('sends to all of its network and to its broadcast address, each three times, for each network card', async () => {
    await using networks = await home()
    const other = '00:11:32:ab:cd:f0'
    await wake(networks, { address: '10.0.20.9', mac: [mac, other] })
    await expect.poll(() => networks.heard('servers').length).toBe(12)
    const hexes = networks.heard('servers').map(({ hex }) => hex)
    for (const one of [mac, other]) expect(hexes.filter((hex) => hex === packetOf(one))).toHaveLength(6)
  })

  test('sends by every interface where it does not know the network, and the rehearsal says that it does not', async () => {
    await using networks = await home()
    const { rehearsed, woken } = await wake(networks, { address: '172.16.0.9' })
    expect(woken).toBe('sent')
    expect(rehearsed).toBe(
      'wake w-1: no network interface here is in the network of 172.16.0.9 (found: house (192.168.7.20), servers (10.0.20.2)), and magic packets pass no router: set wake.broadcast or wake.interface',
    )
    await arrivals(networks, 'house')
    await arrivals(networks, 'servers')
  })

  test('sends to a broadcast address that is given by the interface that leads there, and tells of one that none does', async () => {
    await using networks = await home()
    expect(await wake(networks, { broadcast: ['10.0.20.255'] })).toEqual({
      rehearsed: 'servers (10.0.20.2)',
      woken: 'sent',
    })
    await arrivals(networks, 'servers')
    const lost = await wake(networks, { broadcast: ['172.16.0.255'] })
    expect(lost.rehearsed).toMatch(/172\.16\.0\.255 has no route \(.*ENETUNREACH/)
    expect(lost.woken).toMatch(/no magic packet could be sent: .*ENETUNREACH/)
    expect(networks.heard('house')).toEqual([])
  })

  test('sends by the interface that is given, wherever the machine is, and says which it has where that is missing', async () => {
    await using networks = await home()
    expect(await wake(networks, { address: '10.0.20.9', interface: 'house' })).toMatchObject({
      rehearsed: 'house (192.168.7.20)',
    })
    await arrivals(networks, 'house')
    expect(networks.heard('servers')).toEqual([])
    const { rehearsed, woken } = await wake(networks, { interface: 'wlan0' })
    expect([rehearsed, woken]).toEqual(
      Array(2).fill('wake w-1: no interface wlan0 with an IPv4 address; found: lo, house, servers'),
    )
  })
})

test.skipIf(lacks(whyNoNetworks()))('a machine without any network sends nothing, and says so twice', async () => {
  await using networks = await startNetworks({ networks: {}, port })
  const { rehearsed, woken } = await wake(networks, { address: '10.0.20.9' })
  expect(rehearsed).toContain('no network interface here is in the network of 10.0.20.9 (found: none)')
  expect(woken).toContain('no magic packet could be sent')
})
