import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { serveControl } from '../../../src/http/control.ts'
import { readSecret } from '../../../src/main/settings.ts'
import type { CheckContext } from '../../../src/operations/service.ts'
import { checkApi } from '../../../src/services/api/check.ts'
import { nameIn, socketsOn, whoListens } from '../../../src/http/port-holder.ts'
import type { ApiSection } from '../../../src/services/api/section.ts'
import { silentLog } from '../../fakes/log.ts'
import { createAuthority } from '../../lab/authority.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { sectionOf } from './door.ts'

const authority = await createAuthority('homelab')

/** What is said of a section, `error` and `warning` before it, with files of these names beside the configuration. */
async function checked(section: Record<string, unknown>, files: Readonly<Record<string, string>> = {}) {
  await using folder = await temporaryFolder()
  for (const [name, text] of Object.entries(files)) await writeFile(resolve(folder.path, name), text)
  const path = (relative: string) => resolve(folder.path, relative)
  const context = {
    section: sectionOf(section),
    files: {
      path,
      state: folder.path,
      readSecret: (source: never, what: string) => readSecret(source, what, { path, environment: {} }),
    },
  } as unknown as CheckContext<ApiSection | undefined>
  return (await checkApi(context)).map(
    ({ setting, why, severity = 'error' }) => `${severity} ${setting}: ${why.replaceAll(`${folder.path}/`, '')}`,
  )
}

const tls = { certificate: 'tls.crt', key: 'tls.key' }
const issue = () => authority.issueServer({ common: 'nas', ips: ['127.0.0.1'], dns: ['nas.lan'] })

describe('the configuration’s check of the API', () => {
  test('has nothing to say of what is well, or not there', async () => {
    const { cert, key } = await issue()
    expect(await checked({})).toEqual([])
    const files = { 'tls.crt': cert, 'tls.key': key, token: 'x'.repeat(20) }
    const section = { address: '0.0.0.0', url: 'https://nas.lan', tls, tokens: [tokenOf('desk', 'token')] }
    expect(await checked(section, files)).toEqual([])
    expect(await checkApi({ section: undefined } as never)).toEqual([])
  })

  test('names an address that is not ours', async () => {
    expect(await checked({ address: '192.0.2.1', tls: undefined })).toEqual([
      'error api.address: 192.0.2.1 is not an address of this machine: 0.0.0.0 means all that it has',
      expect.stringMatching(/^warning api\.tls: everybody in the network can read tokens/),
    ])
  })

  test('names who has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const name = (await whoListens(port))?.name
    expect(await checked({ port })).toEqual([
      `error api.port: port ${port} of 127.0.0.1 is in use by ${name} (process ${process.pid}): stop that, or choose another port`,
    ])
    other.close()
  })

  test('has nothing against the daemon itself, though another program has the port of another address', async () => {
    await using folder = await temporaryFolder()
    const ours = createServer().listen(0, '127.0.0.7')
    await once(ours, 'listening')
    const { port } = ours.address() as { port: number }
    const code = `require('net').createServer().listen(${port}, '127.0.0.8', () => console.log('listens'))`
    const other = spawn(process.execPath, ['-e', code])
    await once(other.stdout, 'data')
    const status = async () => ({ pid: other.pid!, services: [] })
    await using _ = await serveControl(resolve(folder.path, 'control.sock'), { status } as never, { log: silentLog })
    const files = { state: folder.path }
    const section = (address: string) => ({ section: sectionOf({ address, port }), files }) as never
    expect(await checkApi(section('127.0.0.8'))).toEqual([])
    expect(await checkApi(section('127.0.0.7'))).toEqual([expect.objectContaining({ setting: 'api.port' })])
    other.kill()
    ours.close()
  })

  test('has nothing against the daemon itself, which has the port as long as it runs', async () => {
    await using folder = await temporaryFolder()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const status = async () => ({ pid: process.pid, services: [] })
    await using _ = await serveControl(resolve(folder.path, 'control.sock'), { status } as never, { log: silentLog })
    const files = { state: folder.path }
    expect(await checkApi({ section: sectionOf({ port }), files } as never)).toEqual([])
    other.close()
  })

  test.each([
    { what: 'is not there', files: {}, says: /^error api\.tls\.certificate: tls\.crt does not exist$/m },
    {
      what: 'is none',
      files: { 'tls.crt': 'x' },
      says: /^error api\.tls\.certificate: tls\.crt contains no whole PEM certificate$/m,
    },
    {
      what: 'has a key that is none',
      files: { 'tls.key': 'x' },
      says: /^error api\.tls\.key: tls\.key contains no whole private key/,
    },
    {
      what: 'has the key of another',
      files: { 'tls.key': 'other' },
      says: /^error api\.tls\.key: the key in tls\.key does not belong to the certificate in tls\.crt$/m,
    },
    {
      what: 'has ended',
      files: { 'tls.crt': 'ended' },
      says: /^error api\.tls\.certificate: the certificate in tls\.crt expired on /,
    },
    {
      what: 'is for somebody else',
      files: { 'tls.crt': 'good' },
      url: 'https://other.lan',
      says: /^warning api\.tls\.certificate: the certificate in tls\.crt is not for other\.lan/,
    },
  ])('names a certificate that $what', async ({ what, files, url, says }) => {
    const [good, other] = [await issue(), await issue()]
    const ended = await authority.issueClient({
      common: 'nas',
      organizations: [],
      from: new Date(0),
      to: new Date(1e12),
    })
    const all = { 'tls.crt': good.cert, 'tls.key': good.key, ...files } as Record<string, string>
    if (what === 'is not there') delete all['tls.crt']
    if (all['tls.key'] === 'other') all['tls.key'] = other.key
    if (all['tls.crt'] === 'good') all['tls.crt'] = good.cert
    if (all['tls.crt'] === 'ended') [all['tls.crt'], all['tls.key']] = [ended.cert, ended.key]
    const found = await checked({ tls, ...(url === undefined ? {} : { url }) }, all)
    expect(found.join('\n')).toMatch(says)
    expect(found.join()).not.toContain('PRIVATE')
  })

  test('names tokens that can be guessed, can not be sent, or are the same', async () => {
    const files = { short: 'x'.repeat(19), spaced: `${'x'.repeat(20)} y`, one: 'y'.repeat(20), same: 'y'.repeat(20) }
    const tokens = [
      tokenOf('a', 'short'),
      tokenOf('b', 'spaced'),
      tokenOf('c', 'one'),
      tokenOf('d', 'same'),
      tokenOf('d', 'none'),
    ]
    const found = await checked({ tokens }, files)
    expect(found).toEqual([
      expect.stringMatching(/^error api\.tokens\.0\.token: the token a has 19 characters, which can be guessed/),
      expect.stringMatching(/^error api\.tokens\.1\.token: the token b has a space/),
      'error api.tokens.3.token: it is the same as the token c',
      'error api.tokens.4.name: there is another token d',
      'error api.tokens.4.token: none does not exist',
    ])
    expect(found.join()).not.toMatch(/x{5}|y{5}/)
  })

  test.each([
    { section: { url: 'http://nas.example.com' }, says: /^warning api\.url: nas\.example\.com looks public/ },
    { section: { url: 'http://203.0.113.1:8420' }, says: /^warning api\.url: 203\.0\.113\.1 looks public/ },
    {
      section: { proxy: { from: ['10.0.0.1', '0.0.0.0/0'] } },
      says: /^error api\.proxy\.from\.1: everybody could say/,
    },
    {
      section: { proxy: { from: ['10.0.0.1'], header: 'Authorization' } },
      says: /^error api\.proxy\.header: Authorization means/,
    },
    { section: { address: '0.0.0.0' }, says: /^warning api\.tls: everybody in the network/ },
  ])('says of $section what is wrong with it', async ({ section, says }) => {
    expect(await checked(section)).toEqual([expect.stringMatching(says)])
  })

  test('has nothing against plain HTTP at home', async () => {
    expect(await checked({ url: 'http://nas.lan:8420' })).toEqual([])
  })
})

test('a socket that listens is told from those that are connected, as Linux lists them', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:20E4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0',
    '   1: 0100007F:20E4 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1',
    '   2: 0100007F:20E5 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0 100 0 0 10 0',
  ].join('\n')
  expect(socketsOn(table, 8420)).toEqual(['socket:[4711]'])
})

test('who listens on the same port of another address is somebody else, and who listens on all of them is not', () => {
  const line = (local: string, inode: number) =>
    `   0: ${local}:20E4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0 100 0 0 10 0`
  const table = [
    line('0100007F', 1),
    line('0200007F', 2),
    line('00000000', 3),
    line('00000000000000000000000000000000', 4),
  ].join('\n')
  const on = (address: string) => socketsOn(table, 8420, { address })
  expect(on('127.0.0.2')).toEqual(['socket:[2]', 'socket:[3]', 'socket:[4]'])
  expect(on('192.168.0.8')).toEqual(['socket:[3]', 'socket:[4]'])
  expect(on('nas.lan')).toHaveLength(4)
})

test('a UDP socket that waits for anybody is told from one that talks to somebody', () => {
  const table = [
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  12: 0100007F:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 815 2 0 0',
    '  13: 0100007F:0045 0200007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 816 2 0 0',
  ].join('\n')
  expect(socketsOn(table, 69, { protocol: 'udp' })).toEqual(['socket:[815]'])
})

function tokenOf(name: string, file: string) {
  return { name, scope: 'read', token: { file } }
}

test.each([
  { line: '/usr/bin/nginx\0-g\0daemon off;\0', comm: 'nginx\n', name: 'nginx' },
  {
    line: '/opt/node/bin/node\0--no-opt\0/srv/caretaker/bin/caretaker.mjs\0start\0',
    comm: 'MainThread\n',
    name: 'node caretaker.mjs',
  },
  { line: 'python3\0-m\0http.server\0', comm: 'python3\n', name: 'python3' },
  { line: '/usr/bin/curl\0https://user:password@nas/\0', comm: 'curl\n', name: 'curl' },
  { line: '', comm: 'kworker\n', name: 'kworker' },
  { line: '', comm: '', name: 'a program' },
])('a program that runs is called $name', ({ line, comm, name }) => {
  expect(nameIn(line, comm)).toBe(name)
})
