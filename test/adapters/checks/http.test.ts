import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createChecks } from '../../../src/adapters/checks/checks.ts'
import { startHttp } from '../../lab/http.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let stack: AsyncDisposableStack
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

const serve = async (answer: RequestListener) => `http://${stack.use(await startHttp(answer, '127.0.90.13')).host}`

const objects = { find: () => Promise.reject(new Error('no object is asked for here')) }
const run = (url: string, { status = 200, timeout = 5_000, signal = soon() } = {}) =>
  createChecks({ objects, timeout }).run({ name: 'web', http: { url, status } }, signal)

describe('an HTTP check', () => {
  test('passes when the status is the expected one', async () => {
    const url = await serve((request, response) =>
      response.writeHead(request.url === '/healthz?full' ? 204 : 404).end(),
    )
    expect(await run(`${url}/healthz?full`, { status: 204 })).toBeUndefined()
    expect(await run(`${url}/other`, { status: 404 })).toBeUndefined()
  })

  test('says what came instead', async () => {
    const url = await serve((_, response) => response.writeHead(503).end('upstream is down'))
    expect(await run(url)).toBe('web: HTTP 503 instead of 200')
  })

  test('does not follow redirects, because a login page answers 200 to everything', async () => {
    let requests = 0
    const url = await serve((_, response) => {
      requests++
      response.writeHead(302, { location: '/login' }).end()
    })
    expect(await run(url)).toBe('web: HTTP 302 instead of 200 (it redirects to /login)')
    expect(await run(url, { status: 302 })).toBeUndefined()
    expect(requests).toBe(2)
  })

  test('does not wait for a body that never ends', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write('…'))
    expect(await run(url)).toBeUndefined()
  })

  test('does not pass when nobody listens', async () => {
    const url = await serve(() => undefined)
    await stack.disposeAsync()
    expect(await run(`${url}/secret-path`)).toBe(`web: ${new URL(url).host}: connection refused`)
  })

  test('does not pass when the connection is cut', async () => {
    const url = await serve((request) => request.socket.destroy())
    expect(await run(url)).toBe(`web: ${new URL(url).host}: socket hang up`)
  })

  test('does not pass when nothing answers within the limit', async () => {
    const url = await serve(() => undefined)
    expect(await run(url, { timeout: 20 })).toBe(`web: ${new URL(url).host} did not answer in time`)
  })

  test('ends when it is called off', async () => {
    const over = new AbortController()
    const url = await serve(() => over.abort())
    expect(await run(url, { signal: over.signal })).toBe(`web: ${new URL(url).host} did not answer in time`)
    expect(await run(url, { signal: AbortSignal.abort() })).toMatch(/did not answer in time$/)
  })

  test.each([
    {
      url: 'web.example.com',
      status: 200,
      why: 'web.example.com is not an address that begins with http:// or https://',
    },
    { url: 'ftp://nas/', status: 200, why: 'ftp://nas/ is not an address that begins with http:// or https://' },
    { url: 'http://', status: 200, why: 'http:// is not an address that begins with http:// or https://' },
    { url: 'http://web/', status: 20, why: '20 is not an HTTP status' },
  ])('of $url for $status can’t be asked at all', async ({ url, status, why }) => {
    expect(await refusal(run(url, { status }))).toMatchObject({ code: 'misconfigured', message: `check web: ${why}` })
  })
})
