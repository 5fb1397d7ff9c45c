import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'
import { recipeFor } from '../../../src/core/netboot/recipes/recipe.ts'
import { hasRouter, routers } from '../../lab/lan/routers.ts'
import { openLan, whyNoLan } from '../../lab/lan/lan.ts'
import { node, startService } from '../../lab/lan/service.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { ask, question } from './on-lan.ts'

/** A network of its own with a real DHCP server as the router, and the proxy on its own ports, where this machine can have one. */

const why = (await whyNoLan()) ?? (hasRouter('dnsmasq') ? undefined : 'dnsmasq is not installed')
const machines = { router: '192.168.78.1', agent: '192.168.78.2', client: '192.168.78.3' }
const file = 'metal-amd64-uki.efi'
const byServer = (offers: readonly SeenOffer[]) => Object.fromEntries(offers.map((offer) => [offer.server, offer]))

test.skipIf(why !== undefined)(
  'beside a real dnsmasq, which gives addresses alone, our proxy says what to boot, by TFTP and by HTTP, whole or at port 4011',
  async () => {
    await using folder = await temporaryFolder()
    await using lan = await openLan({ ...machines, bare: '192.168.78.4' })
    await routers.dnsmasq.start(lan, { folder: folder.path })
    const http = 'http://192.168.78.2:8421'
    const [{ said }] = await Promise.all([
      startService(lan, 'agent', { proxyDhcp: { listen: ['eth0'], http } }),
      startService(lan, 'bare', { proxyDhcp: { listen: ['192.168.78.4'], offer: 'port-4011', tftp: '192.168.78.6' } }),
    ])
    const [tftp, byHttp, other] = await ask(
      lan,
      'client',
      question(1, 3),
      question(2, 2, { loads: 'http' }),
      question(3, 1, { architecture: 'arm64' }),
    )
    expect(byServer(tftp!.offers)).toEqual({
      '192.168.78.1': {
        server: '192.168.78.1',
        address: expect.stringMatching(/^192\.168\.78\./),
        bootServer: '192.168.78.1',
        hasPxeOptions: false,
      },
      '192.168.78.2': {
        server: '192.168.78.2',
        classId: 'PXEClient',
        bootServer: '192.168.78.2',
        file,
        hasPxeOptions: true,
      },
      '192.168.78.4': {
        server: '192.168.78.4',
        classId: 'PXEClient',
        bootServer: '192.168.78.6',
        hasPxeOptions: false,
      },
    })
    expect(tftp!.again).toMatchObject([{ server: '192.168.78.4', bootServer: '192.168.78.6', file }])
    expect(byServer(byHttp!.offers)['192.168.78.2']).toMatchObject({ classId: 'HTTPClient', file: `${http}/${file}` })
    // There is no image for that processor.
    expect(Object.keys(byServer(other!.offers))).toEqual(['192.168.78.1'])
    // Our own questions are no boots.
    expect(said).toEqual(['ready'])
  },
)

test.skipIf(why !== undefined)(
  'on the machine of a DHCP server that shares its port the proxy says so; on that of one that does not, it says who has it',
  async () => {
    await using folder = await temporaryFolder()
    await using lan = await openLan(machines)
    await routers.dnsmasq.start(lan, { folder: folder.path })
    const { said: shared } = await startService(lan, 'router', { proxyDhcp: { listen: ['eth0'] } })
    expect(shared).toContainEqual({
      alert: 'netboot.shared-port',
      text: expect.stringMatching(/^dnsmasq \(process \d+\) listens on port 67 of this machine as well/),
    })
    const [answer] = await ask(lan, 'client', question(1, 2))
    expect(answer!.offers).toHaveLength(2)
    const grabbing = "require('dgram').createSocket('udp4').bind(67, '0.0.0.0', () => console.log('bound'))"
    const grabber = lan.start('agent', node[0], ['-e', grabbing])
    await new Promise((resolve) => grabber.stdout!.once('data', resolve))
    expect((await startService(lan, 'agent', { proxyDhcp: { listen: ['eth0'] } })).said).toEqual([
      { refused: expect.stringMatching(/^port 67 of this machine is in use by node .*\(process \d+\): let that tell/) },
    ])
  },
)

test.skipIf(why !== undefined).for(['dnsmasq', 'kea', 'isc'] as const)(
  'the recipe for %s works as it stands in a real one',
  async (name, { skip }) => {
    skip(!existsSync(routers[name].program), `${routers[name].program} is not installed`)
    await using folder = await temporaryFolder()
    await using lan = await openLan({ router: machines.router, client: machines.client })
    const http = 'http://192.168.78.6:8421'
    const files = { amd64: file, arm64: 'metal-arm64-uki.efi' }
    const { lines } = recipeFor(name, { server: '192.168.78.6', files, http, network: '192.168.78.0/24' })
    await routers[name].start(lan, { folder: folder.path, lines })
    const answers = await ask(
      lan,
      'client',
      question(1, 1),
      question(2, 1, { architecture: 'arm64', mac: '02:63:61:72:65:02' }),
      question(3, 1, { loads: 'http', mac: '02:63:61:72:65:03' }),
    )
    expect(answers.map(({ offers }) => offers)).toMatchObject([
      [{ server: '192.168.78.1', address: expect.any(String), bootServer: '192.168.78.6', file }],
      [{ bootServer: '192.168.78.6', file: 'metal-arm64-uki.efi' }],
      [{ classId: 'HTTPClient', file: `${http}/${file}` }],
    ])
  },
)
