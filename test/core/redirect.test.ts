import { describe, expect, test } from 'vitest'
import { lookupAfter, reachOf, type Reach, whyNotConnect, whyNotFollow } from '../../src/core/redirect.ts'

test.each<{ reach: Reach; addresses: string[] }>([
  { reach: 'loopback', addresses: ['127.0.0.1', '127.255.0.9', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1', '127.1'] },
  { reach: 'loopback', addresses: ['0x7f.0.0.1', '2130706433', '64:ff9b::7f00:1', '2002:7f00:1::', '::127.0.0.1'] },
  { reach: 'link-local', addresses: ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', '::ffff:169.254.169.254'] },
  { reach: 'link-local', addresses: ['224.0.0.1', '255.255.255.255', 'ff02::1', 'no address', ''] },
  { reach: 'private', addresses: ['10.0.0.1', '172.16.0.1', '172.31.9.9', '192.168.1.1', '100.64.0.1', '198.18.0.1'] },
  { reach: 'private', addresses: ['fd00::1', 'fc12:3456::1', 'fec0::1', '::ffff:192.168.1.1', '2002:c0a8:101::'] },
  { reach: 'public', addresses: ['1.1.1.1', '172.32.0.1', '100.128.0.1', '192.169.0.1', '2606:4700::1111'] },
])('$addresses reach as far as $reach', ({ reach, addresses }) => {
  expect(addresses.map(reachOf)).toEqual(addresses.map(() => reach))
})

describe('a redirect', () => {
  const some = { loopback: '127.0.0.1', 'link-local': '169.254.169.254', private: '192.168.1.9', public: '1.1.1.1' }

  test.each<{ from: Reach; to: Reach[] }>([
    { from: 'public', to: ['public'] },
    { from: 'private', to: ['private', 'public'] },
    { from: 'loopback', to: ['loopback', 'private', 'public'] },
    { from: 'link-local', to: ['public'] },
  ])('of a server that is $from leads to $to, and nowhere else', ({ from, to }) => {
    const address = { loopback: '127.0.0.9', 'link-local': 'fe80::9', private: '10.1.1.1', public: '9.9.9.9' }[from]
    const redirector = { url: new URL('http://factory.example'), address }
    const followed = Object.entries(some).filter(([, target]) => whyNotConnect(redirector, target) === undefined)
    expect(followed.map(([reach]) => reach)).toEqual(to)
    // To itself always: another port of the same machine.
    expect(whyNotConnect(redirector, address)).toBeUndefined()
  })

  test('from https to http is never followed, and one to no web address neither', () => {
    const secure = { url: new URL('https://factory.example'), address: '9.9.9.9' }
    expect(whyNotFollow(secure, new URL('http://factory.example/x'))).toBe('which is without TLS')
    expect(whyNotFollow(secure, new URL('ftp://factory.example/x'))).toBe('which is not a web address')
    expect(whyNotFollow(secure, new URL('https://storage.example/x'))).toBeUndefined()
  })

  test('to an address in place of a name is judged before anything is connected', () => {
    const open = { url: new URL('http://factory.example'), address: '9.9.9.9' }
    for (const host of ['127.0.0.1', '0x7f000001', '[::1]', '[::ffff:10.0.0.1]', '192.168.1.1:8080', '017700000001'])
      expect(whyNotFollow(open, new URL(`http://${host}/`)), host).toMatch(/is (loopback|private), while 9\.9\.9\.9/)
  })

  test.each([
    { found: '127.0.0.1', says: 'storage.example, whose address 127.0.0.1 is loopback, while 9.9.9.9 is public' },
    { found: [{ address: '1.1.1.1' }, { address: '10.0.0.1' }], says: 'storage.example, whose address 10.0.0.1' },
    { found: [{ address: '1.1.1.1' }], says: undefined },
  ])('to a name that resolves to $found is judged by what is connected to', async ({ found, says }) => {
    const from = { url: new URL('http://factory.example'), address: '9.9.9.9' }
    const lookup = lookupAfter(from, (_, __, tell) => tell(null, found))
    const error = await new Promise<Error | null>((resolve) => lookup('storage.example', {}, (why) => resolve(why)))
    expect(String(error?.message)).toContain(String(says))
  })
})
