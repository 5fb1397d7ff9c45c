import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compileCheck, createChecks } from '../../../src/adapters/checks/checks.ts'
import type { Check } from '../../../src/core/cluster/check.ts'
import { startHttp } from '../../lab/http.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let stack: AsyncDisposableStack
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

const serve = async (answer: RequestListener) => stack.use(await startHttp(answer, '127.0.90.14')).host

/** The checks of a homelab that has these objects. */
const run = (check: Check, found: readonly unknown[] = []) =>
  createChecks({ objects: { find: async () => found }, timeout: 5_000 }).run(check, soon())
const up = (host: string): Check => ({ name: 'up', prometheus: { url: `http://${host}`, query: 'up' } })
const cephWith = (cel: string): Check => ({
  name: 'ceph',
  object: { apiVersion: 'ceph.rook.io/v1', kind: 'CephCluster', namespace: 'rook-ceph', name: 'main', cel },
})

describe('a Prometheus', () => {
  test('that breaks off in the middle of its answer has not answered', async () => {
    const host = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"status":"success","data":{')
      request.socket.end()
    })
    expect(await run(up(host))).toBe(`up: ${host}: aborted`)
  })

  test('behind a login page has not answered, and the login is not followed', async () => {
    const asked: (string | undefined)[] = []
    const host = await serve((request, response) => {
      asked.push(request.url)
      response.writeHead(302, { location: '/login' }).end('Found')
    })
    expect(await run(up(host))).toBe('up: HTTP 302 without an answer of Prometheus: Found')
    expect(asked).toEqual(['/api/v1/query?query=up'])
  })

  test.each([
    ['no list', '{"resultType":"vector","result":null}'],
    ['nobody’s value', '{"resultType":"vector","result":[null]}'],
    ['a series without a value', '{"resultType":"vector","result":[{"metric":null}]}'],
    ['a value that is no text', '{"resultType":"vector","result":[{"metric":{},"value":[1,1]}]}'],
    ['a range without values', '{"resultType":"matrix","result":[{"metric":{}}]}'],
    ['a scalar without a time', '{"resultType":"scalar","result":[]}'],
    ['a type that nobody knows', '{"resultType":"tensor","result":[]}'],
    ['a text', '"up"'],
  ])('that answers with %s has not answered', async (_, data) => {
    const host = await serve((_, response) => response.end(`{"status":"success","data":${data}}`))
    expect(await run(up(host))).toMatch(/^up: HTTP 200 without an answer of Prometheus: \{"status":"success"/)
  })
})

describe('an object of the homelab', () => {
  const ceph = { metadata: { name: 'main' }, status: { n: 2, ratio: 0.25, bytes: 2 ** 60, list: [1, 2] } }

  test.each([
    ['object.status.n * 2 > 3'],
    ['object.status.n % 2 == 0'],
    ['object.status.list[1] - object.status.list[0] == 1'],
    ['object.status.list.all(n, n * 2 <= object.status.n * 2)'],
    ['object.status.ratio * 4.0 == 1.0'],
    ['double(object.status.n) * object.status.ratio == 0.5'],
    ['object.status.bytes > 1000000'],
  ])('is counted as JSON writes it: %s', async (cel) => {
    expect(await run(cephWith(cel), [ceph])).toBeUndefined()
  })

  test('fails by the one that fails, wherever it stands', async () => {
    const others = ['a', 'b', 'c'].map((name) => ({ metadata: { name }, status: { n: 2 } }))
    for (const place of [0, 1, 2]) {
      const found = others.with(place, { metadata: { name: 'ill' }, status: { n: 1 } })
      expect(await run(cephWith('object.status.n == 2'), found)).toBe(
        'ceph: CephCluster rook-ceph/ill: `object.status.n == 2` is false',
      )
    }
  })

  test('that has not said anything yet is asked again after it did', async () => {
    const check = cephWith('object.status.n == 2')
    expect(await run(check, [{ metadata: { name: 'main' } }])).toMatch(/fails: No such key: status$/)
    expect(await run(check, [ceph])).toBeUndefined()
  })
})

test('a check that is written wrong says the same when the settings are read and when it is asked', async () => {
  const check = cephWith('object.status.n ==')
  const wrong = await compileCheck(check)
  expect(wrong).toMatch(/^its CEL expression is wrong: /)
  expect(await refusal(run(check))).toMatchObject({ code: 'misconfigured', message: `check ceph: ${wrong}` })
})
