import { createServer } from 'node:https'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ApiRefusal, createApi } from '../../../src/adapters/kubernetes/api.ts'
import { parseKubeconfig } from '../../../src/adapters/kubernetes/kubeconfig.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import type { CordonMark } from '../../../src/core/cluster/cluster.ts'
import type { Kubernetes } from '../../../src/core/cluster/ports.ts'
import { createAuthority } from '../../lab/authority.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const upgrade: CordonMark = { why: 'upgrade', at: '2026-11-22T03:00:00Z', release: 'v1.14.0', bootId: 'b-1' }
const power: CordonMark = { why: 'power', at: '2026-11-22T04:00:00Z' }
const first = { release: 'v1.14.0', count: 1 }

let at: KubernetesLab
let kubernetes: Kubernetes
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.106')
  kubernetes = at.kubernetes
})
afterEach(() => at[Symbol.asyncDispose]())

const factsOf = async (node: string) => (await kubernetes.nodes(soon())).get(node)
const where = 'the Kubernetes API at 127.0.44.106:26443'

describe('an API that can’t answer', () => {
  test('because nothing listens is unreachable, and by its address', async () => {
    await at.lab[Symbol.asyncDispose]()
    for (const call of [kubernetes.version(soon()), kubernetes.nodes(soon())])
      expect(await refusal(call)).toMatchObject({ code: 'unreachable', message: `${where}: connection refused` })
  })

  test('because etcd has no quorum says so, and later does what it was asked', async () => {
    at.lab.setAvailability('no-quorum')
    const error = await refusal(kubernetes.cordon('w-1', power, undefined, soon()))
    expect(error.retryable).toBe(true)
    expect(error.message).toBe(`${where} refuses GET /api/v1/nodes/w-1: etcdserver: request timed out`)
    at.lab.setAvailability('serving')
    await kubernetes.cordon('w-1', power, undefined, soon())
    expect(await factsOf('w-1')).toMatchObject({ cordon: power })
  })

  test('before the signal ends is left with the signal', async () => {
    await at[Symbol.asyncDispose]()
    at = await startKubernetesLab('127.0.44.106', { pace: { etcdTimeout: 60_000 } })
    at.lab.setAvailability('no-quorum')
    const began = performance.now()
    expect(await refusal(at.kubernetes.nodes(soon(60)))).toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^the Kubernetes API at .* did not answer within (?:\d+ ms|\d+ s)$/),
    })
    // Etcd would take longer to refuse it.
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test('because it restarts answers the next call over a new connection', async () => {
    await kubernetes.version(soon())
    at.lab.setAvailability('down')
    at.lab.setAvailability('serving')
    await expect.poll(() => kubernetes.version(soon()).catch(() => '')).toBe('v1.36.3')
  })

  test('because we may only read says what we may not', async () => {
    await at[Symbol.asyncDispose]()
    at = await startKubernetesLab('127.0.44.106', { denyWrites: ['readers'] })
    using api = createApi(parseKubeconfig(await at.lab.kubeconfig({ user: 'watcher', groups: ['readers'] }), 'k'))
    const error = await refusal(createKubernetes(api).cordon('w-1', upgrade, first, soon()))
    expect(error.code).toBe('rejected')
    expect(error.message).toContain(
      'refuses PATCH /api/v1/nodes/w-1: nodes "w-1" is forbidden: User "watcher" cannot patch',
    )
  })
})

describe('what stands in front of the API', () => {
  test('and knows no nodes is not taken to say that a node is gone', async () => {
    const error = new ApiRefusal(404, 'refuses GET /api/v1/nodes/w-1: HTTP 404 page not found', undefined)
    const lost = createKubernetes({ ...at.api, send: () => Promise.reject(error) })
    expect(await refusal(lost.uncordon('w-1', 'power', { forgetAttempts: false }, soon()))).toBe(error)
  })

  test.each([
    {
      status: 503,
      body: '<html>no backend</html>',
      code: 'unreachable',
      words: 'refuses GET /version: HTTP 503 <html>no backend</html>',
    },
    { status: 401, body: 'go away', code: 'rejected', words: 'refuses GET /version: HTTP 401 go away' },
    { status: 500, body: 'null', code: 'unreachable', words: 'refuses GET /version: HTTP 500 null' },
    {
      status: 200,
      body: '<html>sign in</html>',
      code: 'malformed',
      words: 'answers GET /version with something that is not JSON: <html>sign in',
    },
    {
      status: 200,
      body: 'null',
      code: 'malformed',
      words: 'answers GET /version with something that is not JSON: null',
    },
    { status: 200, body: '{}', code: 'malformed', words: 'does not report its version' },
  ])('and answers $status with $body is told from the API', async ({ status, body, code, words }) => {
    const authority = await createAuthority('kubernetes')
    const identity = await authority.issueServer({ common: 'proxy', ips: ['127.0.44.107'] })
    const server = createServer(identity, (_, response) => response.writeHead(status).end(body))
    await new Promise<void>((resolve) => server.listen(26_444, '127.0.44.107', resolve))
    const access = { ca: authority.ca, cert: undefined, key: undefined, token: 'x' }
    const api = createApi({ server: new URL('https://127.0.44.107:26444'), ...access })
    const error = await refusal(createKubernetes(api).version(soon()))
    api[Symbol.dispose]()
    await new Promise<void>((resolve) => server.close(() => resolve()))
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
  })
})
