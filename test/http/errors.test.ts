import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { AgentError, type ErrorCode } from '../../src/core/errors.ts'
import type { Logger } from '../../src/core/log.ts'
import { problem } from '../../src/http/schemas/problem.ts'
import { startDaemon } from './daemon.ts'

/** A log that is kept. */
function keptLog() {
  const lines: { readonly level: string; readonly fields: object; readonly text: string }[] = []
  const at = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text })
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return { log, lines }
}

async function ask(socketPath: string, path: string, method = 'GET') {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: unknown; headers: Headers }>()
  request({ socketPath, path: `/api/v1${path}`, method }, (response) => {
    const headers = new Headers(response.headers as Record<string, string>)
    text(response).then((body) => resolve({ status: response.statusCode!, body: JSON.parse(body), headers }), reject)
  })
    .on('error', reject)
    .end()
  return promise
}

test.each<{ code: ErrorCode; status: number }>([
  { code: 'misconfigured', status: 400 },
  { code: 'unauthenticated', status: 401 },
  { code: 'forbidden', status: 403 },
  { code: 'not-found', status: 404 },
  { code: 'rejected', status: 409 },
  { code: 'unreachable', status: 502 },
  { code: 'malformed', status: 502 },
  { code: 'not-now', status: 503 },
  { code: 'timed-out', status: 504 },
])(
  'a failure that is $code is answered with $status, its code and its words, and not logged',
  async ({ code, status }) => {
    const { log, lines } = keptLog()
    const fail = () => {
      throw new AgentError(code, `because of “${code}”`)
    }
    await using at = await startDaemon({ status: async () => fail(), jobs: { list: fail } }, { log })
    for (const path of ['/status', '/jobs']) {
      const { status: told, body, headers } = await ask(at.socket, path)
      expect({ told, body, type: headers.get('content-type') }).toEqual({
        told: status,
        body: {
          type: `urn:caretaker:problem:${code}`,
          title: expect.any(String),
          status,
          detail: `because of “${code}”`,
          code,
        },
        type: 'application/problem+json',
      })
      expect(problem.safeParse(body).success).toBe(true)
      // RFC 9110 15.5.2, 15.6.4
      expect(headers.has('www-authenticate')).toBe(status === 401)
      expect(headers.has('retry-after')).toBe(status === 503)
      await expect(at.raw.get(path)).rejects.toMatchObject({
        name: 'AgentError',
        code,
        message: `because of “${code}”`,
      })
    }
    expect(lines).toEqual([])
  },
)

test.each([
  { what: 'a bug', thrown: new TypeError('cannot read properties of undefined (password: hunter2)') },
  { what: 'a bug that was given words on its way', thrown: new AgentError('internal', 'drain w-1: x', new Error('x')) },
])('$what is logged once with its stack, and answered with the id that it has there', async ({ thrown }) => {
  const { log, lines } = keptLog()
  const status = () => Promise.reject(thrown)
  await using at = await startDaemon({ status }, { log })
  const { status: code, body } = await ask(at.socket, '/status')
  expect({ code, lines }).toEqual({
    code: 500,
    lines: [
      {
        level: 'error',
        fields: { err: expect.anything(), id: expect.stringMatching(/^[0-9a-f]{8}$/), request: 'GET /api/v1/status' },
        text: 'internal error',
      },
    ],
  })
  const { err, id } = lines[0]!.fields as { err: Error; id: string }
  expect(err.stack).toContain('errors.test.ts')
  expect(body).toMatchObject({
    status: 500,
    code: 'internal',
    detail: `internal error; please report it with what the daemon's log says about ${id}`,
  })
})

test('what is thrown and is no error is one all the same', async () => {
  const { log, lines } = keptLog()
  // oxlint-disable-next-line no-throw-literal, prefer-promise-reject-errors -- that is the case
  await using at = await startDaemon({ status: () => Promise.reject('hunter2') }, { log })
  await expect(at.raw.get('/status')).rejects.toMatchObject({ code: 'internal' })
  expect(lines).toMatchObject([{ fields: { err: { message: 'hunter2' } } }])
})
