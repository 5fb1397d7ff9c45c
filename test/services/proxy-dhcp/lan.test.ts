import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import process from 'node:process'
import { expect, test } from 'vitest'
import type { Question, SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'
import { recipeFor } from '../../../src/core/netboot/recipes/recipe.ts'
import { hasRouter, routers } from '../../lab/lan/routers.ts'
import type { Asking } from '../../lab/lan/ask-process.ts'
import { type Lan, openLan, whyNoLan } from '../../lab/lan/lan.ts'
import { temporaryFolder } from '../../lab/process.ts'

/** A network of its own with a real DHCP server as the router, and the proxy on its own ports, where this machine can have one. */

const why = (await whyNoLan()) ?? (hasRouter('dnsmasq') ? undefined : 'dnsmasq is not installed')
const script = (name: string) => fileURLToPath(new URL(`../../lab/lan/${name}`, import.meta.url))
const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const

/** A question, and how many servers answer it. */
const question = (xid: number, answers: number, more: Partial<Question> = {}): Asking => ({
  question: { mac: '02:63:61:72:65:01', xid: 1_000 * xid, architecture: 'amd64', loads: 'tftp', ...more },
  answers,
})

interface Answer {
  readonly offers: readonly SeenOffer[]
  readonly again: readonly SeenOffer[]
}

async function ask(lan: Lan, name: string, ...questions: readonly Asking[]): Promise<readonly Answer[]> {
  const words = [node[1], script('ask-process.ts'), ...questions.map((one) => JSON.stringify(one))]
  return JSON.parse(await lan.run(name, node[0], words)) as readonly Answer[]
}

/** Starts the proxy, and answers what it says as it comes. */
async function startProxy(lan: Lan, name: string, sections: object): Promise<unknown[]> {
  const child = lan.start(name, node[0], [node[1], script('proxy-process.ts'), JSON.stringify(sections)])
  const said: unknown[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((one) => one !== '')) said.push(JSON.parse(line))
  })
  await expect.poll(() => said.some((one) => one === 'ready' || isRefusal(one)), { timeout: 90_000 }).toBe(true)
  return said
}

const isRefusal = (one: unknown) => typeof one === 'object' && one !== null && 'refused' in one
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
    const [said] = await Promise.all([
      startProxy(lan, 'agent', { proxyDhcp: { listen: ['eth0'], http } }),
      startProxy(lan, 'bare', { proxyDhcp: { listen: ['192.168.78.4'], offer: 'port-4011', tftp: '192.168.78.6' } }),
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
    const shared = await startProxy(lan, 'router', { proxyDhcp: { listen: ['eth0'] } })
    expect(shared).toContainEqual({
      alert: 'netboot.shared-port',
      text: expect.stringMatching(/^dnsmasq \(process \d+\) listens on port 67 of this machine as well/),
    })
    const [answer] = await ask(lan, 'client', question(1, 2))
    expect(answer!.offers).toHaveLength(2)
    const grabbing = "require('dgram').createSocket('udp4').bind(67, '0.0.0.0', () => console.log('bound'))"
    const grabber = lan.start('agent', node[0], ['-e', grabbing])
    await new Promise((resolve) => grabber.stdout!.once('data', resolve))
    expect(await startProxy(lan, 'agent', { proxyDhcp: { listen: ['eth0'] } })).toEqual([
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
