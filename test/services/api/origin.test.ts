import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createNetworks } from '../../../src/http/addresses.ts'
import { whenceOf } from '../../../src/services/api/origin.ts'
import { peerOf } from '../../../src/services/api/peer.ts'

describe('a page at http://nas.lan:8420, where we are asked as nas.lan:8420', () => {
  test.each([
    { headers: { 'sec-fetch-site': 'same-origin' }, whence: 'own' },
    // The browser knows better than a name that a proxy has changed.
    { headers: { 'sec-fetch-site': 'same-origin', origin: 'https://other.lan' }, whence: 'own' },
    { headers: { 'sec-fetch-site': 'cross-site', origin: 'http://nas.lan:8420' }, whence: 'foreign' },
    { headers: { 'sec-fetch-site': 'same-site' }, whence: 'foreign' },
    { headers: { 'sec-fetch-site': 'none' }, whence: 'foreign' },
    { headers: { 'sec-fetch-site': '' }, whence: 'foreign' },
    { headers: { origin: 'http://nas.lan:8420' }, whence: 'own' },
    { headers: { origin: 'https://nas.lan:8420' }, whence: 'own' },
    { headers: { origin: 'http://nas.lan' }, whence: 'foreign' },
    { headers: { origin: 'http://nas.lan:8421' }, whence: 'foreign' },
    { headers: { origin: 'http://nas.lan.evil.example:8420' }, whence: 'foreign' },
    { headers: { origin: 'http://evil@nas.lan:8420' }, whence: 'foreign' },
    { headers: { origin: 'http://nas.lan:8420/' }, whence: 'foreign' },
    { headers: { origin: 'ftp://nas.lan:8420' }, whence: 'foreign' },
    { headers: { origin: 'null' }, whence: 'foreign' },
    { headers: { origin: '' }, whence: 'foreign' },
    { headers: {}, whence: 'untold' },
  ])('that sends $headers is $whence', ({ headers, whence }) => {
    expect(whenceOf(headers, { host: 'nas.lan:8420', isSecure: false, url: undefined })).toBe(whence)
  })

  test.each([
    { origin: 'https://nas.lan', host: 'nas.lan', whence: 'own' },
    { origin: 'https://nas.lan', host: 'NAS.lan:443', whence: 'own' },
    { origin: 'http://nas.lan', host: 'nas.lan', whence: 'foreign' },
    { origin: 'https://nas.lan:80', host: 'nas.lan', whence: 'foreign' },
    { origin: 'https://[fd00::1]:8420', host: '[fd00::1]:8420', whence: 'own' },
    { origin: 'https://home.example', host: '127.0.0.1:8420', whence: 'own' },
    { origin: 'https://home.example:8443', host: '127.0.0.1:8420', whence: 'foreign' },
  ])(
    'over TLS $origin at $host is $whence, where we are reached as https://home.example',
    ({ origin, host, whence }) => {
      expect(whenceOf({ origin }, { host, isSecure: true, url: 'https://home.example/' })).toBe(whence)
    },
  )
})

/** Whoever asks from an address with these headers; 10.0.0.9 is a proxy that is trusted. */
function peer(remoteAddress: string, headers: Record<string, string> = {}, more: Record<string, unknown> = {}) {
  const socket = { remoteAddress, ...(more['encrypted'] === true ? { encrypted: true } : {}) }
  const incoming = { socket, headers, httpVersion: '1.1', ...more } as unknown as IncomingMessage
  return peerOf(incoming, createNetworks(['10.0.0.9']))
}

describe('whoever is at the other end', () => {
  test.each([
    { address: '127.0.0.1', isLocal: true },
    { address: '::1', isLocal: true },
    { address: '::ffff:127.0.0.1', isLocal: true },
    { address: '10.0.0.1', isLocal: false },
    { address: 'fe80::1%eth0', isLocal: false },
    { address: '', isLocal: false },
  ])('at $address is a program on this machine: $isLocal', ({ address, isLocal }) => {
    expect(peer(address).isLocal).toBe(isLocal)
  })

  test.each(['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-real-ip', 'x-original-url', 'cf-ray'])(
    'asks for somebody else with a header %s',
    (name) => {
      expect(peer('127.0.0.1', { [name]: 'x' }).isLocal).toBe(false)
    },
  )

  test('came by TLS where the connection is, or a trusted proxy says so', () => {
    const claim = { 'x-forwarded-proto': 'http, https' }
    expect(peer('10.0.0.1', {}, { encrypted: true }).isSecure).toBe(true)
    expect(peer('10.0.0.9', claim).isSecure).toBe(true)
    expect(peer('10.0.0.9', { 'x-forwarded-proto': 'https, http' }).isSecure).toBe(false)
    expect(peer('10.0.0.1', claim).isSecure).toBe(false)
  })

  test.each([
    { says: '203.0.113.1', client: '203.0.113.1' },
    { says: '127.0.0.1, 203.0.113.1', client: '203.0.113.1' },
    { says: '203.0.113.1:4711', client: '203.0.113.1' },
    { says: '[2001:db8::1]:4711', client: '2001:db8::1' },
    { says: '2001:DB8:0::1', client: '2001:db8::1' },
    { says: 'unknown', client: '10.0.0.9' },
    { says: '', client: '10.0.0.9' },
  ])('behind a trusted proxy that says $says is counted as $client', ({ says, client }) => {
    expect(peer('10.0.0.9', { 'x-forwarded-for': says }).client).toBe(client)
    expect(peer('10.0.0.1', { 'x-forwarded-for': says }).client).toBe('10.0.0.1')
  })
})
