import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FactoryAccess } from '../../../src/adapters/factory/access.ts'
import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { whyNotThroughProxy } from '../../../src/adapters/factory/route.ts'
import { createAuthority } from '../../lab/authority.ts'
import { startHttp } from '../../lab/http.ts'
import { refusal } from '../refusal.ts'
import { order } from './lab.ts'
import { soon } from '../../patience.ts'

const address = '127.0.116.1'

let stack: AsyncDisposableStack
let signal: AbortSignal
beforeEach(() => {
  stack = new AsyncDisposableStack()
  signal = soon()
})
afterEach(() => stack.disposeAsync())

/** Answers everything with a list of releases, and notes what it was asked. */
async function serve(answer?: (request: IncomingMessage) => { status: number; location?: string } | undefined) {
  const seen: IncomingMessage[] = []
  const server = await startHttp((request, response) => {
    seen.push(request)
    const { status = 200, location } = answer?.(request) ?? {}
    response.writeHead(status, location === undefined ? {} : { location }).end('["v1.13.9"]')
  }, address)
  stack.use(server)
  return { seen, host: server.host, url: `http://${server.host}` }
}

const withAccess = (url: string, access: FactoryAccess) => createFactory(url, { access: async () => access })

describe('credentials', () => {
  test('go with every question', async () => {
    const { seen, url } = await serve()
    const factory = withAccess(url, { authorization: 'Basic bWU6c2VjcmV0' })
    await factory.versions(signal)
    await factory.warm(order, signal)
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Basic bWU6c2VjcmV0', 'Basic bWU6c2VjcmV0'])
  })

  test('that change count from the next question on', async () => {
    const { seen, url } = await serve()
    let token = 'one'
    const factory = createFactory(url, { access: async () => ({ authorization: `Bearer ${token}` }) })
    await factory.versions(signal)
    token = 'two'
    await factory.versions(signal)
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two'])
  })

  test('as a download token go with questions for images alone, and stand in no message', async () => {
    const { seen, url } = await serve(({ url: path }) => (path?.startsWith('/image/') ? { status: 404 } : undefined))
    const factory = withAccess(url, { token: 'a&b secret' })
    await factory.versions(signal)
    const error = await refusal(factory.open(order, undefined, signal))
    expect(seen[0]!.url).toBe('/versions')
    expect(seen[1]!.url).toMatch(/^\/image\/.*\?token=a%26b%20secret$/)
    expect(error.message).not.toContain('secret')
  })

  test('stay with the Factory where it redirects to another host, and go with it to itself', async () => {
    const storage = await serve()
    const front = await serve(({ url: path = '' }) =>
      path.startsWith('/moved')
        ? { status: 302, location: `${storage.url}/assets/x` }
        : { status: 302, location: '/moved' },
    )
    const factory = withAccess(front.url, { authorization: 'Bearer secret', token: 'another' })
    await buffer((await factory.open(order, undefined, signal)).body)
    expect(front.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret'])
    expect(storage.seen.map(({ headers, url }) => [headers.authorization, url])).toEqual([[undefined, '/assets/x']])
  })

  test('go neither to another port of the same host', async () => {
    const other = await serve()
    const front = await serve(() => ({ status: 302, location: `${other.url}/x` }))
    await withAccess(front.url, { authorization: 'Bearer secret' }).warm(order, signal)
    expect(other.seen[0]!.headers.authorization).toBeUndefined()
  })

  test.each([401, 403])('that are refused with %d lead to where they are set', async (status) => {
    const { url } = await serve(() => ({ status }))
    const error = await refusal(createFactory(url).versions(signal))
    expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining('see factory.auth') })
  })
})

/** A Factory with a certificate of its own authority. */
async function serveSecure(location?: string) {
  const authority = await createAuthority('homelab')
  const { cert, key } = await authority.issueServer({ common: 'factory', ips: [address] })
  const server = createSecureServer({ cert, key }, (_, response) =>
    location === undefined ? response.end('["v1.13.9"]') : response.writeHead(302, { location }).end(),
  )
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  stack.defer(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))))
  return { ca: authority.ca, url: `https://${address}:${(server.address() as AddressInfo).port}` }
}

describe('a CA of one’s own', () => {
  test('vouches for the Factory, and without it nobody does', async () => {
    const { ca, url } = await serveSecure()
    expect(await withAccess(url, { ca }).versions(signal)).toEqual(['v1.13.9'])
    expect(await refusal(createFactory(url).versions(signal))).toMatchObject({ code: 'unreachable' })
  })

  test('vouches for nobody else’s', async () => {
    const [one, other] = [await serveSecure(), await serveSecure()]
    expect(await refusal(withAccess(one.url, { ca: other.ca }).versions(signal))).toMatchObject({ code: 'unreachable' })
  })

  test('keeps a redirect from leaving TLS', async () => {
    const plain = await serve()
    const { ca, url } = await serveSecure(`${plain.url}/x`)
    const error = await refusal(withAccess(url, { ca, authorization: 'Bearer secret' }).warm(order, signal))
    expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining('which is without TLS') })
    expect(plain.seen).toEqual([])
  })
})

/** A proxy that leads every name to one address. */
async function startProxy(to: string, answer?: number) {
  const asked: { readonly target: string; readonly authorization: string | undefined }[] = []
  const note = ({ method, url, headers }: IncomingMessage) =>
    asked.push({ target: `${method} ${url}`, authorization: headers['proxy-authorization'] })
  const server = createServer((request, response) => {
    note(request)
    response.writeHead(answer ?? 200).end('["v1.13.9"]')
  })
  server.on('connect', (request: IncomingMessage, socket) => {
    note(request)
    if (answer !== undefined) {
      socket.end(`HTTP/1.1 ${answer} no\r\n\r\n`)
      return
    }
    const behind = connect(Number(new URL(`http://${request.url}`).port), to, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(behind).pipe(socket)
    })
    behind.on('error', () => socket.destroy())
    socket.on('error', () => behind.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  stack.defer(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))))
  return { asked, host: `${address}:${(server.address() as AddressInfo).port}` }
}

describe('through a proxy', () => {
  test('a Factory is asked by its name, which nobody here needs to know', async () => {
    const { asked, host } = await startProxy(address)
    const environment = { http_proxy: `http://me:secret@${host}` }
    const factory = createFactory('http://factory.invalid', { environment })
    expect(await factory.versions(signal)).toEqual(['v1.13.9'])
    expect(asked).toEqual([
      { target: 'GET http://factory.invalid/versions', authorization: `Basic ${btoa('me:secret')}` },
    ])
  })

  test('TLS goes from end to end, with the Factory’s own CA', async () => {
    const { ca, url } = await serveSecure()
    const { asked, host } = await startProxy(address)
    // The address of the Factory is on this machine, which no proxy is asked for; its name is not.
    const named = url.replace(address, 'factory.invalid')
    const environment = { https_proxy: `http://${host}` }
    const error = await refusal(
      createFactory(named, { environment, access: async () => ({ ca, authorization: 'Bearer secret' }) }).versions(
        signal,
      ),
    )
    // The certificate is for the address.
    expect(error.message).toMatch(/factory\.invalid.*through the proxy .*altnames/)
    expect(asked).toEqual([{ target: `CONNECT ${new URL(named).host}`, authorization: undefined }])
  })

  test('a Factory that NO_PROXY names is asked directly', async () => {
    const { asked, host } = await startProxy(address)
    const environment = { http_proxy: `http://${host}`, no_proxy: 'factory.invalid' }
    await refusal(createFactory('http://factory.invalid', { environment }).versions(signal))
    expect(asked).toEqual([])
  })

  test.each([
    { status: 407, words: 'it wants other credentials' },
    { status: 502, words: 'the proxy answers HTTP/1.1 502' },
  ])('a proxy that answers $status is named as the one that refuses', async ({ status, words }) => {
    const { host } = await startProxy(address, status)
    const factory = createFactory('https://factory.invalid', {
      environment: { https_proxy: `http://me:secret@${host}` },
    })
    const error = await refusal(factory.versions(signal))
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining(words) })
    expect(error.message).toContain(`through the proxy ${host}`)
    expect(error.message).not.toContain('secret')
  })

  test('a redirect to a private address is not followed: the Factory may be anywhere', async () => {
    const asked: string[] = []
    const proxy = await startHttp((request, response) => {
      asked.push(request.url!)
      response.writeHead(302, { location: 'http://192.168.0.1/' }).end()
    }, address)
    stack.use(proxy)
    const factory = createFactory('http://factory.invalid', { environment: { http_proxy: `http://${proxy.host}` } })
    const error = await refusal(factory.open(order, undefined, signal))
    expect(error).toMatchObject({
      code: 'rejected',
      message: expect.stringContaining('whose address 192.168.0.1 is private, while nobody here knows where that is'),
    })
    expect(asked).toHaveLength(1)
  })

  test.each([
    { name: 'to a name that leads to a private address', found: ['203.0.113.9', '192.168.0.1'], refused: true },
    { name: 'to a name that leads to the Internet', found: ['203.0.113.9'], refused: false },
    { name: 'to a name that only the proxy knows', found: [], refused: false },
  ])('a redirect $name: refused $refused', async ({ found, refused }) => {
    const first = { url: new URL('https://factory.example'), address: undefined }
    const environment = { https_proxy: 'http://proxy.lan:3128' }
    const why = await whyNotThroughProxy(first, new URL('https://storage.example/x'), environment, async () => found)
    expect(why !== undefined).toBe(refused)
  })
})
