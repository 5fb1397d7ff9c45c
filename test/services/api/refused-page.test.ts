import { expect, test } from 'vitest'
import { bearer, openDoor, operateToken, readToken } from './door.ts'

/** What browsers ask with where they go to a page, or send a form of one. */
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

interface Refused {
  readonly name: string
  readonly ask: {
    readonly method?: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly body?: string
  }
  readonly status: number
  readonly says: string
  readonly leadsTo: string
}

const refused: readonly Refused[] = [
  {
    name: 'a form of another site that cancels the shutdown',
    ask: { method: 'POST', path: '/power/do/cancel', headers: { ...form, origin: 'https://elsewhere.example' } },
    status: 401,
    says: 'A token is needed: <code>caretaker token create NAME --scope operate</code> makes one.',
    leadsTo: '/sign-in',
  },
  {
    name: 'a form of who may only read',
    ask: { method: 'POST', path: '/power/do/cancel', headers: { ...form, ...bearer(readToken) } },
    status: 403,
    says: 'Token panel has the scope read, and this needs operate.',
    leadsTo: '/',
  },
  {
    name: 'a form that signs in from another site',
    ask: { method: 'POST', path: '/api/v1/session', headers: { ...form, origin: 'null' }, body: 'token=x' },
    status: 403,
    says: 'A page of another site asked for this, or nothing tells which page did.',
    leadsTo: '/',
  },
  {
    name: 'a page by a name that is not ours',
    ask: { path: '/', headers: { host: '<b>.example' } },
    status: 400,
    says: 'The request has no Host header that can be read.',
    leadsTo: '/',
  },
  {
    name: 'a page by a name of somebody else',
    ask: { path: '/', headers: { host: 'elsewhere.example' } },
    status: 421,
    says: 'This Caretaker is not known as elsewhere.example: add it to <code>api.hosts</code> if it is.',
    leadsTo: '/',
  },
]

test.each(refused)('$name is refused with a page that says why, and where to go on', async (one) => {
  const { ask, status, says, leadsTo } = one
  await using door = await openDoor({ section: { anonymous: 'never' } })
  const page = await door.ask({ ...ask, headers: { ...browser, ...ask.headers } })
  expect([page.status, page.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
  expect(page.text).toContain(says)
  expect(page.text).toContain(`<a href="${leadsTo}">`)
  expect(page.text).not.toContain('<b>')
  expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
  // Programs hear the same as a problem.
  const problem = await door.ask(ask)
  expect([problem.status, problem.headers['content-type']]).toEqual([status, 'application/problem+json'])
})

test('a request of a page of ours that is refused is shown within it', async () => {
  await using door = await openDoor()
  const headers = { 'hx-request': 'true', accept: 'text/html', ...form, ...bearer(readToken) }
  const part = await door.ask({ method: 'POST', path: '/power/do/cancel', headers })
  expect(part.status).toBe(403)
  expect(part.text).toMatch(/^<div class="confirm" data-confirmation>/)
  expect(part.text).toContain('this needs operate')
})

test('what stands below /api/ stays as it is for whoever looks at it with a browser', async () => {
  await using door = await openDoor()
  const unknown = await door.ask({ path: '/api/v1/unknown', headers: { ...browser, ...bearer(operateToken) } })
  expect([unknown.status, unknown.headers['content-type']]).toEqual([404, 'application/problem+json'])
})
