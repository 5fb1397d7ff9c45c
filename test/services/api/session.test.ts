import { describe, expect, test } from 'vitest'
import { cookieOf, createHanging, openDoor, operateToken, signIn } from './door.ts'

const cancel = { method: 'POST', path: '/api/v1/power/cancel' } as const

describe('a browser', () => {
  test('signs in with a token, is known by its cookie, and signs out for good', async () => {
    await using door = await openDoor()
    const signedIn = await signIn(door)
    expect(signedIn.status).toBe(200)
    expect(JSON.parse(signedIn.text)).toEqual({
      name: 'token desk',
      scope: 'operate',
      via: 'session',
      expiresAt: '2027-01-02T00:00:00.000Z',
    })
    expect(signedIn.headers['set-cookie']?.[0]).toMatch(
      /^caretaker=[-\w.]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/,
    )
    const cookie = cookieOf(signedIn)
    const own = { cookie, 'sec-fetch-site': 'same-origin' }
    expect(await door.ask({ ...cancel, headers: own })).toMatchObject({ status: 200 })
    expect(door.heard).toEqual([{ request: 'power.cancel', by: 'token desk', verified: true }])
    const out = await door.ask({ method: 'DELETE', path: '/api/v1/session', headers: own })
    expect(out).toMatchObject({ status: 204 })
    expect(out.headers['set-cookie']?.[0]).toMatch(/^caretaker=; Path=\/; Max-Age=0;/)
    // A copy of the cookie counts no more than the browser's own.
    expect(await door.ask({ ...cancel, headers: own })).toMatchObject({ status: 401 })
    expect(door.heard).toHaveLength(1)
  })

  test.each([
    { page: 'another site', headers: { 'sec-fetch-site': 'cross-site' } },
    { page: 'another port of this name', headers: { 'sec-fetch-site': 'same-site' } },
    { page: 'nowhere', headers: { 'sec-fetch-site': 'none' } },
    { page: 'another site, in a browser that tells less', headers: { origin: 'http://evil.example' } },
    { page: 'a sandbox', headers: { origin: 'null' } },
    { page: 'another port, in a browser that tells less', headers: { origin: 'http://127.0.0.1:1' } },
    { page: 'who knows where', headers: {} },
  ])('that shows a page of $page changes nothing', async ({ headers }) => {
    await using door = await openDoor()
    const cookie = cookieOf(await signIn(door))
    const forged = { ...headers, cookie } as Record<string, string>
    expect(await door.ask({ ...cancel, headers: forged })).toMatchObject({ status: 403 })
    expect(await door.ask({ method: 'DELETE', path: '/api/v1/session', headers: forged })).toMatchObject({
      status: 403,
    })
    expect(door.heard).toEqual([])
  })

  test('that tells its page by Origin alone, as over plain HTTP, changes what its own page asks', async () => {
    await using door = await openDoor()
    const cookie = cookieOf(await signIn(door))
    const headers = { cookie, origin: `http://127.0.0.1:${door.port}` }
    expect(await door.ask({ ...cancel, headers })).toMatchObject({ status: 200 })
  })

  test('is not signed in by a page of somebody else, nor by a form', async () => {
    await using door = await openDoor()
    expect(await signIn(door, operateToken, { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 })
    expect(await signIn(door, operateToken, { 'content-type': 'text/plain' })).toMatchObject({ status: 400 })
  })

  test('stays signed in for twelve hours after its last use, and not for longer', async () => {
    await using door = await openDoor()
    const cookie = cookieOf(await signIn(door))
    door.at.now = new Date('2027-01-01T12:30:00Z')
    expect((await door.ask({ headers: { cookie } })).headers['set-cookie']).toBeUndefined()
    door.at.now = new Date('2027-01-01T23:59:59Z')
    const renewed = cookieOf(await door.ask({ headers: { cookie } }))
    expect(renewed).not.toBe(cookie)
    door.at.now = new Date('2027-01-02T00:00:00Z')
    const session = { path: '/api/v1/session' }
    expect(await door.ask({ ...session, headers: { cookie: renewed } })).toMatchObject({
      text: expect.stringContaining('"via":"session"'),
    })
    expect(await door.ask({ ...session, headers: { cookie } })).toMatchObject({
      text: expect.stringContaining('"via":"anonymous"'),
    })
  })

  test('is signed out with its token, also where another is made under its name', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const cookie = cookieOf(await signIn(door))
    expect(await door.ask({ headers: { cookie } })).toMatchObject({ status: 200 })
    door.grant({ name: 'desk', scope: 'operate', text: 'caretaker_another-0123456789' })
    expect(await door.ask({ headers: { cookie } })).toMatchObject({ status: 401 })
  })

  test('that makes its own cookie is nobody', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const cookie = cookieOf(await signIn(door))
    const parts = cookie.split('.')
    const longer = [parts[0], parts[1], 'zzzzzzzz', parts[3]].join('.')
    const unsigned = [...parts.slice(0, 3), 'A'.repeat(43)].join('.')
    for (const forged of [longer, unsigned, `${cookie}x`, cookie.slice(0, -1)])
      expect(await door.ask({ headers: { cookie: forged } })).toMatchObject({ status: 401 })
    expect(await door.ask({ headers: { cookie } })).toMatchObject({ status: 200 })
  })

  test('hears no more of what it follows once its token is revoked, or it has signed out', async () => {
    const means = { limits: { looksAgainEvery: 5 } }
    const hanging = createHanging()
    await using door = await openDoor({ status: hanging.status, means })
    for (const [index, end] of ['sign out', 'revoke'].entries()) {
      const headers = { cookie: cookieOf(await signIn(door)), 'sec-fetch-site': 'same-origin' }
      const following = door.ask({ path: '/api/v1/status', headers }).catch((error: unknown) => error)
      await expect.poll(() => hanging.asked).toBe(index + 1)
      if (end === 'revoke') door.revoke('desk')
      else await door.ask({ method: 'DELETE', path: '/api/v1/session', headers })
      expect(await following).toMatchObject({ code: 'ECONNRESET' })
    }
  })

  test('asks again now and then for what it follows, which keeps it signed in', async () => {
    const means = { limits: { looksAgainEvery: 5, longestFollowing: 1_000 } }
    const hanging = createHanging()
    await using door = await openDoor({ status: hanging.status, means })
    const headers = { cookie: cookieOf(await signIn(door)) }
    const following = door.ask({ path: '/api/v1/status', headers }).catch((error: unknown) => error)
    await expect.poll(() => hanging.asked).toBe(1)
    door.at.monotonic += 1_001
    expect(await following).toMatchObject({ code: 'ECONNRESET' })
  })

  test('is refused after ten wrong tokens', async () => {
    await using door = await openDoor()
    for (let guess = 0; guess < 10; guess++)
      expect(await signIn(door, `caretaker_wrong-${guess}`)).toMatchObject({ status: 401 })
    expect(await signIn(door)).toMatchObject({ status: 429, headers: { 'retry-after': '6' } })
  })

  test('is refused with two cookies, of which one may be somebody else’s', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    const cookie = cookieOf(await signIn(door))
    expect(await door.ask({ headers: { cookie: `${cookie}; caretaker=x` } })).toMatchObject({ status: 401 })
    expect(await door.ask({ headers: { cookie: `other=1; ${cookie}; more=2` } })).toMatchObject({ status: 200 })
  })
})
