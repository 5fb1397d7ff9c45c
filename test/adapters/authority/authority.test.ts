import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createAuthorityText, openAuthority } from '../../../src/adapters/authority/authority.ts'
import { temporaryFolder } from '../../lab/process.ts'

const now = new Date('2027-01-01T12:00:00Z')
const authorityOf = (host: string) => openAuthority(createAuthorityText(host), host)

/** What OpenSSL says of a certificate for a name; `OK`, or why not. */
async function judge({ ca, cert, name, at = now }: { ca: string; cert: string; name: readonly string[]; at?: Date }) {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'ca.pem'), ca)
  await writeFile(join(folder.path, 'cert.pem'), cert)
  const time = String(Math.floor(at.getTime() / 1_000))
  const words = [
    'verify',
    '-x509_strict',
    '-attime',
    time,
    '-purpose',
    'sslserver',
    '-CAfile',
    'ca.pem',
    ...name,
    'cert.pem',
  ]
  const { stdout, stderr } = await promisify(execFile)('openssl', words, { cwd: folder.path }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return stdout.includes('OK') ? 'OK' : (/error \d+ at .*?: (.*)/.exec(stderr)?.[1] ?? '?')
}

test.each([
  { host: 'caretaker.home.arpa', name: ['-verify_hostname', 'caretaker.home.arpa'] },
  { host: '192.168.0.10', name: ['-verify_ip', '192.168.0.10'] },
  { host: 'fd00::10', name: ['-verify_ip', 'fd00::10'] },
])('OpenSSL takes what it issues for $host, by all rules', async ({ host, name }) => {
  const authority = authorityOf(host)
  const { cert } = authority.issue(now)
  expect(await judge({ ca: authority.certificate, cert, name })).toBe('OK')
  // A machine whose clock was never set.
  expect(await judge({ ca: authority.certificate, cert, name, at: new Date('2001-01-01') })).toBe('OK')
  expect(await judge({ ca: authorityOf(host).certificate, cert, name })).not.toBe('OK')
})

test.each([
  { host: 'caretaker.home.arpa', other: 'ghcr.io', name: ['-verify_hostname', 'ghcr.io'] },
  { host: 'caretaker.home.arpa', other: '192.168.0.10', name: ['-verify_ip', '192.168.0.10'] },
  { host: '192.168.0.10', other: '192.168.0.11', name: ['-verify_ip', '192.168.0.11'] },
  { host: '192.168.0.10', other: 'ghcr.io', name: ['-verify_hostname', 'ghcr.io'] },
  { host: '192.168.0.10', other: 'fd00::10', name: ['-verify_ip', 'fd00::10'] },
])(
  'whoever steals the authority of $host can’t be $other to a machine that trusts it',
  async ({ host, other, name }) => {
    const text = createAuthorityText(host)
    // The same keys, with which anybody could sign anything.
    const { cert } = openAuthority(text, other).issue(now)
    expect(await judge({ ca: openAuthority(text, host).certificate, cert, name })).toBe('permitted subtree violation')
  },
)

test('a client that trusts it alone gets an answer over TLS', async () => {
  const authority = authorityOf('127.0.0.1')
  const server = createServer({ ...authority.issue(new Date()) }, (_, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const text = await new Promise<string>((resolve, reject) => {
    const asked = get({ host: '127.0.0.1', port, ca: authority.certificate, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    })
    asked.on('error', reject)
  })
  expect(text).toBe('hello')
  await new Promise((resolve) => server.close(resolve))
})

test('each certificate has a key and a number of its own, and ends before the authority', () => {
  const authority = authorityOf('nas.lan')
  const [one, other] = [authority.issue(now), authority.issue(new Date('2049-06-01'))]
  const [first, second, ca] = [one.cert, other.cert, authority.certificate].map((pem) => new X509Certificate(pem))
  expect(first!.serialNumber).not.toBe(second!.serialNumber)
  expect(one.key).not.toBe(other.key)
  expect(first!.validToDate).toEqual(new Date('2029-03-11T12:00:00Z'))
  expect(second!.validToDate).toEqual(ca!.validToDate)
  expect(first!.ca).toBe(false)
})

test.each([
  { name: 'nothing', text: '' },
  { name: 'half of it', text: createAuthorityText('nas.lan').slice(0, 700) },
  {
    name: 'another’s key',
    text:
      createAuthorityText('nas.lan').split('-----BEGIN PRIVATE')[0]! +
      `-----BEGIN PRIVATE${createAuthorityText('nas.lan').split('-----BEGIN PRIVATE')[1]}`,
  },
])('$name is no authority', ({ text }) => {
  expect(() => openAuthority(text, 'nas.lan')).toThrow('it contains no certificate with its private key')
})
