import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import process from 'node:process'
import { expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import type { DhcpMessage } from '../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf } from '../../../src/core/netboot/dhcp/question.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { checkProxy, describeListenFault } from '../../../src/services/proxy-dhcp/check.ts'
import { section } from '../../../src/services/proxy-dhcp/section.ts'
import { discover, withOptions } from '../../core/netboot/dhcp/messages.ts'
import { addressed, openProxy, type ProxyOptions } from './loopback.ts'

const request = (options: Parameters<typeof withOptions>[0] = {}, fields: Partial<DhcpMessage> = {}) =>
  withOptions({ messageType: Uint8Array.of(3), ...options }, fields)
const system = (chaddr = discover().chaddr) => withOptions({ classId: 'talos' }, { chaddr })

test('a machine that asks is offered the image, from our own address, and is told of', async () => {
  await using at = await openProxy()
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toHaveLength(1)
  expect(at.heard[0]).toMatchObject({ op: 2, xid: 0xf7ab597b, siaddr: '127.0.125.1', file: 'metal-amd64-uki.efi' })
  expect(at.heard[0]!.options.get(54)).toEqual(Uint8Array.of(127, 0, 125, 1))
  expect(at.seen).toMatchObject([
    {
      type: 'boot.asked',
      machine: {
        mac: '52:54:00:12:34:56',
        uuid: '564d0000-0000-4000-8000-525400123456',
        kind: 'pxe',
        firmware: 'UEFI x64',
      },
      file: 'metal-amd64-uki.efi',
      why: 'it is not in the configuration',
    },
  ])
  expect(at.running.status?.()).toBe('answers machines on lan (127.0.125.1)')
})

interface Server {
  readonly name: string
  readonly options: ProxyOptions
  readonly siaddr: string
}

test.each<Server>([
  {
    name: 'proxyDhcp.tftp',
    options: { proxy: { tftp: '192.168.0.7' }, share: 'server: 192.168.0.6' },
    siaddr: '192.168.0.7',
  },
  { name: 'share.server', options: { share: "server: '192.168.0.6:69'" }, siaddr: '192.168.0.6' },
  {
    name: 'our own address where share.server is a name',
    options: { share: 'server: nas.lan' },
    siaddr: '127.0.125.1',
  },
  { name: 'our own address where nothing else is said', options: {}, siaddr: '127.0.125.1' },
])('the TFTP server that machines are told is $name', async ({ options, siaddr }) => {
  await using at = await openProxy(options)
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toMatchObject([{ siaddr }])
})

test('what we serve ourselves is known as such, by TFTP and by HTTP', async () => {
  const http = withOptions({ classId: 'HTTPClient:Arch:00016', systemType: Uint8Array.of(0, 16) })
  await using at = await openProxy({ bootFiles: { tftp: { port: 69 }, http: { port: 8421 } } })
  await at.settled(discover())
  await at.settled(http)
  expect(at.seen).toMatchObject([
    { file: 'metal-amd64-uki.efi', isServedHere: true },
    { file: 'http://127.0.125.1:8421/metal-amd64-uki.efi', isServedHere: true },
  ])
  await using others = await openProxy({
    proxy: { tftp: '192.168.0.6', http: 'http://192.168.0.6' },
    bootFiles: { tftp: { port: 69 }, http: { port: 80 } },
  })
  await others.settled(discover())
  await others.settled(http)
  expect(others.seen).toMatchObject([
    { isServedHere: false },
    { isServedHere: false, file: 'http://192.168.0.6/metal-amd64-uki.efi' },
  ])
})

test('firmware that asks again at port 4011 gets the file where it asked from', async () => {
  await using at = await openProxy({ proxy: { offer: 'port-4011' } })
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toMatchObject([{ file: '' }])
  await at.askAgain(request({}, { ciaddr: '127.0.125.9' }))
  await expect.poll(() => at.heard[1]).toMatchObject({ file: 'metal-amd64-uki.efi', ciaddr: '127.0.125.9' })
  expect(at.heard[1]!.options.get(53)).toEqual(Uint8Array.of(5))
  expect(at.seen[1]).toMatchObject({ type: 'boot.taken', mac: '52:54:00:12:34:56', address: '127.0.125.9' })
})

test('a request to the server that gives addresses is told of and not answered; one to us is', async () => {
  await using at = await openProxy()
  const requested = { requestedAddress: Uint8Array.of(192, 168, 0, 111) }
  await at.broadcast(request({ serverId: Uint8Array.of(192, 168, 0, 1), ...requested }))
  await expect.poll(() => at.seen).toMatchObject([{ type: 'boot.taken', address: '192.168.0.111' }])
  await at.broadcast(request({ serverId: Uint8Array.of(127, 0, 125, 1) }))
  await expect.poll(() => at.heard).toHaveLength(1)
  expect(at.heard[0]!.options.get(53)).toEqual(Uint8Array.of(5))
})

test('what a relay passes on is answered to the relay', async () => {
  await using at = await openProxy()
  // There is no socket of the relay here: what counts is that nobody else hears it.
  await at.relay(withOptions({}, { giaddr: '127.0.125.7' }))
  await at.broadcast(discover())
  await expect.poll(() => at.seen).toHaveLength(2)
  await expect.poll(() => at.heard).toMatchObject([{ giaddr: '0.0.0.0' }])
})

test('an image with the release in its name is offered by the name that it has now, and not before it is known', async () => {
  const config = 'images: [{ name: all, file: "talos-{version}.efi" }]'
  const older = { file: 'talos-v1.14.0.efi', publishedAt: '2026-11-26T00:00:00Z' } as PublishedName
  const newer = { file: 'talos-v1.14.1.efi', publishedAt: '2026-11-27T00:00:00Z' } as PublishedName
  await using at = await openProxy({ config, names: [newer, older] })
  await at.settled(discover())
  await expect.poll(() => at.heard).toMatchObject([{ file: 'talos-v1.14.1.efi' }])
  await using empty = await openProxy({ config })
  await empty.settled(discover())
  expect(empty.seen).toMatchObject([{ why: 'there is no UKI for amd64 on the share' }])
})

interface Left {
  readonly name: string
  readonly config: string
  readonly message?: DhcpMessage
  readonly why: RegExp
}

const controlPlane = '{ name: cp-1, role: controlplane, address: 192.168.0.2 }'
const node = `nodes: [${controlPlane}, { name: w-1, role: worker, address: 192.168.0.21, mac: '52:54:00:12:34:56' }]`

test.each<Left>([
  { name: 'a stranger where they are ignored', config: 'netboot: { unknown: ignore }', why: /netboot.unknown/ },
  {
    name: 'one that never boots',
    config: `${node}\nnetboot: { machines: [{ machine: w-1, boot: never }] }`,
    why: /never/,
  },
  {
    name: 'one that never boots, by its card',
    config: `netboot: { machines: [{ machine: 52-54-00-12-34-56, boot: never }] }`,
    why: /never/,
  },
  { name: 'a BIOS', config: '', message: withOptions({ systemType: Uint8Array.of(0, 0) }), why: /UEFI/ },
  {
    name: 'a processor without an image',
    config: '',
    message: withOptions({ systemType: Uint8Array.of(0, 11) }),
    why: /arm64/,
  },
  {
    name: 'HTTP boot without a server for it',
    config: '',
    message: withOptions({ classId: 'HTTPClient:Arch:00016', systemType: Uint8Array.of(0, 16) }),
    why: /proxyDhcp.http/,
  },
])('$name gets no answer, and people are told why', async ({ config, message = discover(), why }) => {
  await using at = await openProxy({ config })
  await at.settled(message)
  expect(at.seen).toMatchObject([{ type: 'boot.asked', why: expect.stringMatching(why) }])
  expect(at.seen[0]).not.toHaveProperty('file')
  await at.settled(system())
  expect(at.heard).toEqual([])
})

test('an installed node is left alone, until a person wants it to boot once more', async () => {
  await using at = await openProxy({ config: node })
  remembered.netbootInstalled.remember(at.journal, { 'w-1': {} })
  await at.settled(discover())
  expect(at.seen).toMatchObject([{ why: 'it is installed' }])
  const until = new Date(Date.now() + 60_000).toISOString()
  remembered.netbootArmed.remember(at.journal, { 'w-1': { at: until, by: 'admin', until } })
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toHaveLength(1)
})

test('what a person has wanted too long ago counts no more', async () => {
  await using at = await openProxy({ config: node })
  remembered.netbootInstalled.remember(at.journal, { 'w-1': {} })
  const before = new Date(Date.now() - 1_000).toISOString()
  remembered.netbootArmed.remember(at.journal, { 'w-1': { at: before, by: 'admin', until: before } })
  await at.settled(discover())
  expect(at.seen).toMatchObject([{ why: 'it is installed' }])
})

test('an installed node without a card in the configuration is known by its UUID', async () => {
  await using at = await openProxy({
    config: `nodes: [${controlPlane}, { name: w-1, role: worker, address: 192.168.0.21 }]`,
  })
  remembered.netbootInstalled.remember(at.journal, { 'w-1': { uuid: '564d0000-0000-4000-8000-525400123456' } })
  await at.settled(discover())
  expect(at.seen).toMatchObject([{ why: 'it is installed' }])
})

test('a machine of its own has its own form and delay', async () => {
  const config = `${node}\nnetboot: { machines: [{ machine: w-1, boot: always, offer: port-4011, delay: 200ms }] }`
  await using at = await openProxy({ config })
  const began = performance.now()
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toMatchObject([{ file: '' }])
  expect(performance.now() - began).toBeGreaterThan(190)
})

test('our own question is answered, whoever is left alone, and is no boot of a machine', async () => {
  await using at = await openProxy({ config: 'netboot: { unknown: ignore }' })
  await at.broadcast(discoverOf({ mac: '02:63:61:72:65:01', xid: 9, architecture: 'amd64', loads: 'tftp' }))
  await expect.poll(() => at.heard).toMatchObject([{ xid: 9, file: 'metal-amd64-uki.efi' }])
  expect(at.seen).toEqual([])
})

test('an operating system that asks for an address is told of', async () => {
  await using at = await openProxy()
  await at.settled(system())
  expect(at.seen).toMatchObject([{ type: 'boot.system', mac: '52:54:00:12:34:56' }])
})

test('garbage, and what is longer than any DHCP message, is passed over', async () => {
  await using at = await openProxy()
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(300, 1), Buffer.alloc(9_000)]) await at.raw(bytes)
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toHaveLength(1)
})

test.each([
  { listen: ['nowhere0'], why: /nowhere0 is neither an interface nor an address of this machine/ },
  { listen: ['10.255.255.1'], why: /is neither an interface nor an address/ },
])('the check says that $listen is not there', async ({ listen, why }) => {
  const faults = await checkProxy({ section: section.parse({ listen })!, config: undefined!, files: undefined! })
  expect(faults).toMatchObject([{ setting: 'proxyDhcp.listen', why: expect.stringMatching(why) }])
})

test('a port that is taken is told with who has it', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.125.2')
  await once(socket, 'listening')
  const { port } = socket.address()
  const fault = Object.assign(new Error('in use'), { code: 'EADDRINUSE', address: '127.0.125.2', port })
  const { why } = await describeListenFault(fault)
  socket.close()
  expect(why).toMatch(new RegExp(`^port ${port} of this machine is in use by .*\\(process ${process.pid}\\)`))
})

test.each([
  { code: 'EACCES', why: /CAP_NET_BIND_SERVICE/ },
  { code: 'EADDRNOTAVAIL', why: /not an address of this machine/ },
  { code: 'ENOBUFS', why: /nothing can listen on port 67 of 192.168.0.10/ },
])('where the system says $code a person is told what to do', async ({ code, why }) => {
  const fault = Object.assign(new Error(code), { code, address: '192.168.0.10', port: 67 })
  expect((await describeListenFault(fault)).why).toMatch(why)
})

test('a machine that declines an address, or gives it back, has not taken an offer', async () => {
  await using at = await openProxy()
  await at.broadcast(discover())
  await expect.poll(() => at.seen).toHaveLength(1)
  for (const type of [4, 7]) await at.broadcast(withOptions({ messageType: Uint8Array.of(type) }))
  await at.settled(system())
  expect(at.seen.map(({ type }) => type)).toEqual(['boot.asked', 'boot.system'])
})

test('a place that is not there refuses the start with its reason', async () => {
  await expect(openProxy({ proxy: { listen: ['wlan9'] } })).rejects.toThrow(AgentError)
  await expect(openProxy({ proxy: { listen: ['wlan9'] } })).rejects.toThrow(
    'proxyDhcp.listen: wlan9 is neither an interface',
  )
})

test('one name that is missing keeps nobody from the others', async () => {
  await using at = await openProxy({ proxy: { listen: ['wlan9', 'lan'] } })
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toHaveLength(1)
  expect(at.running.status?.()).toMatch(/^answers machines on lan \(127\.0\.125\.1\); wlan9 is neither an interface/)
})

test('an address that goes and comes back costs nothing; another one is taken up', async () => {
  let now = [addressed('127.0.125.1')]
  await using at = await openProxy({ interfaces: () => ({ lan: now }) })
  now = []
  await expect
    .poll(() => at.running.status?.())
    .toBe('answers machines on lan (127.0.125.1); lan has no IPv4 address yet')
  await new Promise((resolve) => setTimeout(resolve, 100))
  now = [addressed('127.0.125.1')]
  await at.broadcast(discover())
  await expect.poll(() => at.heard).toHaveLength(1)
  expect(at.restarts()).toBe(0)
  now = [addressed('127.0.125.3')]
  expect(at.running.status?.()).toContain('lan has lost 127.0.125.1')
  await expect.poll(at.restarts).toBe(1)
})
