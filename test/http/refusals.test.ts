import { expect, test } from 'vitest'
import { startDaemon } from './daemon.ts'
import { serveApi } from './server.ts'

const token = 'caretaker_0123456789abcdef'

/** Asks as any program does, and answers the status, the problem and who may be asked otherwise. */
async function ask(url: string, method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const bearer = { authorization: `Bearer ${token}` }
  const init = { method, headers: { ...bearer, ...headers }, ...(body === undefined ? {} : { body }) }
  const answer = await fetch(`${url}/api/v1${path}`, init)
  const problem = (await answer.json()) as Record<string, unknown>
  return { status: answer.status, problem, allow: answer.headers.get('allow') }
}

const json = { 'content-type': 'application/json' }

test.each([
  { method: 'PUT', path: '/power/cancel', status: 405, allow: 'POST' },
  { method: 'POST', path: '/status', status: 405, allow: 'GET, HEAD' },
  { method: 'DELETE', path: '/tokens', status: 405, allow: 'GET, HEAD, POST' },
  { method: 'GET', path: '/nothing', status: 404, allow: null },
])('$method $path is no request: $status, and what is', async ({ method, path, status, allow }) => {
  await using at = await startDaemon()
  await using server = await serveApi(at.operator, token)
  const told = await ask(server.url, method, path)
  const detail = 'there is no such request'
  const type = 'urn:caretaker:problem:unknown-request'
  expect(told).toMatchObject({ status, allow, problem: { type, status, code: 'not-found', detail } })
})

test('what is wrong with a request is told field by field', async () => {
  await using at = await startDaemon()
  await using server = await serveApi(at.operator, token)
  const body = '{"version":7,"losing":["a",7],"why":"x"}'
  const { status, problem } = await ask(server.url, 'POST', '/rollout/approve', body, json)
  // Advice for the CLI is the CLI's: others ask here, too.
  expect({ status, type: problem['type'], detail: problem['detail'], errors: problem['errors'] }).toEqual({
    status: 400,
    type: 'urn:caretaker:problem:unknown-request',
    detail: 'version is not a string; losing.1 is not a string; why is unknown',
    errors: [
      { field: 'version', text: 'is not a string' },
      { field: 'losing.1', text: 'is not a string' },
      { field: 'why', text: 'is unknown' },
    ],
  })
  expect(at.heard).toEqual([])
})

test.each([
  { what: 'a form', type: 'application/x-www-form-urlencoded', body: 'force=true', status: 415 },
  { what: 'a plain text', type: 'text/plain', body: '{"force":true}', status: 415 },
  { what: 'half of an object', type: 'application/json', body: '{"force":', status: 400 },
  {
    what: 'more than there may be',
    type: 'application/json',
    body: `{"force":${' '.repeat(70_000)}true}`,
    status: 413,
  },
])('$what is refused, and does nothing', async ({ type, body, status }) => {
  await using at = await startDaemon()
  await using server = await serveApi(at.operator, token)
  const told = await ask(server.url, 'POST', '/nodes/w-1/rollback', body, { 'content-type': type })
  expect(told).toMatchObject({ status, problem: { status, code: 'misconfigured' } })
  expect(at.heard).toEqual([])
})

test('who is not known learns of no request whether it is right, or there', async () => {
  await using at = await startDaemon()
  await using server = await serveApi(at.operator, token)
  const nobody = { authorization: 'Bearer caretaker_other', ...json }
  const asks = [
    ask(server.url, 'POST', '/rollout/approve', '{"why":1}', nobody),
    ask(server.url, 'GET', '/journal?limit=x', undefined, nobody),
    ask(server.url, 'GET', '/nothing', undefined, nobody),
    ask(server.url, 'PUT', '/status', undefined, nobody),
    ask(server.url, 'GET', '/openapi.json', undefined, nobody),
    ask(server.url, 'GET', '/live', undefined, nobody),
  ]
  for (const { status, problem } of await Promise.all(asks))
    expect({ status, code: problem['code'] }).toEqual({ status: 401, code: 'unauthenticated' })
})
