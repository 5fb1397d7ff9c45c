import { describe, expect, test } from 'vitest'
import { compileCheck, createChecks, type Objects } from '../../../src/adapters/checks/checks.ts'
import type { ObjectReference } from '../../../src/core/cluster/check.ts'
import { AgentError } from '../../../src/core/errors.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const reference: ObjectReference = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'default', name: 'web' }
const deployment = (name: string, ready: number | undefined, replicas = 3) => ({
  metadata: { name, namespace: 'default', labels: { 'app.kubernetes.io/name': name } },
  spec: { replicas, ratio: 0.5 },
  status: {
    ...(ready === undefined ? {} : { readyReplicas: ready }),
    conditions: [{ type: 'Available', status: 'True' }],
  },
})

const run = (
  cel: string,
  found: readonly unknown[] | Objects['find'] = [deployment('web', 3)],
  { asked = reference, timeout = 5_000, signal = soon() } = {},
) =>
  createChecks({ objects: { find: typeof found === 'function' ? found : async () => found }, timeout }).run(
    { name: 'shop', object: { ...asked, cel } },
    signal,
  )

describe('an expression about an object', () => {
  test.each([
    'object.status.readyReplicas == object.spec.replicas',
    'self.status.readyReplicas == self.spec.replicas',
    // Whole numbers of JSON are integers of CEL, and the others are not.
    'object.spec.replicas - 1 >= 2 && object.spec.replicas * 2 == 6',
    'object.spec.ratio + 0.5 == 1.0 && object.spec.replicas > 2.5',
    'object.status.conditions.exists(c, c.type == "Available" && c.status == "True")',
    'object.metadata.labels["app.kubernetes.io/name"] == "web"',
    '!has(object.status.unavailableReplicas) || object.status.unavailableReplicas == 0',
    'object.status.?unavailableReplicas.orValue(0) == 0',
    'object.metadata.name.matches("^w[a-z]+$")',
  ])('passes when it is true: %s', async (cel) => {
    expect(await run(cel)).toBeUndefined()
  })

  test.each([
    ['object.status.readyReplicas > 3', 'is false'],
    ['object.status.missing == 1', 'fails: No such key: missing'],
    ['object.spec.replicas / 0 == 1', 'fails: division by zero'],
    ['object.spec.replicas', 'evaluates to 3, not to true'],
    ['object.metadata.name', 'evaluates to web, not to true'],
    ['object.constructor == 1', 'fails: No such key: constructor'],
  ])('does not pass otherwise: %s', async (cel, why) => {
    expect(await run(cel)).toBe(`shop: Deployment default/web: \`${cel}\` ${why}`)
  })

  test('must be true of every object, and names the first of which it is not', async () => {
    const asked = { apiVersion: 'apps/v1', kind: 'Deployment', selector: 'app=shop' }
    const cel = 'object.status.readyReplicas == object.spec.replicas'
    const found = [deployment('a', 3), deployment('b', 1), deployment('c', undefined)]
    expect(await run(cel, found, { asked })).toBe(`shop: Deployment default/b: \`${cel}\` is false (and 1 more)`)
    expect(await run(cel, found.slice(0, 1), { asked })).toBeUndefined()
  })

  test('is asked of what the reference names', async () => {
    const asked: unknown[] = []
    await run('true', async (reference) => {
      asked.push(reference)
      return [{}]
    })
    expect(asked).toEqual([reference])
  })

  test('does not pass of nothing', async () => {
    expect(await run('true', [])).toBe('shop: there is no Deployment web in default')
    const asked = { apiVersion: 'v1', kind: 'Pod', selector: 'app=shop' }
    expect(await run('true', [], { asked })).toBe('shop: there is no Pod with app=shop')
  })

  test('names what says no name of its own as it was asked for', async () => {
    expect(await run('object == 1', [null])).toBe('shop: Deployment default/web: `object == 1` is false')
  })

  test('does not pass while the cluster is away, in the cluster’s words', async () => {
    const away = async () => {
      throw new AgentError('unreachable', 'the Kubernetes API at 10.0.0.1:6443: connection refused')
    }
    expect(await run('true', away)).toBe('shop: the Kubernetes API at 10.0.0.1:6443: connection refused')
  })

  test('of a kind that can’t be asked for is thrown', async () => {
    const unknown = async () => {
      throw new AgentError('misconfigured', 'there is no kind Deploymnt in apps/v1')
    }
    expect(await refusal(run('true', unknown))).toMatchObject({
      code: 'misconfigured',
      message: 'check shop: there is no kind Deploymnt in apps/v1',
    })
  })

  test('ends when it is called off, whatever the cluster does', async () => {
    const over = new AbortController()
    const hanging = () => {
      over.abort()
      return new Promise<never>(() => undefined)
    }
    const late = 'shop: the cluster did not answer in time'
    expect(await run('true', hanging, { signal: over.signal })).toBe(late)
    expect(await run('true', () => new Promise(() => undefined), { timeout: 20 })).toBe(late)
  })

  test('that would take for ever is interrupted', async () => {
    const cel = 'object.text.matches("^(a+)+$")'
    expect(await run(cel, [{ text: `${'a'.repeat(60)}!` }])).toBe(
      `shop: Deployment default/web: \`${cel}\` takes longer than 1000 ms`,
    )
  })
})

describe('the text of a check', () => {
  const compile = (cel: string) => compileCheck({ name: 'shop', object: { ...reference, cel } })

  test('that is right is not complained about', async () => {
    expect(await compile('object.spec.replicas == 3')).toBeUndefined()
    expect(await compileCheck({ name: 'web', http: { url: 'https://web/healthz', status: 200 } })).toBeUndefined()
    expect(await compileCheck({ name: 'up', prometheus: { url: 'http://prom:9090', query: 'up' } })).toBeUndefined()
  })

  test.each([
    ['object.spec.', 'Expected IDENTIFIER, got EOF (column 13)'],
    ['deployment.spec == 1', 'Unknown variable: deployment (column 1)'],
    ['true && "a" == 1', 'no such overload: string == int (column 9)'],
    ['size(object) + 1', 'it evaluates to int, not to true or false'],
    ['', 'Unexpected token: EOF (column 1)'],
    ['object.a == 1 &&\n  oject.b == 2', 'Unknown variable: oject (line 2, column 3)'],
  ])('that is wrong is said with its place: %j', async (cel, why) => {
    expect(await compile(cel)).toBe(`its CEL expression is wrong: ${why}`)
  })

  test('is checked before the cluster is asked', async () => {
    const find = () => Promise.reject(new Error('asked'))
    expect(await refusal(run('object.', find))).toMatchObject({ code: 'misconfigured' })
  })

  test('is wrong where an address is', async () => {
    expect(await compileCheck({ name: 'web', http: { url: 'web', status: 200 } })).toBe(
      'web is not an address that begins with http:// or https://',
    )
    expect(await compileCheck({ name: 'up', prometheus: { url: 'http://prom:9090', query: '' } })).toBe(
      'the query is empty',
    )
  })
})
