import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createHosts } from '../../../src/adapters/machines/hosts.ts'
import type { HttpCall } from '../../../src/adapters/machines/http-call.ts'
import type { MachineOptions } from '../../../src/adapters/machines/options.ts'
import { createAuthority } from '../../lab/authority.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const servers: (Server & { closeAllConnections?(): void })[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.()
    server.close()
  }
})

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const serve = async (answer: RequestListener) => `http://127.0.0.1:${await listen(createServer(answer))}`

const hosts = (url: string, call: Partial<HttpCall> = {}, surroundings: MachineOptions = {}) =>
  createHosts([{ name: 'nas', address: '127.0.0.1', shutdown: { kind: 'http', url, ...call } }], surroundings)

describe('a host that is shut down by an HTTP call', () => {
  test('gets it as it is configured, once', async () => {
    const calls: unknown[] = []
    const url = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { authorization, 'content-type': type } = request.headers
        calls.push([request.method, request.url, authorization, type, body])
        response.writeHead(204).end()
      })
    })
    await hosts(`${url}/off?now`).shutDown('nas', soon())
    const headers = { Authorization: 'Bearer t0ken', 'Content-Type': 'application/json' }
    await hosts(url, { method: 'DELETE', headers, body: '{"ü":1}' }).shutDown('nas', soon())
    await hosts(url.replace('//', '//me:s%C3%A9same@'), {}).shutDown('nas', soon())
    expect(calls).toEqual([
      ['POST', '/off?now', undefined, undefined, ''],
      ['DELETE', '/', 'Bearer t0ken', 'application/json', '{"ü":1}'],
      ['POST', '/', `Basic ${Buffer.from('me:sésame').toString('base64')}`, undefined, ''],
    ])
  })

  test('takes it with any of the statuses that mean yes', async () => {
    const url = await serve((request, response) => response.writeHead(Number(request.url!.slice(1))).end('so'))
    for (const status of [200, 202, 299]) await hosts(`${url}/${status}`).shutDown('nas', soon())
    await hosts(`${url}/409`, { expect: [200, 409] }).shutDown('nas', soon())
    await expect(hosts(`${url}/202`, { expect: [200] }).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(/^shut down nas: 127.0.0.1:\d+ answers HTTP 202: so$/),
    })
  })

  test('refuses in its last words, without control characters and without our secrets', async () => {
    const secrets = { Authorization: 'Bearer t0ken-of-ours', 'X-Key': 'k3y-of-ours' }
    const url = await serve((request, response) => {
      const { authorization, 'x-key': key } = request.headers
      const said = `no ${authorization!.split(' ')[1]} and ${String(key)}, ${request.url}\r\n\u001b[31mred\u202e`
      response.writeHead(500).end(`${'x'.repeat(500)} ${said}`)
    })
    const error = await refusal(
      hosts(`${url}/hook-of-ours?a=para-of-ours`, { headers: secrets }).shutDown('nas', soon()),
    )
    expect(error.code).toBe('rejected')
    expect(error.message).toMatch(/^shut down nas: 127.0.0.1:\d+ answers HTTP 500: …x{100,}.* no … and …, .* red$/)
    expect(error.message).not.toContain('ours')
    expect(error.message.length).toBeLessThan(280)
  })

  test.each([429, 502, 503, 504])('that can not now (HTTP %d) is asked again', async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end())
    await expect(hosts(url).shutDown('nas', soon())).rejects.toMatchObject({ code: 'unreachable', retryable: true })
  })

  test('is not looked for where a redirect leads, with our secrets in hand', async () => {
    let requests = 0
    const url = await serve((_, response) => {
      requests++
      response.writeHead(307, { location: '/login' }).end()
    })
    await expect(hosts(url).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(/redirects \(HTTP 307\) to \/login: use that address$/),
    })
    expect(requests).toBe(1)
  })

  test('is not listened to for ever', async () => {
    const chatter: RequestListener = (request, response) => {
      response.writeHead(Number(request.url!.slice(1)))
      const more = () => {
        if (!response.destroyed) response.write('y'.repeat(65_536), () => setImmediate(more))
      }
      more()
    }
    const url = await serve(chatter)
    await hosts(`${url}/200`).shutDown('nas', soon())
    await expect(hosts(`${url}/500`).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'rejected',
      message: expect.stringMatching(/HTTP 500: …y{200}$/),
    })
    const dripping = await serve((_, response) => void response.writeHead(500).write('half'))
    await expect(hosts(dripping).shutDown('nas', soon())).rejects.toMatchObject({
      message: expect.stringMatching(/HTTP 500: half$/),
    })
  })

  test('has not taken an order that it does not answer', async () => {
    const url = await serve(() => undefined)
    const early = new AbortController()
    const call = refusal(hosts(url).shutDown('nas', early.signal))
    early.abort()
    expect(await call).toMatchObject({ code: 'unreachable', message: 'shut down nas: cancelled' })
    await expect(hosts(url, {}, { limits: { http: 100 } }).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringMatching(/^shut down nas: 127.0.0.1:\d+ did not answer within 0.1 s$/),
    })
    const broken = await serve((request) => request.socket.destroy())
    await expect(hosts(broken).shutDown('nas', soon())).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('must speak HTTP', async () => {
    const port = await listen(createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n')))
    await expect(hosts(`http://127.0.0.1:${port}`).shutDown('nas', soon())).rejects.toMatchObject({ code: 'malformed' })
    await expect(hosts(`https://127.0.0.1:${port}`).shutDown('nas', soon())).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('the TLS handshake with'),
    })
  })

  test('can not be asked what is no HTTP, and the words for it hold no secret', async () => {
    const url = await serve((_, response) => void response.end())
    for (const call of [{ headers: { Key: 'secret\nvalue' } }, { method: 'PO ST' }, { url: 'ftp://secret' }]) {
      const error = await refusal(hosts(url, call).shutDown('nas', soon()))
      expect(error.code).toBe('misconfigured')
      expect(error.message).not.toContain('secret')
    }
  })

  describe('over TLS', () => {
    const start = async () => {
      const [ours, theirs] = await Promise.all([createAuthority('ours'), createAuthority('theirs')])
      const { cert, key } = await ours.issueServer({ common: 'nas', ips: ['127.0.0.1'], dns: ['nas.lab'] })
      let requests = 0
      const server = createTlsServer({ cert, key }, (_, response) => {
        requests++
        response.end()
      })
      server.on('tlsClientError', () => undefined)
      const port = await listen(server)
      return { port, ours: ours.ca, theirs: theirs.ca, requests: () => requests }
    }

    test('is vouched for by its CA, or hears nothing of the order', async () => {
      const lab = await start()
      const url = `https://127.0.0.1:${lab.port}/off`
      await hosts(url, { ca: lab.ours }).shutDown('nas', soon())
      expect(lab.requests()).toBe(1)
      for (const call of [{}, { ca: lab.theirs }])
        for (const tell of [hosts(url, call).shutDown, hosts(url, call).rehearse])
          await expect(tell('nas', soon())).rejects.toMatchObject({
            code: 'misconfigured',
            message: expect.stringContaining(`the certificate of 127.0.0.1:${lab.port} is not trusted`),
          })
      expect(lab.requests()).toBe(1)
    })

    test('is verified by its name, at the address that it had once that resolves no more', async () => {
      const lab = await start()
      let hasDns = true
      const resolve = async (name: string) => {
        if (!hasDns) throw new Error('no DNS')
        return name.endsWith('.lab') ? [{ address: '127.0.0.1', family: 4 }] : []
      }
      const named = hosts(`https://nas.lab:${lab.port}`, { ca: lab.ours }, { resolve })
      await named.rehearse('nas', soon())
      hasDns = false
      await named.rehearse('nas', soon())
      await named.shutDown('nas', soon())
      expect(lab.requests()).toBe(1)
      hasDns = true
      const other = hosts(`https://other.lab:${lab.port}`, { ca: lab.ours }, { resolve })
      await expect(other.shutDown('nas', soon())).rejects.toMatchObject({ code: 'misconfigured' })
      const unknown = hosts(`https://nas.elsewhere:${lab.port}`, { ca: lab.ours }, { resolve })
      await expect(unknown.shutDown('nas', soon())).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringContaining('the name nas.elsewhere does not resolve'),
      })
    })

    test('with a CA that is none is our own mistake', async () => {
      const lab = await start()
      for (const ca of ['nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])
        for (const tell of [
          hosts(`https://127.0.0.1:${lab.port}`, { ca }).shutDown,
          hosts(`https://127.0.0.1:${lab.port}`, { ca }).rehearse,
        ])
          await expect(tell('nas', soon())).rejects.toMatchObject({ code: 'misconfigured' })
    })
  })
})

describe('a host is up', () => {
  const nas = (port: number, surroundings: MachineOptions = {}, address = '127.0.0.1') =>
    createHosts([{ name: 'nas', address, port, shutdown: { kind: 'http', url: 'http://127.0.0.1:1' } }], surroundings)

  test('when something takes a connection at its port, and down when nothing does', async () => {
    const port = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).resume()))
    expect(await nas(port).answers('nas', soon())).toBe(true)
    expect(await hosts(`http://127.0.0.1:${port}`).answers('nas', soon())).toBe(true)
    expect(await hosts('http://127.0.0.1:1').answers('nas', soon())).toBe(false)
  })

  test('and down when it does not answer in time, or its name was never found', async () => {
    const never = () => new Promise<never>(() => undefined)
    const limits = { answers: 100, name: 10_000 }
    expect(await nas(1, { resolve: never, limits }, 'nas.lab').answers('nas', soon())).toBe(false)
    expect(await nas(1, { resolve: never, limits: { name: 100 } }, 'nas.lab').answers('nas', soon())).toBe(false)
    expect(await nas(1, { resolve: async () => [] }, 'nas.lab').answers('nas', soon())).toBe(false)
  })

  test('which is not known when it is called off meanwhile', async () => {
    const early = new AbortController()
    const never = () => new Promise<never>(() => undefined)
    const call = refusal(nas(1, { resolve: never }, 'nas.lab').answers('nas', early.signal))
    early.abort()
    expect(await call).toMatchObject({ code: 'unreachable' })
    expect(await refusal(nas(1, { resolve: never }, 'nas.lab').answers('nas', AbortSignal.timeout(20)))).toMatchObject({
      code: 'timed-out',
    })
  })

  test('at a name that DNS takes too long for, where it was before, and asks once at a time', async () => {
    const port = await listen(createTcpServer((socket) => void socket.on('error', () => undefined).resume()))
    const asked: (() => void)[] = []
    let isSlow = false
    const resolve = async () => {
      await new Promise<void>((answer) => (asked.push(answer), isSlow || answer()))
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const known = nas(port, { resolve, limits: { name: 50 } }, 'nas.lab')
    expect(await known.answers('nas', soon())).toBe(true)
    isSlow = true
    expect(await Promise.all([1, 2, 3].map(() => known.answers('nas', soon())))).toEqual([true, true, true])
    expect(asked).toHaveLength(2)
  })

  test('at a port that is one', async () => {
    await expect(nas(70_000).answers('nas', soon())).rejects.toMatchObject({ code: 'misconfigured' })
  })
})
