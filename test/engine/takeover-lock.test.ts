import { expect, test } from 'vitest'
import { createTakeoverLock } from '../../src/engine/takeover-lock.ts'

test('one at a time holds the cluster, and the next one gets it afterwards', async () => {
  const lease = createTakeoverLock(1_000)
  const first = await lease.acquire('upgrade')
  expect(lease.holder).toBe('upgrade')
  expect(await lease.acquire('upgrade')).toBeUndefined()
  expect(await lease.acquire('recovery')).toBeUndefined()
  first![Symbol.dispose]()
  expect(lease.holder).toBeUndefined()
  expect(await lease.acquire('recovery')).toBeDefined()
  expect(lease.holder).toBe('recovery')
})

test('a shutdown takes an upgrade over as soon as it lets go, and tells it why', async () => {
  const lease = createTakeoverLock(60_000)
  const upgrade = (await lease.acquire('upgrade'))!
  upgrade.signal.addEventListener('abort', () => upgrade[Symbol.dispose]())
  const shutdown = (await lease.acquire('shutdown'))!
  expect(upgrade.signal.reason).toEqual(new Error('taken over by shutdown'))
  expect(lease.holder).toBe('shutdown')
  expect(shutdown.signal.aborted).toBe(false)
})

test('a shutdown waits for an upgrade that hangs no longer than it has to, and keeps the cluster when that ends', async () => {
  const lease = createTakeoverLock(30)
  const upgrade = (await lease.acquire('upgrade'))!
  const before = performance.now()
  const shutdown = (await lease.acquire('shutdown'))!
  expect(performance.now() - before).toBeGreaterThan(20)
  upgrade[Symbol.dispose]()
  upgrade[Symbol.dispose]()
  expect(lease.holder).toBe('shutdown')
  shutdown[Symbol.dispose]()
  expect(lease.holder).toBeUndefined()
})

test('nothing takes a shutdown over, and nothing gets in while one waits', async () => {
  const lease = createTakeoverLock(60_000)
  const upgrade = (await lease.acquire('upgrade'))!
  const shutdown = lease.acquire('shutdown')
  expect(await lease.acquire('upgrade')).toBeUndefined()
  upgrade[Symbol.dispose]()
  // In the very moment between the two.
  const hasty = lease.acquire('upgrade')
  const held = (await shutdown)!
  await hasty
  expect(lease.holder).toBe('shutdown')
  expect(held.signal.aborted).toBe(false)
  for (const purpose of ['upgrade', 'recovery', 'shutdown'] as const) {
    expect(await lease.acquire(purpose)).toBeUndefined()
  }
})

test('of two shutdowns that want an upgrade to go, one gets the cluster', async () => {
  for (const grace of [20, 60_000]) {
    const lease = createTakeoverLock(grace)
    const upgrade = (await lease.acquire('upgrade'))!
    const both = Promise.all([lease.acquire('shutdown'), lease.acquire('shutdown')])
    if (grace > 20) upgrade[Symbol.dispose]()
    const granted = (await both).filter((held) => held !== undefined)
    expect(granted).toHaveLength(1)
    expect(granted[0]!.signal.aborted).toBe(false)
  }
})
