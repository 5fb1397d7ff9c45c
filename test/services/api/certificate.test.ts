import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createAuthority, type Identity } from '../../lab/authority.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { bearer, cookieOf, openDoor, operateToken } from './door.ts'

const authority = await createAuthority('homelab')
const issue = (from = '127.0.0.1') => authority.issueServer({ common: 'nas', ips: [from], dns: ['nas.lan'] })

/** A door with a certificate in files that can be written again. */
async function openSecureDoor(identity?: Identity) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const tls = { certificate: join(folder.path, 'tls.crt'), key: join(folder.path, 'tls.key') }
  const write = async ({ cert, key }: Partial<Identity>) => {
    if (cert !== undefined) await writeFile(tls.certificate, cert)
    if (key !== undefined) await writeFile(tls.key, key)
  }
  const first = identity ?? (await issue())
  await write(first)
  const door = await openDoor({ section: { tls }, means: { looksEvery: 10 }, now: new Date() })
  const alert = () => door.alerts.all.map(({ id, text }) => ({ id, text }))
  const serial = async () => (await door.ask({ ca: authority.ca })).serial
  return { door, tls, write, first, alert, serial }
}

describe('a certificate', () => {
  test('is served from its files, to clients that trust it, and over nothing older than TLS 1.2', async () => {
    const { door } = await openSecureDoor()
    await using _ = door
    expect(door.status()).toMatch(/^https:\/\/127\.0\.0\.1:\d+, /)
    const answer = await door.ask({ ca: authority.ca })
    expect(answer).toMatchObject({ status: 200, headers: { 'strict-transport-security': 'max-age=86400' } })
    await expect(door.ask({ ca: (await createAuthority('other')).ca })).rejects.toThrow(/certificate/)
    expect(await refusedBy({ port: door.port, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).toMatch(/./)
  })

  test('that was renewed is served within moments, on new connections', async () => {
    const { door, write, serial, alert } = await openSecureDoor()
    await using _ = door
    const before = await serial()
    await write(await issue())
    await expect.poll(serial).not.toBe(before)
    expect(alert()).toEqual([])
  })

  test.each([
    {
      what: 'is half written',
      spoil: ({ cert }: Identity) => ({ cert: cert.slice(0, 200) }),
      why: /api\.tls\.certificate: .*no whole PEM certificate/,
    },
    {
      what: 'comes without its key',
      spoil: ({ cert }: Identity) => ({ cert }),
      why: /api\.tls\.key: .*does not belong to the certificate/,
    },
    {
      what: 'has half of its key',
      spoil: ({ key }: Identity) => ({ key: key.slice(0, 60) }),
      why: /api\.tls\.key: .*no whole private key/,
    },
    { what: 'is empty', spoil: () => ({ cert: '' }), why: /api\.tls\.certificate: .*is empty/ },
  ])(
    'that $what does not take the place of the one before, is an alert, and counts once it is whole',
    async ({ spoil, why }) => {
      const { door, write, serial, alert } = await openSecureDoor()
      await using _ = door
      const before = await serial()
      const next = await issue()
      await write(spoil(next))
      await expect.poll(alert).toMatchObject([{ id: 'api.renewal', text: expect.stringMatching(why) }])
      expect(await serial()).toBe(before)
      expect(JSON.stringify(alert())).not.toContain('PRIVATE')
      await write(next)
      await expect.poll(serial).not.toBe(before)
      await expect.poll(alert).toEqual([])
    },
  )

  test('that ends soon is an alert, until it is renewed', async () => {
    const [from, to] = [-60, 5].map((days) => new Date(Date.now() + days * 86_400_000))
    const worn = await authority.issueClient({ common: 'nas', organizations: [], from, to })
    const { door, write, alert } = await openSecureDoor(worn)
    await using _ = door
    const text = expect.stringMatching(/tls\.crt expires on .*, in less than a week$/)
    await expect.poll(alert).toMatchObject([{ id: 'api.certificate', text }])
    await write(await issue())
    await expect.poll(alert).toEqual([])
  })

  test.each([
    { what: 'a key of another', files: async () => ({ cert: (await issue()).cert, key: (await issue()).key }) },
    { what: 'nothing', files: async () => ({ cert: '', key: '' }) },
  ])('with $what keeps the service from starting, in words', async ({ files }) => {
    await using folder = await temporaryFolder()
    const tls = { certificate: join(folder.path, 'tls.crt'), key: join(folder.path, 'tls.key') }
    const { cert, key } = await files()
    await Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)])
    await expect(openDoor({ section: { tls } })).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/^api\.tls\.(key|certificate): |tls\.crt is empty$/),
    })
  })
})

test('over TLS a browser’s cookie is kept to this host and to TLS, and one without is not taken', async () => {
  const { door } = await openSecureDoor()
  await using _ = door
  const host = `127.0.0.1:${door.port}`
  const signedIn = await door.ask({
    ca: authority.ca,
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json', origin: `https://${host}` },
    body: JSON.stringify({ token: operateToken }),
  })
  expect(signedIn.headers['set-cookie']?.[0]).toMatch(
    /^__Host-caretaker=[^;]+; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/,
  )
  const cookie = cookieOf(signedIn)
  const cancel = (headers: Record<string, string>) =>
    door.ask({ ca: authority.ca, method: 'POST', path: '/api/v1/power/cancel', headers })
  expect(await cancel({ cookie, origin: `https://${host}` })).toMatchObject({ status: 200 })
  expect(await cancel({ cookie, origin: `http://${host}` })).toMatchObject({ status: 403 })
  const plain = cookie.replace('__Host-', '')
  expect(await cancel({ cookie: plain, origin: `https://${host}` })).toMatchObject({ status: 401 })
  expect(await door.ask({ ca: authority.ca, headers: bearer(operateToken) })).toMatchObject({ status: 200 })
})

/** Why a handshake fails; empty where it does not. */
function refusedBy(options: { port: number; minVersion: 'TLSv1'; maxVersion: 'TLSv1.1' }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      socket.destroy()
      resolve('')
    })
    socket.on('error', ({ message }) => resolve(message))
  })
}
