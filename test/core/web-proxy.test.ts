import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { proxyFor } from '../../src/core/web-proxy.ts'

const proxy = 'http://proxy.lan:3128'
const through = (url: string, environment: Record<string, string>) => proxyFor(new URL(url), environment)?.href

describe('a Factory is asked through the proxy that the environment names', () => {
  test.each([
    { name: 'for https', url: 'https://factory.talos.dev/', environment: { HTTPS_PROXY: proxy } },
    { name: 'for http', url: 'http://factory.lan/', environment: { HTTP_PROXY: proxy } },
    { name: 'for everything', url: 'https://factory.talos.dev/', environment: { ALL_PROXY: proxy } },
    { name: 'written without a scheme', url: 'https://a.b/', environment: { https_proxy: 'proxy.lan:3128' } },
    {
      name: 'where both forms are set, in the lower-case one',
      url: 'https://a.b/',
      environment: { https_proxy: proxy, HTTPS_PROXY: 'http://other:1' },
    },
    {
      name: 'where an empty one stands first',
      url: 'https://a.b/',
      environment: { https_proxy: ' ', ALL_PROXY: proxy },
    },
  ])('$name', ({ url, environment }) => {
    expect(through(url, environment)).toBe(`${proxy}/`)
  })

  test('with its user and password, which are the proxy’s alone', () => {
    expect(through('https://a.b/', { HTTPS_PROXY: 'http://me:secret@proxy.lan:3128' })).toBe(
      'http://me:secret@proxy.lan:3128/',
    )
  })
})

describe('no proxy is used', () => {
  test.each([
    { name: 'where none is named', url: 'https://a.b/', environment: {} },
    { name: 'for https by the one for http', url: 'https://a.b/', environment: { HTTP_PROXY: proxy } },
    { name: 'for this machine', url: 'http://127.0.0.1:8080/', environment: { ALL_PROXY: proxy } },
    { name: 'for this machine by name', url: 'http://localhost/', environment: { ALL_PROXY: proxy } },
    { name: 'for this machine by IPv6', url: 'http://[::1]/', environment: { ALL_PROXY: proxy } },
  ])('$name', ({ url, environment }) => {
    expect(through(url, environment)).toBeUndefined()
  })

  test.each([
    ['*', 'https://anything.example/'],
    ['factory.lan', 'https://factory.lan/'],
    ['lan', 'https://factory.lan/'],
    ['.lan', 'https://factory.lan/'],
    ['*.lan', 'https://factory.lan/'],
    ['FACTORY.LAN.', 'https://factory.lan/'],
    ['factory.lan:8443', 'https://factory.lan:8443/'],
    ['factory.lan:443', 'https://factory.lan/'],
    ['a.b, factory.lan', 'https://factory.lan/'],
    ['a.b factory.lan', 'https://factory.lan/'],
    ['192.168.0.6', 'http://192.168.0.6:8080/'],
    ['192.168.0.0/16', 'http://192.168.7.6/'],
    ['0.0.0.0/0', 'http://192.168.7.6/'],
    ['fd00::6', 'http://[fd00::6]/'],
    ['[fd00::6]:80', 'http://[fd00::6]/'],
  ])('where NO_PROXY says %s, for %s', (list, url) => {
    expect(through(url, { ALL_PROXY: proxy, NO_PROXY: list })).toBeUndefined()
  })

  test.each([
    ['ctory.lan', 'https://factory.lan/'],
    ['factory.lan:8443', 'https://factory.lan/'],
    ['192.168.0.0/24', 'http://192.168.1.6/'],
    ['192.168.0.0/99', 'http://192.168.0.6/'],
    ['', 'https://factory.lan/'],
  ])('but it is where NO_PROXY says %s, for %s', (list, url) => {
    expect(through(url, { ALL_PROXY: proxy, NO_PROXY: list })).toBe(`${proxy}/`)
  })
})

test.each(['socks5://me:secret@proxy.lan:1080', 'http://me:secret@[', '://secret'])(
  'what is no HTTP proxy is refused by the name of its variable, and not repeated: %s',
  (text) => {
    const ask = () => proxyFor(new URL('https://a.b/'), { HTTPS_PROXY: text })
    expect(ask).toThrow(AgentError)
    expect(ask).toThrow('$HTTPS_PROXY names no HTTP proxy')
    expect(ask).not.toThrow('secret')
  },
)
