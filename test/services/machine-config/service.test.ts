import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import type { RunningService } from '../../../src/core/service.ts'
import { authorityFile, keepAuthority } from '../../../src/main/machine-authority.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import { checkMachineConfig } from '../../../src/services/machine-config/check.ts'
import { networksOf } from '../../../src/services/machine-config/networks.ts'
import { type MachineConfigSection, section as schema } from '../../../src/services/machine-config/section.ts'
import definition from '../../../src/services/machine-config/service.ts'
import { type MachineConfigMeans, startMachineConfig } from '../../../src/services/machine-config/work.ts'
import { createAuthority } from '../../lab/authority.ts'
import { type TemporaryFolder, temporaryFolder } from '../../lab/process.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { silentLog } from '../../fakes/log.ts'
import { fakeDesk } from '../../fakes/provision.ts'
import { configRequest, formRequest, port, sendRaw } from './door.ts'

const address = '127.0.170.1'
const machine = '127.0.170.20'
const uuid = '30313436-3631-4d32-3130-343430315836'
let folder: TemporaryFolder
const running: RunningService[] = []
beforeAll(async () => void (folder = await temporaryFolder()))
afterAll(() => folder[Symbol.asyncDispose]())
afterEach(async () => {
  for (const one of running.splice(0)) await one[Symbol.asyncDispose]()
})

function contextOf(given: unknown) {
  const events: BootEvent[] = []
  const reports: [string, { text: string } | undefined][] = []
  const desk = fakeDesk()
  const journal = memoryJournal()
  const at = { now: new Date('2027-01-01T12:00:00Z') }
  let restarts = 0
  const state = join(folder.path, 'state')
  const context = {
    section: schema.parse(given),
    config: () => ({ cluster: { name: 'homelab' } }),
    files: { state, readSecret: ({ file }: { file: string }) => readFile(join(folder.path, file), 'utf8') },
    ports: { journal },
    provision: desk,
    alerts: { report: (id: string, content?: { text: string }) => void reports.push([id, content]) },
    log: silentLog,
    key: async () => randomBytes(32),
    authority: (host: string) => keepAuthority(state, host),
    notice: { boot: (event: BootEvent) => void events.push(event) },
    publicUrl: () => 'https://nas.lan:8420/',
    now: () => at.now,
    monotonic: () => performance.now(),
    restart: () => void (restarts += 1),
  } as unknown as ServiceContext<MachineConfigSection | undefined>
  return { context, desk, events, reports, journal, at, restarts: () => restarts }
}

async function start(given: unknown, means: MachineConfigMeans = {}) {
  const { context, ...seen } = contextOf(given)
  const service = await startMachineConfig(context, means)
  running.push(service)
  return { service, context, ...seen }
}

const usual = { listen: [address] }
const ask = () => sendRaw(address, configRequest(`uuid=${uuid}`), { from: machine })
/** Over TLS, trusting one authority alone. */
function askSecurely(ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = get({ host: address, port, path: '/', ca, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asked.on('error', reject)
  })
}

/** What tells the certificate that is served from others. */
function servedNumber(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('without the section nothing listens', async () => {
  const { service, context } = await start(undefined)
  expect(service.status?.()).toMatch(/^off/)
  expect(await checkMachineConfig(context)).toEqual([])
})

test('a machine that asks is told of as one that boots, and is in the status while it waits', async () => {
  const { service, desk, events } = await start(usual)
  expect(service.status?.()).toBe(`http://${address}:${port}`)
  await ask()
  const second = ask()
  await expect.poll(() => service.status?.()).toBe(`http://${address}:${port}; 1 machine waiting`)
  desk.approve('BBBB-BBBB')
  expect((await second).status).toBe(200)
  const at = '2027-01-01T12:00:00.000Z'
  const told = { type: 'boot.configuration', at, machine: { client: machine, mac: undefined, uuid } }
  await expect
    .poll(() => events)
    .toEqual([
      { ...told, answer: 'pending' },
      { ...told, answer: 'pending' },
      { ...told, answer: 'delivered' },
    ])
})

test('what is odd is in the journal', async () => {
  const { journal } = await start({ ...usual, allow: ['127.0.170.20/32'] })
  await sendRaw(address, configRequest(''), { from: '127.0.170.21' }).catch(() => undefined)
  await sendRaw(address, configRequest(`uuid=${uuid}&serial=%24%7Bserial%7D`), { from: machine })
  expect(journal.entries(9).map(({ text }) => text)).toEqual([
    expect.stringMatching(/^127\.0\.170\.20 has no \$\{serial\}, and waits 90 s/),
    expect.stringMatching(
      /^127\.0\.170\.21 wanted to ask for a configuration, is in no network of machineConfig\.allow/,
    ),
  ])
})

test('the page of a code leads to the dashboard', async () => {
  await start(usual)
  const text = await (await fetch(`http://${address}:${port}/verify?user_code=BBBB-BBBB`)).text()
  expect(text).toContain('https://nas.lan:8420/machines?code=BBBB-BBBB')
})

test('with an authority of our own it is made once, for us alone, and a machine that trusts it gets in', async () => {
  const given = { ...usual, tls: { ca: 'own' } }
  const { service, context, at } = await start(given, { renewsEvery: 20 })
  expect(service.status?.()).toBe(`https://${address}:${port}`)
  const { certificate } = await context.authority(address)
  expect((await stat(authorityFile(context.files.state, address))).mode & 0o777).toBe(0o600)
  expect(await askSecurely(certificate)).toBe(404)
  const answer = await sendRaw(address, formRequest('/device/code', `uuid=${uuid}`), { from: machine }).catch(
    () => undefined,
  )
  expect(answer?.status ?? 0).toBe(0)
  // A month later it has another certificate, and is trusted all the same.
  const first = await servedNumber()
  at.now = new Date('2027-02-01T12:00:00Z')
  await expect.poll(servedNumber).not.toBe(first)
  expect(await askSecurely(certificate)).toBe(404)
  await running.pop()![Symbol.asyncDispose]()
  await start(given)
  expect(await askSecurely(certificate)).toBe(404)
})

test('whoever is first makes the authority', async () => {
  const state = join(folder.path, 'both')
  const all = await Promise.all(Array.from({ length: 4 }, () => keepAuthority(state, 'nas.lan')))
  expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1)
  await writeFile(authorityFile(state, 'nas.lan'), 'half')
  await expect(keepAuthority(state, 'nas.lan')).rejects.toThrow(/ca-nas\.lan\.pem is damaged/)
})

test('a certificate that is renewed is taken up without a restart, and one that is damaged is not', async () => {
  const authority = await createAuthority('machines')
  const issue = async () => {
    const { cert, key } = await authority.issueServer({ common: 'machines', ips: [address] })
    await writeFile(join(folder.path, 'm.crt'), cert)
    await writeFile(join(folder.path, 'm.key'), key)
    return cert
  }
  await issue()
  const tls = { certificate: 'm.crt', key: 'm.key' }
  const { reports, restarts, at } = await start({ ...usual, tls }, { renewsEvery: 20 })
  at.now = new Date()
  expect(await askSecurely(authority.ca)).toBe(404)
  await writeFile(join(folder.path, 'm.crt'), 'half of it')
  await expect
    .poll(() => reports.at(-1)?.[1]?.text)
    .toMatch(/m\.crt can't be renewed, and the previous one stays in use/)
  expect(await askSecurely(authority.ca)).toBe(404)
  const first = await servedNumber()
  await issue()
  await expect.poll(servedNumber).not.toBe(first)
  await expect.poll(() => reports.at(-1)?.[1]?.text ?? '').not.toMatch(/renewed/)
  expect(restarts()).toBe(0)
})

describe('where it can’t listen it says why', () => {
  test('another program has the port', async () => {
    await start(usual)
    const { context } = contextOf(usual)
    await expect(startMachineConfig(context)).rejects.toThrow(
      /machineConfig\.port: port 8424 of 127\.0\.170\.1 is in use by/,
    )
    expect(await checkMachineConfig(context)).toContainEqual({
      setting: 'machineConfig.port',
      why: expect.stringMatching(/in use by/),
    })
  })

  test('what is named is not there', async () => {
    const why = /machineConfig\.listen: eth99 is neither an interface/
    await expect(start({ listen: ['eth99'] })).rejects.toThrow(why)
    await expect(definition.start(contextOf({ listen: ['eth99'] }).context)).rejects.toThrow(why)
  })
})

describe('what is doubtful or wrong is found before anything starts', () => {
  test.each([
    { name: 'plain HTTP', given: usual, finds: 'machineConfig.tls' },
    {
      name: 'https without a certificate',
      given: { ...usual, url: 'https://nas.lan:8424' },
      finds: 'machineConfig.url',
    },
    {
      name: 'http with one',
      given: { ...usual, url: 'http://nas.lan:8424', tls: { ca: 'own' } },
      finds: 'machineConfig.url',
    },
    {
      name: 'no files',
      given: { ...usual, tls: { certificate: 'no.crt', key: 'no.key' } },
      finds: 'machineConfig.tls.certificate',
    },
  ])('$name', async ({ given, finds }) => {
    const found = await checkMachineConfig(contextOf(given).context)
    expect(found.map(({ setting }) => setting)).toContain(finds)
  })

  test('an authority of our own needs nothing', async () => {
    expect(await checkMachineConfig(contextOf({ ...usual, tls: { ca: 'own' } }).context)).toEqual([])
  })

  test.each([
    { name: 'every interface', given: { listen: ['0.0.0.0'] }, says: /one by one/ },
    { name: 'a URL with a path', given: { ...usual, url: 'http://nas.lan/boot' }, says: /leave out the path/ },
    { name: 'an authority of somebody', given: { ...usual, tls: { ca: 'ours' } }, says: /ca: own/ },
    { name: 'a network that is none', given: { ...usual, allow: ['192.168.0.0/40'] }, says: /network such as/ },
    { name: 'an endpoint by HTTP', given: { ...usual, endpoint: 'http://192.168.0.20:6443' }, says: /https:/ },
    { name: 'another way', given: { ...usual, way: 'pigeon' }, says: /way/ },
  ])('a section that names $name is refused', ({ given, says }) => {
    expect(() => schema.parse(given)).toThrow(says)
  })
})

test('who may ask is in a network that it listens in', () => {
  const place = { on: 'eth0', family: 'IPv4' as const }
  expect(
    networksOf([
      { ...place, address: '192.168.0.10', netmask: '255.255.254.0' },
      { ...place, address: 'fd00::10', family: 'IPv6', netmask: 'ffff:ffff:ffff:ffff::' },
    ]),
  ).toEqual(['192.168.0.10/23', 'fd00::10/64'])
})
