import { describe, expect, test } from 'vitest'
import type { Visit, WebPart } from '../../../src/operations/web.ts'
import { bearer, cookieOf, openDoor, operateToken, readToken, signIn } from './door.ts'

/** A part that answers with who asks. */
function partAt(path: string, access: WebPart['access']) {
  const visits: Visit[] = []
  const part: WebPart = {
    path,
    access,
    answer: (visit) => {
      visits.push(visit)
      return new Response(`${path}: ${visit.caller?.requester.name ?? 'a stranger'}`)
    },
  }
  return { part, visits }
}

/** A door on this machine that nobody may read at without a token. */
const closed = { section: { anonymous: 'never' } }

describe('what a service serves on the port of the API', () => {
  test('is answered by the part with the longest path that fits, and never in place of the API', async () => {
    await using door = await openDoor()
    for (const path of ['/', '/files/', '/files/one', '/api/', '/api/v1/jobs']) door.web.open(partAt(path, 'read').part)
    const asked = async (path: string) => (await door.ask({ path })).text
    expect(await asked('/')).toBe('/: anonymous')
    expect(await asked('/elsewhere')).toBe('/: anonymous')
    expect(await asked('/files/two')).toBe('/files/: anonymous')
    expect(await asked('/files/one')).toBe('/files/one: anonymous')
    expect(await asked('/api/v1/jobs')).toBe('[]')
    expect(JSON.parse(await asked('/api/unknown'))).toMatchObject({ status: 404 })
  })

  test('is gone once it is disposed of, and two can not have one path', async () => {
    await using door = await openDoor()
    const opened = door.web.open(partAt('/metrics', 'read').part)
    expect(() => door.web.open(partAt('/metrics', 'open').part)).toThrow('/metrics is served already')
    expect((await door.ask({ path: '/metrics' })).status).toBe(200)
    opened[Symbol.dispose]()
    expect((await door.ask({ path: '/metrics' })).status).toBe(404)
    door.web.open(partAt('/metrics', 'read').part)
    expect((await door.ask({ path: '/metrics' })).status).toBe(200)
  })

  test('lets nobody read who may not, unless it shows strangers something of its own', async () => {
    await using door = await openDoor(closed)
    const inner = partAt('/metrics', 'read')
    door.web.open(inner.part)
    door.web.open(partAt('/', 'open').part)
    expect((await door.ask({ path: '/metrics' })).status).toBe(401)
    expect((await door.ask({ path: '/metrics', headers: bearer('caretaker_wrong') })).status).toBe(401)
    expect((await door.ask({ path: '/', headers: bearer('caretaker_wrong') })).status).toBe(401)
    expect(inner.visits).toEqual([])
    expect((await door.ask({ path: '/metrics', headers: bearer(readToken) })).text).toBe('/metrics: token panel')
    expect((await door.ask({ path: '/' })).text).toBe('/: a stranger')
  })

  test.each([
    { who: 'a stranger', headers: {}, status: 401 },
    { who: 'who may only read', headers: bearer(readToken), status: 403 },
    { who: 'who may operate', headers: bearer(operateToken), status: 200 },
  ])('is asked to change something by $who: $status', async ({ headers, status }) => {
    await using door = await openDoor(closed)
    const { part, visits } = partAt('/', 'open')
    door.web.open(part)
    expect((await door.ask({ method: 'POST', path: '/power/cancel', headers })).status).toBe(status)
    expect(visits).toHaveLength(status === 200 ? 1 : 0)
  })

  test('changes nothing for a page of another site, whoever is signed in', async () => {
    await using door = await openDoor(closed)
    const { part, visits } = partAt('/', 'open')
    door.web.open(part)
    const cookie = cookieOf(await signIn(door))
    const post = (headers: Record<string, string>) =>
      door.ask({ method: 'POST', path: '/power/cancel', headers: { cookie, ...headers } })
    expect((await post({ origin: 'https://elsewhere.example' })).status).toBe(403)
    expect((await post({})).status).toBe(403)
    expect(visits).toEqual([])
    expect((await post({ origin: `http://${door.address}:${door.port}` })).text).toBe('/: token desk')
  })

  test('anonymous readers on this machine change nothing either', async () => {
    await using door = await openDoor()
    const { part, visits } = partAt('/', 'open')
    door.web.open(part)
    expect((await door.ask({ method: 'POST', path: '/power/cancel' })).status).toBe(401)
    expect(visits).toEqual([])
  })
})
