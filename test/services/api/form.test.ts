import { describe, expect, test } from 'vitest'
import { cookieOf, openDoor, type OpenDoor, operateToken } from './door.ts'

interface How {
  /** Below the path of sessions. */
  readonly path?: string
  readonly tellsOrigin?: boolean
}

/** A form of a page at this door, as a browser without scripts sends it. */
function send(
  door: OpenDoor,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  { path = '', tellsOrigin = true }: How = {},
) {
  return door.ask({
    method: 'POST',
    path: `/api/v1/session${path}`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(tellsOrigin ? { origin: `http://${door.address}:${door.port}` } : {}),
      ...headers,
    },
    body: new URLSearchParams(fields).toString(),
  })
}

describe('signing in by a form', () => {
  test('leads on to the page that was wanted, signed in', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const answer = await send(door, { token: ` ${operateToken}\n`, next: '/journal?kind=alert' })
    expect([answer.status, answer.headers['location']]).toEqual([303, '/journal?kind=alert'])
    expect((await door.ask({ headers: { cookie: cookieOf(answer) } })).status).toBe(200)
  })

  test.each(['//elsewhere.example', '/\\elsewhere.example', 'https://elsewhere.example/', '/a b', '/a\nb', ''])(
    'leads to the first page in place of %j',
    async (next) => {
      await using door = await openDoor()
      expect((await send(door, { token: operateToken, next })).headers['location']).toBe('/')
    },
  )

  test('by a wrong token leads back with why, and is counted', async () => {
    await using door = await openDoor({ means: { limits: { signIns: { burst: 2, perSecond: 0.001 } } } })
    const ask = () => send(door, { token: 'caretaker_wrong', next: '/power' })
    const first = await ask()
    expect([first.status, first.headers['location']]).toEqual([303, '/sign-in?why=wrong&next=%2Fpower'])
    expect(first.headers['set-cookie']).toBeUndefined()
    await ask()
    expect((await ask()).headers['location']).toBe('/sign-in?why=many&next=%2Fpower')
    expect((await send(door, { token: operateToken })).headers['location']).toBe('/sign-in?why=many&next=%2F')
  })

  test.each([
    { page: 'another site', headers: { origin: 'https://elsewhere.example' } },
    { page: 'another port', headers: { origin: 'http://127.0.0.1:1' } },
    { page: 'a sandbox', headers: { origin: 'null' } },
    { page: 'another site, of a browser that tells more', headers: { 'sec-fetch-site': 'cross-site' } },
    { page: 'nobody knows where', headers: {}, isUntold: true },
  ])('is not done for a page of $page', async ({ headers, isUntold = false }) => {
    await using door = await openDoor()
    const sent = await send(door, { token: operateToken }, headers, isUntold ? { tellsOrigin: false } : {})
    expect(sent).toMatchObject({ status: 403 })
    expect(sent.headers['set-cookie']).toBeUndefined()
  })

  test('takes 4 KiB at most', async () => {
    await using door = await openDoor()
    expect(await send(door, { token: 'x'.repeat(5_000) })).toMatchObject({ status: 413 })
  })

  test('signs out for good, and not for a page of another site', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const cookie = cookieOf(await send(door, { token: operateToken }))
    expect(await send(door, {}, { cookie, origin: 'https://elsewhere.example' }, { path: '/end' })).toMatchObject({
      status: 403,
    })
    expect((await door.ask({ headers: { cookie } })).status).toBe(200)
    const out = await send(door, {}, { cookie }, { path: '/end' })
    expect([out.status, out.headers['location']]).toEqual([303, '/'])
    expect(out.headers['set-cookie']?.[0]).toMatch(/^caretaker=; Path=\/; Max-Age=0/)
    expect((await door.ask({ headers: { cookie } })).status).toBe(401)
  })
})
