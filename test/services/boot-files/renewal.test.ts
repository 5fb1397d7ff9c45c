import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { claimAddress } from '../../lab/net-claim.ts'
import { startBootFiles } from '../../../src/services/boot-files/work.ts'
import { createChain } from '../../lab/authority.ts'
import { patience } from '../../patience.ts'
import { contextIn, program } from './context.ts'

const address = '127.0.120.8'
beforeAll(async () => {
  const claim = await claimAddress(address)
  return () => claim[Symbol.asyncDispose]()
})
const port = 8_425
const day = 86_400_000
const image = randomBytes(16_000_000)
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-boot-renewal-'))
  await writeFile(join(folder, 'metal-amd64-uki.efi'), image)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Served {
  readonly cert: string
  readonly key: string
}

async function issue(to: Date): Promise<Served> {
  const { certs, key } = await createChain([{ kind: 'RSA', to }])
  return { cert: certs.join(''), key }
}

async function write({ cert, key }: Partial<Served>): Promise<void> {
  if (cert !== undefined) await writeFile(join(folder, 'boot.crt'), cert)
  if (key !== undefined) await writeFile(join(folder, 'boot.key'), key)
}

async function start(first: Served) {
  await write(first)
  const tls = { certificate: 'boot.crt', key: 'boot.key' }
  const { context, ...seen } = contextIn(folder, { listen: [address], tftp: false, http: { port, tls } })
  const service = await startBootFiles(context, { program, readsEvery: 20 })
  onTestFinished(() => service[Symbol.asyncDispose]())
  return { service, ...seen, text: (id: string) => seen.alerts.get(`boot-files.${id}`)?.text }
}

/** Of what a new connection is shown. */
function shown(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const download = () =>
  new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: address, port, path: '/metal-amd64-uki.efi', rejectUnauthorized: false, agent: false }, resolve).on(
      'error',
      reject,
    )
  })

test('a certificate that is renewed is shown to new connections, and breaks nobody’s transfer off', async () => {
  const { service, restarts, alerts } = await start(await issue(new Date(Date.now() + 300 * day)))
  expect(service.status?.()).toBe(`https://${address}:${port}`)
  const before = await shown()
  const running = await download()
  await write(await issue(new Date(Date.now() + 600 * day)))
  await expect.poll(shown, patience).not.toBe(before)
  expect((await buffer(running)).equals(image)).toBe(true)
  expect(restarts()).toBe(0)
  expect(alerts).toEqual(new Map())
})

test.each([
  { what: 'its key is missing', spoil: ({ cert }: Served) => ({ cert }), why: /bootFiles\.http\.tls\.key: the key in/ },
  {
    what: 'it is half written',
    spoil: ({ cert }: Served) => ({ cert: cert.slice(0, 200) }),
    why: /bootFiles\.http\.tls\.certificate: boot\.crt contains no whole/,
  },
])('where $what the one before is served, and an alert says so until it is whole', async ({ spoil, why }) => {
  const { text } = await start(await issue(new Date(Date.now() + 300 * day)))
  const before = await shown()
  const next = await issue(new Date(Date.now() + 600 * day))
  await write(spoil(next))
  await expect.poll(() => text('renewal'), patience).toMatch(why)
  expect(text('renewal')).toMatch(/^the certificate in boot\.crt can't be renewed, and the previous one stays in use: /)
  expect(await shown()).toBe(before)
  await write(next)
  await expect.poll(shown, patience).not.toBe(before)
  await expect.poll(() => text('renewal'), patience).toBeUndefined()
})

test('one that is about to expire while it is served is an alert until it is renewed', async () => {
  const ends = Date.now() + 300 * day
  const { alerts, restarts, setClock, text } = await start(await issue(new Date(ends)))
  expect(alerts).toEqual(new Map())
  setClock(new Date(ends - 6 * day))
  await expect
    .poll(() => text('certificate'), patience)
    .toMatch(/^the certificate in boot\.crt expires on .*than a week; /)
  await write(await issue(new Date(ends + 300 * day)))
  await expect.poll(() => text('certificate'), patience).toBeUndefined()
  expect(restarts()).toBe(0)
})

test('a key of another keeps the service from starting, in words that name the setting', async () => {
  const [one, other] = [await issue(new Date(Date.now() + day)), await issue(new Date(Date.now() + day))]
  await expect(start({ cert: one.cert, key: other.key })).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringMatching(/^bootFiles\.http\.tls\.key: the key in boot\.key does not belong to/),
  })
})
