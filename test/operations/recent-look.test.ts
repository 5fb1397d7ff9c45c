import { expect, test } from 'vitest'
import type { Cluster } from '../../src/core/cluster/cluster.ts'
import { createRecentLook } from '../../src/operations/recent-look.ts'
import { clusterOf, worker } from '../core/cluster/nodes.ts'

/** Looks that end when the test says so. */
function open() {
  let clock = 0
  const looks: (PromiseWithResolvers<Cluster> & { readonly signal: AbortSignal; readonly isUnhurried: boolean })[] = []
  const seen = createRecentLook({
    look: (signal, { isUnhurried }) => {
      const look = { ...Promise.withResolvers<Cluster>(), signal, isUnhurried }
      signal.addEventListener('abort', () => look.reject(signal.reason))
      looks.push(look)
      return look.promise
    },
    now: () => new Date(clock),
    monotonic: () => clock,
  })
  return { seen, looks, passes: (ms: number) => void (clock += ms) }
}

const soon = () => new AbortController().signal
const [first, second] = [clusterOf(worker('w-1')), clusterOf(worker('w-1'), worker('w-2'))]

test('what was seen last is told without a look, and looked at again for the next one where that is wanted', async () => {
  const { seen, looks, passes } = open()
  expect(seen.last()).toBeUndefined()
  expect(looks).toHaveLength(0)
  expect(seen.last(1_000)).toBeUndefined()
  expect(looks).toHaveLength(1)
  looks[0]!.resolve(first)
  await expect.poll(() => seen.last()?.value).toBe(first)
  passes(1_000)
  expect(seen.last(1_000)?.value).toBe(first)
  expect(looks).toHaveLength(1)
  passes(1)
  expect(seen.last(1_000)?.value).toBe(first)
  expect(seen.last()?.value).toBe(first)
  expect(looks).toHaveLength(2)
})

test('nodes are asked once for all who ask within ten seconds, and then anew', async () => {
  const { seen, looks, passes } = open()
  const asks = [seen.recent(soon()), seen.recent(soon()), seen.known(soon())]
  expect(looks).toHaveLength(1)
  passes(300)
  looks[0]!.resolve(first)
  expect(await Promise.all(asks)).toEqual(Array(3).fill(expect.objectContaining({ value: first, at: new Date(300) })))
  passes(5_000)
  expect((await seen.recent(soon())).value).toBe(first)
  expect(looks).toHaveLength(1)
  passes(5_001)
  const later = seen.recent(soon())
  looks[1]!.resolve(second)
  expect((await later).value).toBe(second)
  // Somebody waits for each of them.
  expect(looks.map(({ isUnhurried }) => isUnhurried)).toEqual([false, false])
})

test('who asks all the time never waits, and never hears what is older than ten seconds', async () => {
  const { seen, looks, passes } = open()
  seen.note(first)
  passes(5_001)
  expect((await seen.recent(soon())).value).toBe(first)
  expect((await seen.recent(soon())).value).toBe(first)
  expect(looks.map(({ isUnhurried }) => isUnhurried)).toEqual([true])
  looks[0]!.resolve(second)
  await expect.poll(async () => (await seen.recent(soon())).value).toBe(second)
  // One that fails is heard of by those who have nothing else.
  passes(5_001)
  expect((await seen.recent(soon())).value).toBe(second)
  looks[1]!.reject(new Error('no network'))
  // It is over a moment later.
  await new Promise(setImmediate)
  passes(5_000)
  const waits = seen.recent(soon())
  await expect.poll(() => looks.length).toBe(3)
  looks[2]!.reject(new Error('no network'))
  await expect(waits).rejects.toThrow('no network')
})

test('what is known without looking may be old, and never costs a look', async () => {
  const { seen, looks, passes } = open()
  seen.note(first)
  passes(3_600_000)
  seen.outdate()
  expect(await seen.known(soon())).toMatchObject({ value: first, at: new Date(0) })
  expect(looks).toEqual([])
})

test('who follows is told what is known, and what is not recent is looked at once meanwhile, without haste', async () => {
  const { seen, looks, passes } = open()
  seen.note(first)
  passes(5_000)
  expect((await seen.followed(soon())).value).toBe(first)
  expect(looks).toEqual([])
  passes(1)
  expect((await seen.followed(soon())).value).toBe(first)
  expect((await seen.followed(soon())).value).toBe(first)
  expect(looks.map(({ isUnhurried }) => isUnhurried)).toEqual([true])
  looks[0]!.resolve(second)
  await expect.poll(async () => (await seen.followed(soon())).value).toBe(second)
  // What has happened since may have changed it.
  seen.outdate()
  expect((await seen.followed(soon())).value).toBe(second)
  expect(looks).toHaveLength(2)
})

test('who follows what nobody has looked at yet waits for the first look', async () => {
  const { seen, looks } = open()
  const asked = seen.followed(soon())
  looks[0]!.resolve(first)
  expect((await asked).value).toBe(first)
  expect(looks.map(({ isUnhurried }) => isUnhurried)).toEqual([false])
})

test('after something has happened the nodes are asked again, also where a look was under way', async () => {
  const { seen, looks } = open()
  const before = seen.recent(soon())
  seen.outdate()
  const after = seen.recent(soon())
  expect(looks).toHaveLength(2)
  looks[1]!.resolve(second)
  looks[0]!.resolve(first)
  expect((await before).value).toBe(first)
  expect((await after).value).toBe(second)
})

test('who leaves keeps no other from the answer, and where all leave the look ends', async () => {
  const { seen, looks } = open()
  const hasty = new AbortController()
  const [gone, stays] = [seen.recent(hasty.signal), seen.recent(soon())]
  hasty.abort(new Error('gone'))
  await expect(gone).rejects.toThrow('gone')
  expect(looks[0]!.signal.aborted).toBe(false)
  looks[0]!.resolve(first)
  expect((await stays).value).toBe(first)
  seen.outdate()
  const alone = new AbortController()
  const last = seen.recent(alone.signal)
  alone.abort(new Error('gone'))
  await expect(last).rejects.toThrow('gone')
  expect(looks[1]!.signal.aborted).toBe(true)
})

test('a look that fails is an error for who waited, and not kept', async () => {
  const { seen, looks } = open()
  const failing = seen.recent(soon())
  looks[0]!.reject(new Error('no network'))
  await expect(failing).rejects.toThrow('no network')
  const again = seen.recent(soon())
  looks[1]!.resolve(first)
  expect((await again).value).toBe(first)
})
