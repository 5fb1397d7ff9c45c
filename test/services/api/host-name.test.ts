import { describe, expect, test } from 'vitest'
import { canonicalAddress } from '../../../src/core/address.ts'
import { clientKey, createNetworks, isPublic } from '../../../src/http/addresses.ts'
import { createHostCheck, parseHost } from '../../../src/services/api/host-name.ts'
import { parseTarget } from '../../../src/services/api/target.ts'
import { bearer, openDoor, operateToken } from './door.ts'

describe('a Host header', () => {
  test.each([
    { text: 'nas.lan', name: 'nas.lan' },
    { text: 'NAS.Lan:8420', name: 'nas.lan', port: 8420 },
    { text: 'nas.lan.', name: 'nas.lan' },
    { text: 'nas.lan.:8420', name: 'nas.lan', port: 8420 },
    { text: 'nas.lan:', name: 'nas.lan' },
    { text: 'my_nas', name: 'my_nas' },
    { text: '127.0.0.1:8420', name: '127.0.0.1', port: 8420 },
    { text: '127.0.0.1.', name: '127.0.0.1' },
    { text: '[::1]', name: '::1' },
    { text: '[::1]:8420', name: '::1', port: 8420 },
    { text: '[FD00:0:0::0001]:80', name: 'fd00::1', port: 80 },
    { text: '[::ffff:10.0.0.1]', name: '10.0.0.1' },
    { text: '[::FFFF:a00:1]', name: '10.0.0.1' },
    { text: '[fe80::1%25eth0]:8420', name: 'fe80::1', port: 8420 },
  ])('$text names $name', ({ text, name, port }) => {
    expect(parseHost(text)).toEqual({ name, port })
  })

  test.each([
    '',
    ':8420',
    '.',
    '.nas.lan',
    'nas..lan',
    'nas lan',
    'nas.lan:0',
    'nas.lan:65536',
    'nas.lan:-1',
    'nas.lan:8420:1',
    'nas.lan/evil',
    'user@nas.lan',
    'nas.lan, evil.example',
    'nas%2elan',
    'näs.lan',
    '::1',
    '[::1',
    '[::1]]',
    '[nas.lan]',
    '[::1%eth0]',
    '[1.2.3.4]',
    'x'.repeat(300),
  ])('%j names nothing', (text) => {
    expect(parseHost(text)).toBeUndefined()
  })
})

describe('a Caretaker at 10.0.0.5, which is reached as https://nas.lan:8420', () => {
  const isOurs = createHostCheck(
    { address: '0.0.0.0', url: 'https://NAS.lan:8420', hosts: ['homelab.example.', 'FD00::5'] },
    () => ['127.0.0.1', '10.0.0.5', 'fe80::5%eth0', '::1'],
  )

  test.each([
    'nas.lan',
    'nas.lan:443',
    'NAS.LAN.:8420',
    'homelab.example',
    'localhost:8420',
    '127.0.0.1',
    '127.0.0.53:8420',
    '[::1]:8420',
    '10.0.0.5:8420',
    '[::ffff:10.0.0.5]',
    '[fe80::5]:8420',
    '[fe80:0::5%25eth0]',
    '[fd00::5]',
  ])('answers to %s', (text) => {
    expect(isOurs(parseHost(text)!)).toBe(true)
  })

  test.each([
    'evil.example',
    'nas.lan.evil.example',
    'evilnas.lan',
    'nas',
    'localhost.evil.example',
    '10.0.0.6',
    '0.0.0.0',
    '[::]',
    '[fd00::6]',
    // What browsers turn into 127.0.0.1 before they ask.
    '2130706433',
    '0x7f000001',
    '127.1',
    '0177.0.0.1',
  ])('does not answer to %s', (text) => {
    expect(isOurs(parseHost(text)!)).toBe(false)
  })

  test('that listens on one address answers to that', () => {
    const isThere = createHostCheck({ address: '192.0.2.7', hosts: [] }, () => [])
    expect(isThere(parseHost('192.0.2.7:8420')!)).toBe(true)
    expect(isThere(parseHost('192.0.2.8:8420')!)).toBe(false)
  })
})

describe('at the door', () => {
  const path = '/api/v1/jobs'

  test.each([
    { what: 'a name that is not ours', host: 'evil.example', status: 421 },
    { what: 'ours with another port, as behind a mapping', host: '127.0.0.1:9000', status: 200 },
    { what: 'no name that can be read', host: 'evil example', status: 400 },
    { what: 'nothing', host: '', status: 400 },
  ])('a request that names $what is answered with $status, whatever token it shows', async ({ host, status }) => {
    await using door = await openDoor()
    expect(await door.ask({ headers: { host, ...bearer(operateToken) } })).toMatchObject({ status })
  })

  test('a stranger’s name is told as a problem, with what to do', async () => {
    await using door = await openDoor()
    const answer = await door.ask({ headers: { host: 'evil.example' } })
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(answer.text)).toMatchObject({
      status: 421,
      code: 'misconfigured',
      detail: 'this Caretaker is not known as evil.example: add it to `api.hosts` if it is',
    })
  })

  test.each([
    { what: 'two Host headers', lines: ['host: 127.0.0.1', 'host: evil.example'] },
    { what: 'two of the same', lines: ['host: 127.0.0.1', 'Host: 127.0.0.1'] },
    { what: 'no Host header', lines: [] },
    { what: 'two tokens', lines: ['host: 127.0.0.1', 'authorization: Bearer a', 'authorization: Bearer b'] },
    { what: 'two lengths', lines: ['host: 127.0.0.1', 'content-length: 0', 'content-length: 3'] },
    { what: 'a length and chunks', lines: ['host: 127.0.0.1', 'content-length: 3', 'transfer-encoding: chunked'] },
    { what: 'a Host header on two lines', lines: ['host: 127.0.0.1', ' evil.example'] },
    { what: 'a space before the colon', lines: ['host : 127.0.0.1'] },
  ])('a request with $what is refused, and the connection ends', async ({ lines }) => {
    await using door = await openDoor()
    const said = await door.raw(`GET ${path} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)
    expect(said).toMatch(/^HTTP\/1\.1 400 /)
  })

  test.each([
    { what: 'of us', target: (own: string) => `http://${own}${path}`, status: 200 },
    { what: 'of us in capitals', target: (own: string) => `HTTP://${own.toUpperCase()}${path}`, status: 200 },
    { what: 'of us with a query', target: (own: string) => `http://${own}${path}?`, status: 200 },
    { what: 'of a stranger', target: () => `http://evil.example${path}`, status: 400 },
    {
      what: 'of a stranger at our port',
      target: (own: string) => `http://evil.example${own.slice(9)}${path}`,
      status: 400,
    },
    { what: 'of us at another port', target: () => `http://127.0.0.1:1${path}`, status: 400 },
    { what: 'of us with somebody before it', target: (own: string) => `http://evil@${own}${path}`, status: 400 },
    { what: 'of a stranger without a path', target: () => 'http://evil.example', status: 400 },
    { what: 'of another scheme', target: () => 'file:///etc/passwd', status: 400 },
    { what: 'of nothing', target: () => '*', status: 400 },
    { what: 'with a backslash', target: () => '/api\\v1', status: 400 },
    { what: 'with a fragment', target: () => `${path}#x`, status: 400 },
  ])('a target with the URL $what is answered with $status', async ({ target, status }) => {
    await using door = await openDoor()
    const own = `127.0.0.1:${door.port}`
    const said = await door.raw(`GET ${target(own)} HTTP/1.1\r\nhost: ${own}\r\nconnection: close\r\n\r\n`)
    expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  test('what comes behind a refused request in the same packet is not carried out', async () => {
    await using door = await openDoor()
    const order = (host: string) =>
      `POST /api/v1/power/cancel HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${operateToken}\r\ncontent-length: 0\r\n\r\n`
    const own = `127.0.0.1:${door.port}`
    expect(await door.raw(`${order('evil.example')}${order(own)}`)).toMatch(/^HTTP\/1\.1 421 /)
    expect(door.heard).toEqual([])
  })

  test('a path that climbs out of the pages that let people in by themselves stays with them', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    for (const way of [
      '/act/../api/v1/jobs',
      '/act/%2e%2e/api/v1/jobs',
      '/act//../../api/v1/jobs',
      '//act/x',
      '/act%2fx',
    ])
      expect(`${way} ${(await door.ask({ path: way })).status}`).toMatch(/ 40[14]$/)
  })
})

test.each([
  { text: '/a?b', target: { path: '/a?b' } },
  { text: '//evil.example/a', target: { path: '//evil.example/a' } },
  { text: 'http://nas.lan', target: { path: '/', authority: 'nas.lan' } },
  { text: 'https://nas.lan:1/a?b', target: { path: '/a?b', authority: 'nas.lan:1' } },
  { text: 'http://nas.lan?b', target: { path: '/?b', authority: 'nas.lan' } },
  { text: 'nas.lan:443', target: undefined },
  { text: '', target: undefined },
  { text: '/ä', target: undefined },
])('the target $text is read as $target', ({ text, target }) => {
  expect(parseTarget(text)).toEqual(target && { authority: undefined, ...target })
})

test.each([
  { text: '10.0.0.1', is: '10.0.0.1' },
  { text: '::ffff:10.0.0.1', is: '10.0.0.1' },
  { text: '0:0:0:0:0:FFFF:0A00:0001', is: '10.0.0.1' },
  { text: 'FE80::0:1%eth0', is: 'fe80::1' },
  { text: '::ffff:a00:1', is: '10.0.0.1' },
  { text: '1::2::3', is: undefined },
  { text: 'fd00::1]/', is: undefined },
  { text: '', is: undefined },
  { text: 'nas.lan', is: undefined },
  { text: '010.0.0.1', is: undefined },
])('the address $text is $is', ({ text, is }) => {
  expect(canonicalAddress(text)).toBe(is)
})

test.each([
  { address: '10.0.0.1', key: '10.0.0.1' },
  { address: '2001:db8:1:2:3:4:5:6', key: '2001:db8:1:2' },
  { address: '2001:db8::6', key: '2001:db8:0:0' },
  { address: '::1', key: '0:0:0:0' },
])('a client at $address is counted as $key', ({ address, key }) => {
  expect(clientKey(address)).toBe(key)
})

test('a network holds its addresses, and no name', () => {
  const isProxy = createNetworks(['10.1.0.0/16', '192.0.2.1', 'fd00::/8'])
  const held = ['10.1.255.255', '192.0.2.1', 'fd12::1', '10.2.0.0', '192.0.2.2', 'fe80::1', 'nas.lan', '']
  expect(held.filter(isProxy)).toEqual(['10.1.255.255', '192.0.2.1', 'fd12::1'])
})

test('what everybody on the internet might reach is told from what is at home', () => {
  const hosts = [
    'nas.lan',
    'nas',
    '10.1.2.3',
    '100.100.1.1',
    'fd00::1',
    'x.home.arpa',
    'nas.example.com',
    '203.0.113.1',
    '2001:db8::1',
  ]
  expect(hosts.filter(isPublic)).toEqual(['nas.example.com', '203.0.113.1', '2001:db8::1'])
})
