import type { AlertId } from '../../../src/core/alert-kinds.ts'
import { describe, expect, test } from 'vitest'
import { bearer, cookieOf, createHanging, type DoorOptions, openDoor, operateToken, readToken, signIn } from './door.ts'

const cancel = { method: 'POST', path: '/api/v1/power/cancel' } as const
const json = { 'content-type': 'application/json' }

const proxied: DoorOptions = {
  section: { proxy: { from: ['127.0.204.8/29'], scope: 'operate' }, hosts: ['nas.lan'] },
}
const proxy = '127.0.204.9'

test('each answer is counted by its code, whoever asked and whatever for', async () => {
  await using door = await openDoor()
  await door.ask({})
  await door.ask({ path: '/nowhere' })
  await door.ask(cancel)
  await door.ask({ headers: { host: 'elsewhere.example' } })
  const counts = () =>
    door.meter
      .read()
      .filter(({ family }) => family === 'caretaker_api_requests_total')
      .map(({ labels: { method, code }, value }) => `${method} ${code}: ${value}`)
  await expect.poll(counts).toEqual(['GET 200: 1', 'GET 404: 1', 'POST 401: 1', 'GET 421: 1'])
})

describe('a program on this machine', () => {
  test('reads without a token, and changes nothing without one', async () => {
    await using door = await openDoor()
    expect(await door.ask({})).toMatchObject({ status: 200 })
    expect(await door.ask(cancel)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': expect.stringMatching(/^Bearer/) },
    })
    expect(door.heard).toEqual([])
  })

  test.each([
    { what: 'a proxy asks for somebody', headers: { 'x-forwarded-for': '203.0.113.9' } },
    { what: 'a proxy says so in the words of the standard', headers: { forwarded: 'for=203.0.113.9' } },
    { what: 'a gateway has passed it on', headers: { via: '1.1 cache' } },
    { what: 'a proxy names the client in its own way', headers: { 'x-real-ip': '203.0.113.9' } },
    { what: 'a tunnel brings it', headers: { 'cf-connecting-ip': '203.0.113.9' } },
    { what: 'it is asked by a name that others use', headers: { host: 'nas.lan' } },
    { what: 'a page of another site asks', headers: { 'sec-fetch-site': 'cross-site' } },
    { what: 'a page of another port asks', headers: { 'sec-fetch-site': 'same-site' } },
    { what: 'an old browser tells of another page', headers: { origin: 'https://evil.example' } },
    { what: 'it shows a token that is none', headers: { authorization: 'Bearer caretaker_none' } },
  ])('reads nothing where $what', async ({ headers }) => {
    await using door = await openDoor({ section: { hosts: ['nas.lan'] } })
    expect(await door.ask({ headers })).toMatchObject({ status: 401 })
  })

  test('reads nothing where it speaks HTTP/1.0, as nginx does for others without a word', async () => {
    await using door = await openDoor()
    const said = await door.raw(`GET /api/v1/jobs HTTP/1.0\r\nhost: 127.0.0.1:${door.port}\r\n\r\n`)
    expect(said).toMatch(/^HTTP\/1\.1 401 /)
  })

  test('reads what a person has typed into a browser', async () => {
    await using door = await openDoor()
    expect(await door.ask({ headers: { 'sec-fetch-site': 'none' } })).toMatchObject({ status: 200 })
  })

  test.each([
    { address: '::1', through: '::1' },
    { address: '::', through: '127.0.0.1' },
    { address: 'localhost', through: 'localhost' },
  ])('reads without a token at $address through $through', async ({ address, through }) => {
    await using door = await openDoor({ section: { address } })
    expect(await door.ask({ at: through })).toMatchObject({ status: 200 })
    expect(await door.ask({ at: through, headers: { forwarded: 'for=10.0.0.1' } })).toMatchObject({ status: 401 })
  })

  test('reads nothing where that is turned off', async () => {
    await using door = await openDoor({ section: { anonymous: 'never' } })
    expect(await door.ask({})).toMatchObject({ status: 401 })
  })
})

describe('a token', () => {
  test('lets in for what its scope includes, under its name', async () => {
    await using door = await openDoor()
    expect(await door.ask({ ...cancel, headers: bearer(operateToken) })).toMatchObject({ status: 200 })
    expect(await door.ask({ ...cancel, headers: bearer(readToken) })).toMatchObject({
      status: 403,
      text: expect.stringContaining('token panel has the scope read, and this needs operate'),
    })
    expect(door.heard).toEqual([{ request: 'power.cancel', by: 'token desk', verified: true }])
  })

  test('that may only read comes near nothing that changes something, whether it is there or not', async () => {
    await using door = await openDoor()
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])
      expect(await door.ask({ method, path: '/api/v1/none', headers: bearer(readToken) })).toMatchObject({
        status: 403,
      })
  })

  test('needs no origin, and its bearer may not state another name', async () => {
    await using door = await openDoor()
    const headers = { ...bearer(operateToken), origin: 'https://evil.example', 'x-caretaker-by': 'admin@nas' }
    expect(await door.ask({ ...cancel, headers })).toMatchObject({ status: 200 })
    expect(door.heard).toMatchObject([{ by: 'token desk' }])
  })

  test('that was revoked or has expired lets nobody in', async () => {
    const brief = {
      name: 'brief',
      scope: 'operate',
      text: 'caretaker_brief-0123456789',
      expiresAt: '2027-01-01T13:00:00Z',
    }
    await using door = await openDoor({ tokens: [brief as never] })
    const ask = { ...cancel, headers: bearer(brief.text) }
    expect(await door.ask(ask)).toMatchObject({ status: 200 })
    door.at.now = new Date('2027-01-01T13:00:00Z')
    expect(await door.ask(ask)).toMatchObject({ status: 401 })
    door.at.now = new Date('2027-01-01T12:30:00Z')
    expect(await door.ask(ask)).toMatchObject({ status: 200 })
    door.revoke('brief')
    expect(await door.ask(ask)).toMatchObject({ status: 401 })
  })

  test('is guessed ten times in a minute, and then waited for, also by who guesses many at once', async () => {
    await using door = await openDoor()
    const guess = (index: number) => door.ask({ headers: bearer(`caretaker_wrong-${index}`) })
    const answers = await Promise.all(Array.from({ length: 15 }, (_, index) => guess(index)))
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual([
      ...Array.from({ length: 10 }, () => '401'),
      ...Array.from({ length: 5 }, () => '429'),
    ])
    expect(await door.ask({ headers: bearer(operateToken) })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '6' },
    })
    expect(await signIn(door)).toMatchObject({ status: 429 })
    expect(JSON.stringify(door.log)).toContain('{"client":"127.0.0.1"},"a wrong token was shown"')
    expect(JSON.stringify(door.log)).not.toContain('caretaker_wrong')
    door.at.monotonic += 6_000
    expect(await door.ask({ headers: bearer(operateToken) })).toMatchObject({ status: 200 })
  })

  test('is no concern of a proxy’s own password', async () => {
    await using door = await openDoor()
    expect(await door.ask({ headers: { authorization: 'Basic YWxpY2U6eA==' } })).toMatchObject({ status: 200 })
  })
})

describe('a reverse proxy', () => {
  test('that is trusted says who asks, and nobody else can', async () => {
    await using door = await openDoor(proxied)
    const headers = { 'remote-user': 'alice', host: 'nas.lan' }
    expect(await door.ask({ ...cancel, headers, from: proxy })).toMatchObject({ status: 200 })
    expect(door.heard).toEqual([{ request: 'power.cancel', by: 'alice', verified: true }])
    expect(await door.ask({ ...cancel, headers, from: '127.0.204.16' })).toMatchObject({ status: 401 })
    expect(await door.ask({ ...cancel, headers })).toMatchObject({ status: 401 })
    expect(door.heard).toHaveLength(1)
  })

  test.each([
    { what: 'names nobody', value: '  ' },
    { what: 'names two', value: ['alice', 'mallory'] },
  ])('that $what lets nobody in, and not as a program of this machine either', async ({ value }) => {
    await using door = await openDoor(proxied)
    expect(await door.ask({ headers: { 'remote-user': value }, from: proxy })).toMatchObject({ status: 401 })
    expect(await door.ask({ from: proxy })).toMatchObject({ status: 401 })
  })

  test('has its names cleaned, which are UTF-8', async () => {
    await using door = await openDoor(proxied)
    const value = Buffer.from(`Zo\u00eb \u202e${'x'.repeat(100)}`).toString('latin1')
    await door.ask({ ...cancel, headers: { 'remote-user': value }, from: proxy })
    expect(door.heard[0]!.by).toBe(`Zoë ${'x'.repeat(60)}`)
  })

  test('does not let a page of somebody else use whom it has signed in', async () => {
    await using door = await openDoor(proxied)
    const headers = { 'remote-user': 'alice', 'sec-fetch-site': 'cross-site' }
    expect(await door.ask({ ...cancel, headers, from: proxy })).toMatchObject({ status: 403 })
    const old = { 'remote-user': 'alice', origin: 'https://evil.example' }
    expect(await door.ask({ ...cancel, headers: old, from: proxy })).toMatchObject({ status: 403 })
    expect(door.heard).toEqual([])
  })

  test('has its clients counted one by one', async () => {
    await using door = await openDoor({ ...proxied, means: { limits: { requests: { burst: 2, perSecond: 1 } } } })
    const ask = (client: string) =>
      door.ask({ headers: { 'remote-user': 'alice', 'x-forwarded-for': `10.0.0.1, ${client}` }, from: proxy })
    const statuses: number[] = []
    for (const client of ['10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.3']) statuses.push((await ask(client)).status)
    expect(statuses).toEqual([200, 200, 429, 200])
  })

  test('that is none does not choose the address by which it is counted, nor that it came by TLS', async () => {
    await using door = await openDoor({ means: { limits: { requests: { burst: 2, perSecond: 1 } } } })
    const claim = (client: string) => ({ 'x-forwarded-for': client, 'x-forwarded-proto': 'https' })
    const answer = await signIn(door, operateToken, claim('10.0.0.1'))
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^caretaker=/)
    expect(await signIn(door, operateToken, claim('10.0.0.2'))).toMatchObject({ status: 200 })
    expect(await signIn(door, operateToken, claim('10.0.0.3'))).toMatchObject({ status: 429 })
  })

  test('that serves TLS has its browsers’ cookies kept to TLS', async () => {
    await using door = await openDoor(proxied)
    const headers = { ...json, host: 'nas.lan', 'x-forwarded-proto': 'https' }
    const ask = { method: 'POST', path: '/api/v1/session', body: JSON.stringify({ token: operateToken }) }
    const answer = await door.ask({ ...ask, headers, from: proxy })
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^__Host-caretaker=.*; Secure$/)
    const own = { ...headers, cookie: cookieOf(answer), origin: 'https://nas.lan' }
    expect(await door.ask({ ...cancel, headers: own, from: proxy })).toMatchObject({ status: 200 })
    const downgraded = { ...own, origin: 'http://nas.lan' }
    expect(await door.ask({ ...cancel, headers: downgraded, from: proxy })).toMatchObject({ status: 403 })
  })
})

describe('every answer', () => {
  test('carries what keeps browsers in bounds, and nothing that lets other sites read it', async () => {
    await using door = await openDoor()
    for (const ask of [
      {},
      cancel,
      { path: '/nothing' },
      { headers: { host: 'evil.example' } },
      { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } },
    ]) {
      const { headers } = await door.ask(ask)
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/^default-src 'none';.*frame-ancestors 'none'$/),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['strict-transport-security']).toBeUndefined()
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('that lasts ends when its token is revoked', async () => {
    const limits = { looksAgainEvery: 5 }
    const hanging = createHanging()
    await using door = await openDoor({ status: hanging.status, means: { limits } })
    const following = door.ask({ path: '/api/v1/status', headers: bearer(readToken) }).catch((error: unknown) => error)
    await expect.poll(() => hanging.asked).toBe(1)
    door.revoke('panel')
    expect(await following).toMatchObject({ code: 'ECONNRESET' })
  })
})

test('the line of the service says where it is reached, and how many tokens there are', async () => {
  await using door = await openDoor()
  expect(door.status()).toBe(`http://127.0.0.1:${door.port}, 2 tokens`)
  door.revoke('desk')
  expect(door.status()).toMatch(/, 1 token$/)
  door.revoke('panel')
  expect(door.status()).toMatch(/, no tokens$/)
})

test.each([
  { what: 'the API is', section: undefined, left: [] },
  { what: 'its certificate is', section: {}, left: ['api.tokens'] },
])('what was wrong is settled once $what no longer configured', async ({ section, left }) => {
  const open = (id: AlertId) => ({ id, content: { severity: 'warning', subject: 'api', text: 'broken' } as const })
  const tokens = [{ name: 'panel', scope: 'read', token: { file: 'none' } }]
  await using door = await openDoor({
    section: section && { tokens },
    alerts: (['api.renewal', 'api.certificate', 'api.tokens'] as const).map(open),
  })
  expect(door.alerts.all.map(({ id }) => id)).toEqual(left)
})
