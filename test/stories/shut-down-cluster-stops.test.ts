import { describe, expect, test } from 'vitest'
import { machineOf } from '../core/power/shutdowns.ts'
import { powerOf } from '../core/power/states.ts'
import { cp1, low, mains, minute, off, outage, s1, shutsDown, w1, w2 } from '../operations/downs.ts'

// What ends a shutdown before its end, or a look of it; and what is said of its end.

test('an agent that is told to end begins no further phase', async () => {
  const seen: string[] = []
  const during = Object.fromEntries(
    ['cordon', 'drain', 'shut-down-workers', 'await-workers', 'shut-down-control-planes', 'log-out'].map((id) => [
      id,
      ({ stop }: { stop(): void }) => {
        seen.push(id)
        if (id === 'shut-down-workers') stop()
      },
    ]),
  )
  await expect(shutsDown({ during })).rejects.toThrow('the agent stops')
  expect(seen).toEqual(['cordon', 'drain', 'shut-down-workers'])
})

test('a look at what can be scaled down is over before the next one begins', async () => {
  const looks: string[] = []
  const scalable = async (_: unknown, signal: AbortSignal) => {
    looks.push('begins')
    if (looks.length > 1) return []
    const { promise, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    return promise.finally(() => looks.push('ends'))
  }
  const ran = await shutsDown({
    policy: { shed: [{ namespace: 'apps' }] },
    kubernetes: { scalable },
    machines: [cp1, w1, s1],
    power: powerOf({ rack: low(), shelf: mains }),
    during: { cordon: ({ reads }) => reads('shelf', low()) },
  })
  expect(ran.outage!.stage).toBe('stopped')
  expect(looks).toEqual(['begins', 'ends', 'begins'])
})

describe('the end', () => {
  test('of what was over before is not told again', async () => {
    expect((await shutsDown({ open: off() })).events).toEqual([])
  })

  test('of our own machine, where that can’t be shut down, ends the run all the same', async () => {
    const own = machineOf('w-2', 'own-machine', minute, { feed: w2.feed })
    const ran = await shutsDown({ machines: [w1, own], fails: ['shut down w-2'] })
    expect(ran.outcome).toMatchObject({ kind: 'later' })
    expect(ran.states).toEqual({ 'w-1': 'off', 'w-2': 'unreached' })
  })

  test.each([{ state: 'unreached' }, { state: 'abandoned' }] as const)(
    'names nobody who was off before: $state',
    async ({ state }) => {
      const open = outage({ 'cp-1': 'drained', 'w-1': { wasUp: false, state } }, { stage: 'stopping' })
      expect((await shutsDown({ open, fails: ['shut down w-1', 'wait until w-1 is down'] })).lines).toEqual([])
    },
  )

  test('keeps us logged in where one may be booting that could not be reached, and nobody knows since when', async () => {
    const open = outage({ 'cp-1': 'off', 'w-1': 'unreached' }, { stage: 'stopped' })
    expect((await shutsDown({ open })).outage!.loggedOut).toBeUndefined()
  })
})
