import { expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/config.ts'
import type { SeenOffer } from '../../../src/core/netboot/dhcp/question.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { remembered } from '../../../src/operations/facts.ts'
import { createNetbootRequests } from '../../../src/operations/netboot-requests.ts'
import { createBootKeeper } from '../../../src/operations/netboot/keeper.ts'
import { asks, at, mac, starts, takes } from '../../core/netboot/seen.ts'
import { fakeHomelab } from '../../fakes/homelab.ts'
import { asked } from '../../fakes/person.ts'

const uuid = '564d0000-0000-4000-8000-525400123456'

function open(more = '', sections: object = {}) {
  const config = {
    ...parseConfig(
      `schematic: homelab
share: { directory: share }
nodes:
  - { name: cp-1, role: controlplane, address: 192.168.0.2 }
  - { name: w-1, role: worker, address: 192.168.0.21, mac: '${mac}' }
  - { name: w-2, role: worker, address: 192.168.0.22, mac: '00:1b:21:3a:4f:02' }
${more}`,
      'test.yaml',
    ),
    ...sections,
  }
  const homelab = fakeHomelab({ 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker' })
  const { ports } = homelab
  const { journal } = ports
  const now = () => new Date(at(60))
  const boots = createBootKeeper({
    journal,
    alerts: createAlerts(journal, now),
    config: () => config,
    now,
    isOwn: () => false,
  })
  const netboot = createNetbootRequests({ agent: undefined!, ports, config: () => config, now, boots })
  return { homelab, journal, boots, netboot }
}

test('machines are listed, the last that asked first, with what it came to and what comes next', () => {
  const it = open()
  const stranger = { mac: '52:54:00:00:00:01', kind: 'pxe', firmware: 'BIOS' } as const
  for (const event of [asks(0), takes(4), { type: 'boot.asked', at: at(10), machine: stranger, why: 'BIOS' } as const])
    it.boots.note(event)
  expect(it.netboot.status()).toMatchObject([
    { machine: '52:54:00:00:00:01', maker: 'QEMU', last: { said: 'asked for a boot and was left alone: BIOS' } },
    {
      machine: 'w-1',
      mac,
      boots: true,
      why: 'it was not seen to be installed',
      last: { phase: 'taken', said: expect.any(String) },
    },
  ])
})

test('machines that are to boot and have not asked are listed too', () => {
  const it = open('netboot: { machines: [{ machine: w-2, boot: always }] }')
  it.netboot.once({ machine: 'w-1', cancel: false }, asked())
  expect(it.netboot.status()).toMatchObject([
    { machine: 'w-2', boots: true, why: 'netboot.machines says always' },
    { machine: 'w-1', boots: true, armedUntil: expect.any(String) },
  ])
})

test.each([
  { by: 'its name', machine: 'w-1' },
  { by: 'its card, however that is written', machine: mac.replaceAll(':', '-').toUpperCase() },
  { by: 'its UUID', machine: uuid },
  { by: 'its address', machine: '192.168.0.111' },
])('a machine is found by $by, with its tries', ({ machine }) => {
  const it = open()
  const told = { mac, uuid, kind: 'pxe', firmware: 'UEFI x64' } as const
  for (const event of [asks(0, { machine: told }), takes(4), starts(5)]) it.boots.note(event)
  expect(it.netboot.find({ machine })).toMatchObject({ machine: 'w-1', uuid, tries: [{ phase: 'loading' }] })
})

test('a machine that nobody knows is not found', () => {
  const it = open()
  expect(() => it.netboot.find({ machine: 'w-9' })).toThrow('there is no machine w-9')
  expect(it.netboot.find({ machine: '02:00:00:00:00:07' })).toMatchObject({ machine: '02:00:00:00:00:07', tries: [] })
})

test('a machine is armed, which is said, written down, and can be taken back', () => {
  const it = open()
  remembered.netbootInstalled.remember(it.journal, { 'w-1': {} })
  const said = 'w-1 boots from the network the next time that it asks, within 24 h'
  expect(it.netboot.once({ machine: mac, cancel: false }, asked())).toEqual({ said, changed: true })
  expect(it.journal.entries(1)).toMatchObject([{ subject: 'w-1', text: `${said}; by admin@nas (unverified)` }])
  expect(it.netboot.find({ machine: 'w-1' })).toMatchObject({ boots: true, armedUntil: at(60 + 86_400) })
  expect(it.netboot.once({ machine: 'w-1', cancel: true }, asked())).toMatchObject({ changed: true })
  expect(it.netboot.find({ machine: 'w-1' })).toMatchObject({ boots: false, armedUntil: undefined })
  expect(it.netboot.once({ machine: 'w-1', cancel: true }, asked())).toMatchObject({ changed: false })
})

const router: SeenOffer = {
  server: '192.168.0.1',
  address: '192.168.0.111',
  classId: undefined,
  bootServer: '192.168.0.6',
  file: 'metal-amd64-uki.efi',
  sizeInBlocks: undefined,
  hasPxeOptions: false,
}
const proxy: SeenOffer = {
  ...router,
  server: '192.168.0.10',
  address: undefined,
  classId: 'PXEClient',
  hasPxeOptions: true,
}
const bare: SeenOffer = { ...proxy, file: undefined, hasPxeOptions: false }

const check = async (it: ReturnType<typeof open>, request: Parameters<typeof it.netboot.check>[0] = {}) => {
  const { findings, ...rest } = await it.netboot.check(request, asked())
  return { ...rest, findings: findings.map(({ verdict, text }) => `${verdict}: ${text}`) }
}

test('the check reads from the server that machines are told', async () => {
  const it = open()
  it.homelab.dhcpServers.push({ offer: router })
  it.homelab.served.set('192.168.0.6 metal-amd64-uki.efi', 99_600_000)
  expect(await check(it)).toMatchObject({
    mac: '02:63:61:72:65:01',
    chosen: { told: '192.168.0.1', server: '192.168.0.6' },
    findings: [
      'ok: 192.168.0.1 offers an address',
      'ok: 192.168.0.1 has machines boot metal-amd64-uki.efi of 192.168.0.6',
      'ok: 192.168.0.6 serves metal-amd64-uki.efi, 99.6 MB',
    ],
  })
})

test('the check says what the server answers that does not have the file', async () => {
  const it = open()
  it.homelab.dhcpServers.push({ offer: router })
  expect((await check(it)).findings.at(-1)).toMatch(/^failed: the TFTP server 192.168.0.6 refuses/)
})

test('the check asks again at port 4011, as firmware does', async () => {
  const it = open('', { proxyDhcp: {} })
  it.homelab.dhcpServers.push({ offer: { ...router, file: undefined } }, { offer: bare, again: proxy })
  it.homelab.served.set('192.168.0.6 metal-amd64-uki.efi', 99_600_000)
  expect(await check(it)).toMatchObject({ chosen: { told: '192.168.0.10' } })
})

test('the check in the name of a machine says where Caretaker would leave it alone', async () => {
  const it = open('', { proxyDhcp: {} })
  remembered.netbootInstalled.remember(it.journal, { 'w-1': {} })
  it.homelab.dhcpServers.push({ offer: router })
  expect(await check(it, { machine: 'w-1' })).toMatchObject({
    mac,
    findings: expect.arrayContaining(['warning: Caretaker leaves w-1 alone: it is installed']),
  })
})

test('the check by HTTP asks for what the URL has', async () => {
  const it = open()
  const url = 'http://192.168.0.10:8421/metal-amd64-uki.efi'
  it.homelab.dhcpServers.push(
    { offer: { ...router, file: undefined } },
    { offer: { ...proxy, classId: 'HTTPClient', file: url } },
  )
  it.homelab.served.set(url, 99_600_000)
  expect((await check(it, { loads: 'http' })).findings.at(-1)).toMatch(/^ok: .*99.6 MB$/)
})

test('another server than the one of the configuration is pointed out', async () => {
  const it = open('', { bootFiles: { tftp: { port: 69 } } })
  it.homelab.dhcpServers.push({ offer: router })
  expect((await check(it)).findings[1]).toBe(
    'warning: 192.168.0.1 has machines boot metal-amd64-uki.efi of 192.168.0.6, where 192.168.0.10 is expected',
  )
})

test.each([
  { name: 'share.server', sections: {}, more: '', server: '192.168.0.10' },
  { name: 'what proxyDhcp says', sections: { proxyDhcp: { tftp: '192.168.0.7' } }, more: '', server: '192.168.0.7' },
])('a recipe has the server by $name', async ({ sections, more, server }) => {
  const it = open(more, sections)
  const { lines } = await it.netboot.recipe({ router: 'dnsmasq' })
  expect(lines.at(-1)).toBe(`dhcp-boot=tag:talos-amd64,metal-amd64-uki.efi,,${server}`)
})

test('a recipe has the network of the server, and its URL where we serve by HTTP', async () => {
  const it = open('', { bootFiles: { tftp: { port: 69 }, http: { port: 8421 } } })
  expect((await it.netboot.recipe({ router: 'windows' })).lines.join('\n')).toContain('-ScopeId 192.168.0.0')
  expect((await it.netboot.recipe({ router: 'kea' })).lines.join('\n')).toContain(
    'http://192.168.0.10:8421/metal-amd64-uki.efi',
  )
})
