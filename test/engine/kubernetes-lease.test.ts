import { describe, expect, test } from 'vitest'
import type { LeaseAnswer } from '../../src/core/cluster/ports.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Purpose } from '../../src/core/lease.ts'
import { createKubernetesLease } from '../../src/engine/kubernetes-lease.ts'
import { silentLog } from '../fakes/log.ts'

const minute = 60_000
const taken: LeaseAnswer = { held: false, by: 'the other agent', purpose: 'upgrade', endsIn: 30_000 }

/** A run that holds the Lease; `answer` is what Kubernetes says to the next claim. */
async function held(purpose: Purpose = 'upgrade') {
  const clock = { monotonic: 0, wall: Date.parse('2026-11-26T10:00:00Z') }
  const it = { answer: { held: true } as LeaseAnswer | Error, claims: 0 }
  const kubernetes = {
    takeLease: async () => {
      it.claims += 1
      if (it.answer instanceof Error) throw it.answer
      return it.answer
    },
    releaseLease: async () => {},
  }
  const clocks = { monotonic: () => clock.monotonic, wall: () => clock.wall }
  const lease = createKubernetesLease(kubernetes, 'us', silentLog, clocks)
  const hold = await lease.take(purpose, new AbortController().signal)
  if ('why' in hold) throw new Error(hold.why)
  return Object.assign(it, { lease, hold, clock })
}

const away = new AgentError('unreachable', 'the API is away')

describe('an order of an agent that was frozen', () => {
  test('is not given where another agent has taken the Lease, and the run knows that it lost it', async () => {
    const it = await held()
    it.answer = taken
    await expect(it.lease.confirm()).rejects.toThrow('the other agent has taken over the Lease')
    expect(it.hold.lost.aborted).toBe(true)
    it.answer = { held: true }
    await expect(it.lease.confirm()).rejects.toThrow('the other agent has taken over the Lease')
  })

  test('is given where the Lease has expired and nobody has taken it', async () => {
    const it = await held()
    it.clock.monotonic += 60 * minute
    it.clock.wall += 60 * minute
    await it.lease.confirm()
    expect(it.hold.lost.aborted).toBe(false)
  })

  test.each([
    { how: 'that was stopped, where both clocks went on', monotonic: 2 * minute, wall: 2 * minute, isGiven: false },
    { how: 'whose machine slept, where one clock slept too', monotonic: 0, wall: 8 * 60 * minute, isGiven: false },
    { how: 'whose clock was set back meanwhile', monotonic: 2 * minute, wall: -minute, isGiven: false },
    { how: 'that was not frozen for as long as the Lease lasts', monotonic: 50_000, wall: 50_000, isGiven: true },
  ])('$how, and that can not ask, is given only while nobody can have it', async ({ monotonic, wall, isGiven }) => {
    const it = await held()
    it.answer = away
    it.clock.monotonic += monotonic
    it.clock.wall += wall
    const order = it.lease.confirm().then(
      () => 'given',
      (error: AgentError) => error.code,
    )
    expect(await order).toBe(isGiven ? 'given' : 'not-now')
    // What nobody has taken is not given up.
    expect(it.hold.lost.aborted).toBe(false)
  })

  test('counts from the last renewal', async () => {
    const it = await held()
    it.clock.monotonic += 50_000
    await it.lease.confirm()
    it.clock.monotonic += 50_000
    it.answer = away
    await expect(it.lease.confirm()).resolves.toBeUndefined()
  })

  test.each(['shutdown', 'recovery'] as const)('of the power waits for no Lease (%s)', async (purpose) => {
    const it = await held(purpose)
    const before = it.claims
    it.answer = away
    it.clock.wall += 60 * minute
    await it.lease.confirm()
    expect(it.claims).toBe(before)
  })

  test('asks nobody where no run holds it any more', async () => {
    const it = await held()
    await it.hold.release({ keep: false })
    const before = it.claims
    await it.lease.confirm()
    expect(it.claims).toBe(before)
  })
})
