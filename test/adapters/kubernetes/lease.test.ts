import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Api } from '../../../src/adapters/kubernetes/api.ts'
import { createKubernetes } from '../../../src/adapters/kubernetes/kubernetes.ts'
import type { LeaseClaim } from '../../../src/core/cluster/ports.ts'
import { startKubernetesLab, type KubernetesLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { patience, soon } from '../../patience.ts'

const path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
let at: KubernetesLab
beforeEach(async () => {
  at = await startKubernetesLab('127.0.44.123')
})
afterEach(() => at[Symbol.asyncDispose]())

const claim = (holder: string, more: Partial<LeaseClaim> = {}): LeaseClaim => {
  return { holder, purpose: 'upgrade', lasts: 60_000, ...more }
}
interface Lease {
  readonly metadata: { readonly annotations?: Record<string, string> }
  readonly spec: Record<string, unknown>
}
const read = () => at.api.send<Lease>({ method: 'GET', path: `${path}/caretaker`, signal: soon() })
const write = async (spec: object) => {
  const { metadata } = await at.api.send<{ metadata: { resourceVersion: string } }>({
    method: 'GET',
    path: `${path}/caretaker`,
    signal: soon(),
  })
  const { resourceVersion } = metadata
  await at.api.send({
    method: 'PATCH',
    path: `${path}/caretaker`,
    body: { metadata: { resourceVersion }, spec },
    signal: soon(),
  })
}

test('the lease is an object that anybody can read: who, for how long, since when and what for', async () => {
  await at.kubernetes.takeLease(claim('caretaker at nas', { lasts: 45_100 }), soon())
  const { metadata, spec } = await read()
  expect(metadata.annotations).toEqual({ 'caretaker.homelab/purpose': 'upgrade' })
  expect(spec).toMatchObject({ holderIdentity: 'caretaker at nas', leaseDurationSeconds: 46, leaseTransitions: 0 })
  expect(spec['renewTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  expect(spec['acquireTime']).toBe(spec['renewTime'])
})

test('renewing moves the time on, and a new purpose is told; a new holder is counted', async () => {
  await at.kubernetes.takeLease(claim('in-process'), soon())
  const { spec: before } = await read()
  await vi.waitUntil(() => Date.now() > Date.parse(String(before['renewTime'])), patience)
  await at.kubernetes.takeLease(claim('in-process', { purpose: 'shutdown' }), soon())
  const { metadata, spec } = await read()
  expect(Date.parse(String(spec['renewTime']))).toBeGreaterThan(Date.parse(String(before['renewTime'])))
  expect(spec).toMatchObject({ acquireTime: before['acquireTime'], leaseTransitions: 0 })
  expect(metadata.annotations).toEqual({ 'caretaker.homelab/purpose': 'shutdown' })
  await at.kubernetes.releaseLease('in-process', soon())
  expect((await read()).spec).not.toHaveProperty('holderIdentity')
  await at.kubernetes.takeLease(claim('there'), soon())
  expect((await read()).spec).toMatchObject({ holderIdentity: 'there', leaseTransitions: 1 })
})

test('a holder whose clock is months behind keeps its lease for as long as it renews it', async () => {
  const old = (renewed: number) => `2026-01-01T00:00:00.${String(renewed).padStart(6, '0')}Z`
  await at.kubernetes.takeLease(claim('there', { lasts: 1_000 }), soon())
  const here = createKubernetes(at.api)
  const began = performance.now()
  for (let renewed = 0; performance.now() - began < 1_500; renewed++) {
    await write({ renewTime: old(renewed) })
    expect(await here.takeLease(claim('in-process'), soon())).toMatchObject({ held: false, by: 'there' })
  }
})

test('a holder whose clock is far ahead loses its lease when it renews it no more', async () => {
  await at.kubernetes.takeLease(claim('there', { lasts: 1_000 }), soon())
  await write({ renewTime: '2099-01-01T00:00:00.000000Z' })
  const here = createKubernetes(at.api)
  const ask = () => here.takeLease(claim('in-process'), soon())
  expect(await ask()).toMatchObject({ held: false, endsIn: expect.any(Number) })
  await expect.poll(ask).toEqual({ held: true })
})

test('another tool’s lease without our annotation is honoured too', async () => {
  const spec = { holderIdentity: 'somebody', leaseDurationSeconds: 30, renewTime: '2026-11-22T10:00:00.000000Z' }
  const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'caretaker' }, spec }
  await at.api.send({ method: 'POST', path, body, signal: soon() })
  expect(await at.kubernetes.takeLease(claim('in-process'), soon())).toMatchObject({
    held: false,
    by: 'somebody',
    purpose: 'no purpose given',
  })
})

/** The API, with another agent that is quicker than so many of our writes. */
function racing(times: number, method: 'POST' | 'PATCH', rival: () => Promise<unknown>): Api {
  let left = times
  return {
    ...at.api,
    send: async (request) => {
      if (request.method === method && left-- > 0) await rival()
      return at.api.send(request)
    },
  }
}

test('of two agents that make it at the same moment, one has it', async () => {
  const rival = createKubernetes(at.api)
  const here = createKubernetes(racing(1, 'POST', () => rival.takeLease(claim('there'), soon())))
  expect(await here.takeLease(claim('in-process'), soon())).toMatchObject({ held: false, by: 'there' })
})

test('of two agents that take a free one at the same moment, one has it', async () => {
  await at.kubernetes.takeLease(claim('before'), soon())
  await at.kubernetes.releaseLease('before', soon())
  const rival = createKubernetes(at.api)
  const here = createKubernetes(racing(1, 'PATCH', () => rival.takeLease(claim('there'), soon())))
  expect(await here.takeLease(claim('in-process'), soon())).toMatchObject({ held: false, by: 'there' })
  expect((await read()).spec).toMatchObject({ holderIdentity: 'there' })
})

test('one that is being renewed while it is taken over is taken over all the same', async () => {
  const owner = createKubernetes(at.api)
  await owner.takeLease(claim('there'), soon())
  const here = createKubernetes(racing(2, 'PATCH', () => owner.takeLease(claim('there'), soon())))
  expect(await here.takeLease(claim('in-process', { purpose: 'shutdown', over: true }), soon())).toEqual({ held: true })
})

test('one that always changes under our hands is given up, to be tried later', async () => {
  const owner = createKubernetes(at.api)
  await owner.takeLease(claim('there'), soon())
  let minute = 10
  const restless = () => write({ renewTime: `2026-01-01T00:${minute++}:00.000000Z` })
  const here = createKubernetes(racing(99, 'PATCH', restless))
  expect((await refusal(here.takeLease(claim('in-process', { over: true }), soon()))).retryable).toBe(true)
})
