import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CredentialsEnded, parseRetryAfter, readAnswer } from '../../../src/adapters/kubernetes/answers.ts'
import { type Api, ApiRefusal, listOf } from '../../../src/adapters/kubernetes/api.ts'
import { createRetries } from '../../../src/adapters/kubernetes/retries.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.133')
})
afterEach(() => at[Symbol.asyncDispose]())

/** How long it takes, in ms. */
async function timed<T>(call: Promise<T>): Promise<{ answer: T; took: number }> {
  const began = performance.now()
  return { answer: await call, took: performance.now() - began }
}
const nodes = () => at.kubernetes.nodes(soon())

describe('a server that asks to be left alone', () => {
  test.each([429, 503] as const)('with %s is asked again after that time, and no sooner', async (code) => {
    at.lab.throttle({ code, times: 1, retryAfter: '1' })
    const { answer, took } = await timed(nodes())
    expect(answer.size).toBe(3)
    expect(took).toBeGreaterThan(950)
  })

  test('until a date is left alone until then, by its own clock', async () => {
    const date = new Date(Date.now() + 2_000).toUTCString()
    at.lab.throttle({ code: 503, times: 1, retryAfter: date })
    expect((await timed(nodes())).took).toBeGreaterThan(800)
  })

  test('several times is heeded several times, for a write too', async () => {
    at.lab.throttle({ code: 429, times: 2, retryAfter: '1', of: /^PATCH/ })
    const { took } = await timed(at.kubernetes.pause('w-1', 'a disk is late', soon()))
    expect(took).toBeGreaterThan(1_900)
    expect(Object.values(at.annotations('w-1'))).toEqual(['a disk is late'])
  })

  test('beyond the caller’s time is given up in time, with what it said', async () => {
    at.lab.throttle({ code: 429, times: 9, retryAfter: '9' })
    const began = performance.now()
    expect(await refusal(at.kubernetes.nodes(soon(300)))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('too many requests'),
    })
    expect(performance.now() - began).toBeLessThan(8_500)
  })

  test('for longer than anybody waits, or without saying for how long, is refused at once', async () => {
    for (const retryAfter of ['3600', undefined, 'soon']) {
      // A second request would be answered.
      at.lab.throttle({ code: 503, times: 1, retryAfter })
      expect(await refusal(nodes())).toMatchObject({ code: 'unreachable', status: 503 })
    }
  })

  test.each<{ text: string | undefined; date?: string; ms: number | undefined }>([
    { text: '7', ms: 7_000 },
    { text: '0', ms: 0 },
    { text: undefined, ms: undefined },
    { text: '-1', ms: undefined },
    { text: '1.5', ms: undefined },
    { text: 'Sun, 22 Nov 2026 03:00:30 GMT', date: 'Sun, 22 Nov 2026 03:00:00 GMT', ms: 30_000 },
    // Its clock is a year ahead of ours.
    { text: 'Mon, 22 Nov 2027 03:00:30 GMT', date: 'Mon, 22 Nov 2027 03:00:00 GMT', ms: 30_000 },
    { text: 'Sun, 22 Nov 2026 03:00:05 GMT', ms: 5_000 },
    { text: 'Sun, 22 Nov 2026 02:00:00 GMT', ms: 0 },
  ])('says so by $text', ({ text, date, ms }) => {
    const now = Date.parse('2026-11-22T03:00:00Z')
    expect(parseRetryAfter({ 'retry-after': text, date }, now)).toBe(ms)
  })

  test('because of a disruption budget is not waited for here: a drain has its own time', async () => {
    const cause = { causes: [{ reason: 'DisruptionBudget', message: 'no' }] }
    const error = new ApiRefusal(429, 'no', cause, 5_000)
    const sent = { method: 'POST', path: '/api/v1/namespaces/a/pods/b/eviction', signal: soon() }
    let times = 0
    const call = createRetries()(sent, () => {
      times += 1
      return Promise.reject(error)
    })
    expect([await refusal(call), times]).toEqual([error, 1])
  })
})

describe('a server that has an error of its own', () => {
  const sent = () => ({ method: 'GET', path: '/api/v1/nodes', signal: soon() })
  const failing = (status: number, retryAfter: number | undefined) => {
    let times = 0
    const send = async () => {
      times += 1
      if (times < 3) throw new ApiRefusal(status, 'etcd is slow', undefined, retryAfter)
      return times
    }
    return createRetries()(sent(), send).catch(() => `given up after ${times}`)
  }

  test.each([429, 500, 502, 503, 504])('with %i is asked again where it says when', async (status) => {
    expect(await failing(status, 0)).toBe(3)
    expect(await failing(status, undefined)).toBe('given up after 1')
  })

  test.each([400, 404, 409, 422])('is not meant by %i, whatever it says of times', async (status) => {
    expect(await failing(status, 0)).toBe('given up after 1')
  })
})

describe('a page of what stands in front of the API', () => {
  const page = '<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\n\u001b[2J<body>nginx</body>'
  const words = '<html> <head><title>503 Service Temporarily Unavailable</title></head> [2J<body>'
  const at = 'the Kubernetes API at lb.lan'

  test.each([
    [503, 'unreachable'],
    [502, 'unreachable'],
    [404, 'rejected'],
    [302, 'rejected'],
  ])('with %i is quoted in one line, and is %s', async (status, code) => {
    const answer = async () => readAnswer({ status, text: page }, 'GET /version', 'lb.lan')
    expect(await refusal(answer())).toMatchObject({
      code,
      message: `${at} refuses GET /version: HTTP ${status} ${words}`,
    })
  })

  test('with 200 is no answer', async () => {
    const answer = async () => readAnswer({ status: 200, text: page }, 'GET /version', 'lb.lan')
    expect(await refusal(answer())).toMatchObject({
      code: 'malformed',
      message: `${at} answers GET /version with something that is not JSON: ${words}`,
    })
  })
})

describe('a server that does not know us', () => {
  const sent = (path = '/api/v1/nodes') => ({ method: 'GET', path, signal: soon() })
  function unknowing(times: number, error = new ApiRefusal(401, 'Unauthorized', undefined)) {
    const asked: boolean[] = []
    const send = async (isRepeated: boolean) => {
      asked.push(isRepeated)
      if (asked.length <= times) throw error
      return 'yes'
    }
    return { asked, send }
  }

  test('only because it has just started is asked again, and no new credentials are fetched for that', async () => {
    const { asked, send } = unknowing(2)
    expect(await createRetries()(sent(), send)).toBe('yes')
    expect(asked).toEqual([false, true, true])
  })

  test('is believed when that has lasted, whatever is asked next, until it knows us again', async () => {
    const retrying = createRetries()
    const lasting = unknowing(4)
    expect(await refusal(retrying(sent(), lasting.send))).toMatchObject({ code: 'rejected', status: 401 })
    expect(lasting.asked).toHaveLength(3)
    expect(await refusal(retrying(sent('/version'), lasting.send))).toMatchObject({ status: 401 })
    expect(lasting.asked).toHaveLength(4)
    expect(await retrying(sent(), lasting.send)).toBe('yes')
    expect(await retrying(sent(), unknowing(1).send)).toBe('yes')
  })

  test('because our credentials have ended is believed at once', async () => {
    const { asked, send } = unknowing(9, new CredentialsEnded(401, 'Unauthorized: it ended', undefined))
    expect(await refusal(createRetries()(sent(), send))).toMatchObject({ message: 'Unauthorized: it ended' })
    expect(asked).toHaveLength(1)
  })
})

describe('a role that forbids', () => {
  /** Refuses so often, and answers then. */
  function forbidding(times: number, details?: unknown) {
    const state = { asked: 0 }
    const send = () => {
      state.asked += 1
      return state.asked <= times ? Promise.reject(new ApiRefusal(403, 'forbidden', details)) : Promise.resolve('yes')
    }
    return { state, send }
  }
  const one = (name: string, namespace = 'a') => ({
    method: 'GET',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}?x=1`,
    signal: soon(),
  })

  test('is believed when it has lasted, and then at once, until something of the kind is allowed', async () => {
    const retrying = createRetries()
    const lasting = forbidding(4)
    expect(await refusal(retrying(one('web'), lasting.send))).toMatchObject({ code: 'rejected' })
    expect(lasting.state.asked).toBe(3)
    expect(await refusal(retrying(one('api', 'b'), lasting.send))).toMatchObject({ code: 'rejected' })
    expect(lasting.state.asked).toBe(4)
    expect(await retrying(one('web'), lasting.send)).toBe('yes')
    const passing = forbidding(2)
    expect(await retrying(one('web'), passing.send)).toBe('yes')
    const other = forbidding(1)
    expect(await retrying({ ...one('web'), path: '/api/v1/nodes' }, other.send)).toBe('yes')
  })

  test('is not known to last when time runs out before it has', async () => {
    const { send } = forbidding(9)
    const error = await refusal(createRetries()({ ...one('web'), signal: soon(50) }, send))
    expect(error).toMatchObject({ code: 'unreachable', message: 'forbidden' })
  })

  test('because its namespace is on its way out is final', async () => {
    const { state, send } = forbidding(9, { causes: [{ reason: 'NamespaceTerminating' }] })
    expect(await refusal(createRetries()(one('web'), send))).toMatchObject({ code: 'rejected' })
    expect(state.asked).toBe(1)
  })
})

describe('a long list', () => {
  const addMany = (count: number) => {
    for (let index = 0; index < count; index++) at.lab.addPod({ name: `pod-${index}`, node: 'w-1' })
  }
  function counted() {
    const paths: string[] = []
    const send: Api['send'] = (request) => {
      paths.push(request.path)
      return at.api.send(request)
    }
    return { paths, api: { send } }
  }
  const path = '/api/v1/pods'

  test('is asked for in pages of 500, and comes whole', async () => {
    addMany(1_203)
    const { paths, api } = counted()
    const found = await listOf<{ metadata: { name: string } }>(api, `${path}?fieldSelector=spec.nodeName%3Dw-1`, soon())
    expect(new Set(found.map(({ metadata }) => metadata.name)).size).toBe(1_203)
    expect(paths).toHaveLength(3)
    expect(paths[1]).toMatch(/\?fieldSelector=spec.nodeName%3Dw-1&limit=500&continue=.+/)
  })

  test('whose end is forgotten meanwhile begins anew, and says so when that goes on', async () => {
    addMany(1_203)
    at.lab.expireContinue(2)
    const { paths, api } = counted()
    expect(await listOf(api, path, soon())).toHaveLength(1_203)
    expect(paths).toHaveLength(7)
    at.lab.expireContinue(99)
    expect(await refusal(listOf(api, path, soon()))).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('too old to display a consistent list'),
    })
  })

  test('may be null, as Go writes one that was never made', async () => {
    const send = (async () => ({ kind: 'PodList', items: null, metadata: null })) as Api['send']
    expect(await listOf({ send }, path, soon())).toEqual([])
    const without = (async () => ({
      kind: 'PodList',
      metadata: { continue: '', remainingItemCount: 3 },
    })) as Api['send']
    expect(await listOf({ send: without }, path, soon())).toEqual([])
  })

  test.each([{}, { status: 'ok' }, [], { kind: 'Status', status: 'Success' }, { kind: 'Pod' }, { items: 'none' }])(
    'is not what something else answers in the place of the API: %j',
    async (answer) => {
      const send = (async () => answer) as Api['send']
      expect(await refusal(listOf({ send }, path, soon()))).toMatchObject({
        code: 'malformed',
        message: 'the Kubernetes API answers GET /api/v1/pods with something that is not a list',
      })
    },
  )

  test('that has no end is no list', async () => {
    const send = (async () => ({ items: [{}], metadata: { continue: 'again' } })) as Api['send']
    expect(await refusal(listOf({ send }, path, soon()))).toMatchObject({ code: 'malformed' })
  })
})

describe('a write to what somebody else writes all the time', () => {
  test('gets through when there is a pause', async () => {
    at.lab.addDeployment({ name: 'web', replicas: 2, labels: { app: 'web' } })
    at.lab.keepBusy('deployments', 'web', 8)
    await at.kubernetes.scale({ kind: 'Deployment', namespace: 'default', name: 'web' }, 0, soon())
    expect(at.lab.workload('Deployment', 'web')?.spec).toMatchObject({ replicas: 0 })
    at.lab.keepBusy('nodes', 'w-1', 8)
    await at.kubernetes.cordon('w-1', { why: 'upgrade', at: 'now' }, undefined, soon())
    expect(at.lab.node('w-1')?.spec.unschedulable).toBe(true)
  })

  test('ends with the caller’s time, and says why', async () => {
    at.lab.keepBusy('nodes', 'w-1', 9_999)
    const error = await refusal(at.kubernetes.pause('w-1', 'x', soon(2_000)))
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('has been modified') })
  })
})
