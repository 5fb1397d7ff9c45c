import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Fetching } from '../../lab/lan/fetch-process.ts'
import { type Lan, openLan, whyNoLan } from '../../lab/lan/lan.ts'
import { node, script, startService } from '../../lab/lan/service.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { patience } from '../../patience.ts'

/** What a network does to the server of boot files: addresses that go and come. */

const why = await whyNoLan()
const agent = '192.168.80.2'
const machines = { agent, client: '192.168.80.3' }
const name = 'metal-amd64-uki.efi'
// More than the buffers of both ends hold.
const image = randomBytes(24_000_000)
const wanted = createHash('sha256').update(image).digest('hex')
const go = `address del ${agent}/24 dev eth0`
const come = `address add ${agent}/24 brd + dev eth0`

async function open(stack: AsyncDisposableStack) {
  const folder = stack.use(await temporaryFolder())
  await writeFile(join(folder.path, name), image)
  const lan = stack.use(await openLan(machines))
  const service = await startService(lan, 'agent', {
    bootFiles: { listen: ['eth0'], tftp: { port: 69 }, http: { port: 80 } },
    share: { directory: folder.path, image: name },
  })
  expect(service.said).toEqual(['ready'])
  return { lan, service, status: async () => (await service.asks()).status }
}

/** Fetches the image, or the half of it until it is told to go on. */
function fetching(lan: Lan, by: Fetching['by'], halts?: true) {
  const asked: Fetching = { by, address: agent, name, ...(halts ? { halts } : {}) }
  const child = lan.start('client', node[0], [node[1], script('fetch-process.ts'), JSON.stringify(asked)])
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
  const lines = () => said.trim().split('\n')
  return {
    half: () => expect.poll(lines, patience).toContain('half'),
    goOn: () => child.stdin!.write('\n'),
    whole: () => expect.poll(lines, patience).toContain(wanted),
  }
}

test.skipIf(why !== undefined)(
  'an address that goes and comes back breaks no transfer off, and is served from again without a restart',
  async () => {
    await using stack = new AsyncDisposableStack()
    const { lan, service, status } = await open(stack)
    const running = (['tftp', 'http'] as const).map((by) => fetching(lan, by, true))
    for (const one of running) await one.half()
    await lan.ip('agent', go)
    await expect.poll(status, patience).toContain('eth0 has no IPv4 address yet')
    // What is missing is sent again by time, to a network that is away.
    for (const one of running) one.goOn()
    await expect.poll(status, patience).toContain('2 transfers under way')
    await lan.ip('agent', come)
    for (const one of running) await one.whole()
    for (const by of ['tftp', 'http'] as const) await fetching(lan, by).whole()
    expect(await status()).toBe(`tftp://${agent}, http://${agent}:80`)
    expect(service.said).not.toContain('restart')
  },
)

test.skipIf(why !== undefined)('another address of the interface is listened on anew', async () => {
  await using stack = new AsyncDisposableStack()
  const { lan, service } = await open(stack)
  await lan.ip('agent', 'address add 192.168.80.9/24 dev eth0')
  await expect.poll(() => service.said.includes('restart'), patience).toBe(true)
})
