import { describe, expect, test } from 'vitest'
import { AgentError } from '../../../src/core/errors.ts'
import { ask, demand, type Outgoing, RetryAfter, retryAfter } from '../../../src/services/notifications/outgoing.ts'
import { startHttp } from '../../lab/http.ts'

const signal = new AbortController().signal
const secret = 'tk_very/secret'

async function answering(answer: Parameters<typeof startHttp>[0]) {
  const server = await startHttp(answer)
  const outgoing: Outgoing = {
    doing: 'phone',
    url: new URL(`http://${server.host}/bot${encodeURIComponent(secret)}/send?key=hidden-key`),
    body: { a: 1 },
    secrets: [secret],
  }
  return { server, outgoing }
}

async function failureOf(work: Promise<unknown>): Promise<AgentError> {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  if (error instanceof AgentError) return error
  throw new Error(`not refused: ${String(error)}`)
}

describe('a request of a channel', () => {
  test('is JSON, and has its length', async () => {
    const heard: unknown[] = []
    const { server, outgoing } = await answering((incoming, response) => {
      incoming
        .setEncoding('utf8')
        .on('data', (text) => heard.push(text, incoming.headers['content-type'], incoming.headers['content-length']))
      incoming.on('end', () => response.end('yes'))
    })
    await using _ = server
    expect((await demand(outgoing, signal)).text).toBe('yes')
    expect(heard).toEqual(['{"a":1}', 'application/json', '7'])
  })

  const refusals: readonly { status: number; headers?: Record<string, string>; code: string; after?: number }[] = [
    { status: 400, code: 'rejected' },
    { status: 401, code: 'misconfigured' },
    { status: 403, code: 'misconfigured' },
    { status: 404, code: 'not-found' },
    { status: 408, code: 'unreachable' },
    { status: 410, code: 'not-found' },
    { status: 413, code: 'rejected' },
    { status: 429, code: 'not-now', after: 0 },
    { status: 429, headers: { 'retry-after': '30' }, code: 'not-now', after: 30_000 },
    { status: 500, code: 'unreachable' },
    { status: 502, code: 'unreachable' },
    { status: 503, headers: { 'retry-after': '5' }, code: 'not-now', after: 5_000 },
    { status: 302, headers: { location: 'https://elsewhere.example/' }, code: 'misconfigured' },
  ]
  test.each(refusals)('that is answered $status is $code', async ({ status, headers = {}, code, after }) => {
    const { server, outgoing } = await answering((_, response) =>
      response.writeHead(status, headers).end(`no: ${secret} hidden-key\n\n`),
    )
    await using _ = server
    const failure = await failureOf(demand(outgoing, signal))
    expect(failure.code).toBe(code)
    expect(failure instanceof RetryAfter ? failure.after : undefined).toBe(after)
    // What the server repeats of our secrets goes nowhere.
    expect(failure.message).toMatch(new RegExp(`^phone: HTTP ${status}: no: … `))
    expect(failure.message).not.toMatch(/secret|hidden/)
  })

  test.each([
    { server: 'Go', body: 'Client sent an HTTP request to an HTTPS server.\n' },
    {
      server: 'nginx',
      body: '<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>',
    },
    { server: 'Apache', body: "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />" },
  ])('to a port with TLS of $server, made without it, is told as a fault of the address', async ({ body }) => {
    const { server, outgoing } = await answering((_, response) => response.writeHead(400).end(body))
    await using _ = server
    expect(await failureOf(demand(outgoing, signal))).toMatchObject({
      code: 'misconfigured',
      message: expect.stringMatching(/: use https:\/\/$/),
    })
  })

  test.each([
    { page: '<!doctype html><html><head><title>502 Bad Gateway</title></head><body>…</body>', says: '502 Bad Gateway' },
    { page: '<html><style>p{color:red}</style><body><p>Sign in</p></body></html>', says: 'Sign in' },
    { page: 'no page', says: 'no page' },
  ])('that a page answers is told with its title, else its words: $says', async ({ page, says }) => {
    const { server, outgoing } = await answering((_, response) => response.writeHead(502).end(page))
    await using _ = server
    expect((await failureOf(demand(outgoing, signal))).message).toBe(`phone: HTTP 502: ${says}`)
  })

  test('that nobody answers is cut off', async () => {
    const { server, outgoing } = await answering(() => {})
    await using _ = server
    expect(await failureOf(ask(outgoing, signal, 30))).toMatchObject({
      code: 'timed-out',
      message: 'phone: no answer within 0.03 s',
    })
  })

  test('whose answer drips is cut off, and one without end is read no further', async () => {
    const dripping = await answering((_, response) => {
      response.write('a')
      const drip = setInterval(() => response.write('a'), 5)
      response.on('close', () => clearInterval(drip))
    })
    await using _ = dripping.server
    expect((await failureOf(ask(dripping.outgoing, signal, 60))).code).toBe('timed-out')
    const endless = await answering((_incoming, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
        response.once('drain', more)
      }
      more()
    })
    await using last = endless.server
    expect(last.host).toBe(endless.outgoing.url.host)
    expect((await ask(endless.outgoing, signal)).text).toHaveLength(65_536)
  })

  test('to nobody names the host and no secret', async () => {
    const { server, outgoing } = await answering(() => {})
    await server[Symbol.asyncDispose]()
    const failure = await failureOf(ask(outgoing, signal))
    expect(failure.code).toBe('unreachable')
    expect(failure.message).toContain(server.host)
    expect(failure.message).not.toMatch(/secret|hidden/)
  })

  test('ends with its signal', async () => {
    const { server, outgoing } = await answering(() => {})
    await using _ = server
    const end = new AbortController()
    const asking = failureOf(ask(outgoing, end.signal))
    end.abort()
    expect((await asking).code).toBe('unreachable')
  })
})

test.each([
  ['30', 30_000],
  ['0', 0],
  ['-5', 0],
  ['1e9', 3_600_000],
  ['Thu, 26 Nov 2026 12:00:30 GMT', 30_000],
  ['Thu, 26 Nov 2020 12:00:30 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, ms) => {
  expect(retryAfter(header, Date.parse('2026-11-26T12:00:00Z'))).toBe(ms)
})
