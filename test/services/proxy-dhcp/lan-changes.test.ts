import { expect, test } from 'vitest'
import { proxyLimits } from '../../../src/services/proxy-dhcp/limits.ts'
import { openLan, whyNoLan } from '../../lab/lan/lan.ts'
import { patience } from '../../patience.ts'
import { type LanService, node, script, startService } from '../../lab/lan/service.ts'
import { ask, question } from './on-lan.ts'

/** What a network does to the proxy: addresses that go and come, and somebody who floods it. */

const why = await whyNoLan()
const machines = { agent: '192.168.79.2', client: '192.168.79.3' }
const own = 'address del 192.168.79.2/24 dev eth0'
const statusOf = (proxy: LanService) => async () => (await proxy.asks()).status

test.skipIf(why !== undefined)(
  'an address that goes is named, and is answered from again when it is back; another one is listened on anew',
  async () => {
    await using lan = await openLan(machines)
    const proxy = await startService(lan, 'agent', { proxyDhcp: { listen: ['eth0'], tftp: '192.168.79.2' } })
    const serverIn = async (xid: number) => (await ask(lan, 'client', question(xid, 1)))[0]!.offers[0]?.server
    expect(await serverIn(1)).toBe('192.168.79.2')
    await lan.ip('agent', own)
    await expect.poll(statusOf(proxy), patience).toContain('eth0 has no IPv4 address yet')
    await lan.ip('agent', own.replace('del', 'add'))
    expect(await serverIn(2)).toBe('192.168.79.2')
    expect(await statusOf(proxy)()).not.toMatch(/eth0 has/)
    // A cable that is pulled takes no address along.
    await lan.ip('agent', 'link set eth0 down')
    await lan.ip('agent', 'link set eth0 up')
    expect(await serverIn(3)).toBe('192.168.79.2')
    expect(proxy.said).not.toContain('restart')
    await lan.ip('agent', 'address add 192.168.79.9/24 dev eth0')
    await expect.poll(() => proxy.said.includes('restart'), patience).toBe(true)
  },
)

test.skipIf(why !== undefined)(
  'twenty thousand questions of made-up machines cost little memory, few events, and no known machine its answer',
  async () => {
    await using lan = await openLan({ ...machines, flood: '192.168.79.4' })
    const mac = '02:63:61:72:65:77'
    const proxy = await startService(lan, 'agent', {
      proxyDhcp: { listen: ['eth0'], tftp: '192.168.79.2' },
      nodes: [{ name: 'w-1', role: 'worker', address: '192.168.79.3', mac, macs: [mac] }],
      netboot: { unknown: 'offer', machines: [{ machine: mac, boot: 'always' }] },
    })
    const before = await proxy.asks()
    const began = performance.now()
    const flooding = lan.run('flood', node[0], [node[1], script('flood-process.ts'), '20000', '192.168.79.255'])
    expect((await ask(lan, 'client', question(1, 1, { mac })))[0]!.offers[0]?.server).toBe('192.168.79.2')
    const perSecond = Number(await flooding)
    const after = await proxy.asks()
    expect(perSecond).toBeGreaterThan(0)
    expect((after.memory - before.memory) / 2 ** 20).toBeLessThan(64)
    const { burst, rate } = proxyLimits.strangers
    const seconds = (performance.now() - began) / 1_000
    expect(after.told).toBeLessThan(burst + rate * seconds + 50)
  },
)
