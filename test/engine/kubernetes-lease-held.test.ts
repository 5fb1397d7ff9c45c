import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LeaseAnswer, LeaseClaim } from '../../src/core/cluster/ports.ts'
import { AgentError } from '../../src/core/errors.ts'
import { type Purpose, purposes } from '../../src/core/lease.ts'
import { createKubernetesLease } from '../../src/engine/kubernetes-lease.ts'
import { fakeLimits, hangsUntil, inTime, keptLog } from './orders.ts'
import { hangs } from './power-steps.ts'

const theirs: LeaseAnswer = { held: false, by: 'the other agent', purpose: 'upgrade', endsIn: 30_000 }
const away = new AgentError('unreachable', 'the API is away')
const never = new AbortController().signal
const waiting = ['upgrade', 'rehearsal'] as const
const ofThePower = ['recovery', 'shutdown'] as const

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

/** What was asked of Kubernetes, which answers as `it` says. */
function lab() {
  const { log, lines } = keptLog()
  const it = {
    answer: { held: true } as LeaseAnswer | Error | 'hangs',
    claims: [] as LeaseClaim[],
    released: [] as string[],
    release: (async () => {}) as (signal: AbortSignal) => Promise<void>,
  }
  const kubernetes = {
    takeLease: async (claim: LeaseClaim, signal: AbortSignal) => {
      it.claims.push(claim)
      if (it.answer === 'hangs') return hangs(signal)
      if (it.answer instanceof Error) throw it.answer
      return it.answer
    },
    releaseLease: async (holder: string, signal: AbortSignal) => {
      it.released.push(holder)
      await it.release(signal)
    },
  }
  const lease = createKubernetesLease(kubernetes, 'us', log, { monotonic: () => 0, wall: () => 0 })
  const held = async (purpose: Purpose = 'upgrade') => {
    const hold = await lease.take(purpose, never)
    if ('why' in hold) throw new Error(hold.why)
    return hold
  }
  return Object.assign(it, { lines, take: lease.take, confirm: lease.confirm, held })
}

describe('the Lease is asked for', () => {
  test('by all: who waits for others, and what the power asks for', () => {
    expect([...waiting, ...ofThePower].toSorted()).toEqual(purposes.toSorted())
  })

  test.each(waiting)('by what waits for others, who keep it (%s)', async (purpose) => {
    const it = lab()
    await it.held(purpose)
    expect(it.claims).toEqual([{ holder: 'us', purpose, lasts: 60_000 }])
    it.answer = theirs
    expect(await it.take(purpose, never)).toEqual({ why: 'the other agent holds the Lease (upgrade)', held: true })
    it.answer = away
    expect(await it.take(purpose, never)).toEqual({
      why: "the cluster's Lease can't be taken: the API is away",
      held: false,
    })
  })

  test.each(waiting)('and not renewed where it was not got (%s)', async (purpose) => {
    const it = lab()
    for (const answer of [theirs, away]) {
      it.answer = answer
      await it.take(purpose, never)
    }
    vi.advanceTimersByTime(3_600_000)
    expect(it.claims).toHaveLength(2)
  })

  test.each(ofThePower)('by the power, which takes it over and does not wait (%s)', async (purpose) => {
    const it = lab()
    it.answer = 'hangs'
    expect((await it.held(purpose)).lost.aborted).toBe(false)
    expect(it.claims).toEqual([{ holder: 'us', purpose, lasts: 60_000, over: true }])
  })

  test('by the power, which does not fail without it', async () => {
    const it = lab()
    it.answer = away
    const { lost } = await it.held('shutdown')
    await expect.poll(() => it.lines).toEqual(['debug: Lease not taken'])
    expect(lost.aborted).toBe(false)
  })

  test('no longer once the run is called off', async () => {
    const it = lab()
    it.answer = 'hangs'
    const stop = new AbortController()
    const taking = it.take('upgrade', stop.signal)
    const reason = new Error('taken over by shutdown')
    stop.abort(reason)
    await expect(taking).rejects.toBe(reason)
  })
})

describe('a Lease that is held', () => {
  test.each(purposes)('is renewed three times before it ends, and until it is given back (%s)', async (purpose) => {
    const it = lab()
    const hold = await it.held(purpose)
    const [{ lasts }] = it.claims as [LeaseClaim]
    const renewals = () => it.claims.length - 1
    vi.advanceTimersByTime(lasts / 3 - 1)
    expect(renewals()).toBe(0)
    vi.advanceTimersByTime(1)
    expect(renewals()).toBe(1)
    vi.advanceTimersByTime((lasts / 3) * 2)
    expect(renewals()).toBe(3)
    expect(new Set(it.claims.map((claim) => JSON.stringify(claim))).size).toBe(1)
    await hold.release({ keep: false })
    vi.advanceTimersByTime(10 * lasts)
    expect(renewals()).toBe(3)
  })

  test.each<{ name: string; answer: LeaseAnswer | Error; isLost: boolean; lines: string[] }>([
    { name: 'where another agent has it by then', answer: theirs, isLost: true, lines: [] },
    // While the API is down no one else can take it either.
    { name: 'not where nobody can tell', answer: away, isLost: false, lines: ['debug: Lease not renewed'] },
  ])('is lost $name', async ({ answer, isLost, lines }) => {
    const it = lab()
    const { lost } = await it.held()
    it.answer = answer
    vi.advanceTimersByTime(20_000)
    await expect.poll(() => [lost.aborted, it.lines]).toEqual([isLost, lines])
  })

  test('that was lost is not taken back by an order', async () => {
    const it = lab()
    await it.held()
    it.answer = theirs
    await expect(it.confirm()).rejects.toThrow('the other agent has taken over the Lease')
    const before = it.claims.length
    it.answer = { held: true }
    await expect(it.confirm()).rejects.toThrow('the other agent has taken over the Lease')
    expect(it.claims).toHaveLength(before)
  })

  test('keeps no process alive', () => {
    vi.useRealTimers()
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const before = timers()
    void lab().take('shutdown', never)
    expect(timers()).toBe(before)
  })
})

describe('a Lease that is given back', () => {
  test.each([
    { keep: false, released: ['us'] },
    { keep: true, released: [] },
  ])('is free, unless the next run follows at once (keep: $keep)', async ({ keep, released }) => {
    const it = lab()
    await (await it.held()).release({ keep })
    expect(it.released).toEqual(released)
  })

  test('by an upgrade that a shutdown has taken over stays with the shutdown', async () => {
    const it = lab()
    const upgrade = await it.held('upgrade')
    const shutdown = await it.held('shutdown')
    await upgrade.release({ keep: false })
    expect(it.released).toEqual([])
    await shutdown.release({ keep: false })
    expect(it.released).toEqual(['us'])
  })

  test('keeps nobody waiting for more than 2 s, and expires where it can not be', async () => {
    using limits = fakeLimits()
    const mayHang = hangsUntil(limits, 2_000)
    const it = lab()
    const hold = await it.held()
    it.release = mayHang.call
    await expect(hold.release({ keep: false })).resolves.toBeUndefined()
    expect(mayHang.seen).toEqual(inTime)
    expect(it.lines).toEqual(['debug: Lease not released'])
  })
})

describe('an order of a run that can not ask', () => {
  test.each([
    { age: 59_999, isGiven: true },
    // From then on another agent may have it.
    { age: 60_000, isGiven: false },
  ])('is given $age ms after the last renewal: $isGiven', async ({ age, isGiven }) => {
    const { log, lines } = keptLog()
    let answers = true
    let time = 0
    const kubernetes = {
      takeLease: async () => {
        if (!answers) throw away
        return { held: true } as const
      },
      releaseLease: async () => {},
    }
    const lease = createKubernetesLease(kubernetes, 'us', log, { monotonic: () => time, wall: () => 0 })
    await lease.take('upgrade', never)
    answers = false
    time = age
    const given = await lease.confirm().then(
      () => true,
      () => false,
    )
    expect([given, lines]).toEqual([isGiven, isGiven ? ['debug: Lease not renewed'] : []])
  })
})
