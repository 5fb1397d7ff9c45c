import { expect, test } from 'vitest'
import { allEnded, eachAtOnce } from '../../src/core/at-once.ts'

const numbers = [0, 1, 2, 3, 4, 5]

test('no more are under way than may be, and the results are in the order of the list', async () => {
  const open: PromiseWithResolvers<void>[] = []
  let under = 0
  let most = 0
  const results = eachAtOnce(2, numbers, async (number) => {
    most = Math.max(most, ++under)
    const end = Promise.withResolvers<void>()
    open.push(end)
    await end.promise
    under -= 1
    return number * 10
  })
  while (open.length > 0) {
    // The last that began ends first.
    open.pop()!.resolve()
    await new Promise(setImmediate)
  }
  expect(await results).toEqual([0, 10, 20, 30, 40, 50])
  expect(most).toBe(2)
})

test('with a pause each begins after one more, also where others never end', async () => {
  const pauses: PromiseWithResolvers<void>[] = []
  const begun: number[] = []
  void eachAtOnce(
    4,
    numbers,
    async (number) => {
      begun.push(number)
      await new Promise(() => {})
    },
    () => {
      const pause = Promise.withResolvers<void>()
      pauses.push(pause)
      return pause.promise
    },
  )
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate)
    expect(begun).toHaveLength(round + 1)
    expect(pauses).toHaveLength(round + 1)
    pauses[round]!.resolve()
  }
  await new Promise(setImmediate)
  // Two more wait for one of the four to end.
  expect(begun).toEqual([0, 1, 2, 3])
})

test('what changes something has all ended before its end, and the first failure is that of the list', async () => {
  const order: string[] = []
  const one = Promise.withResolvers<number>()
  const ended = allEnded([
    one.promise.finally(() => order.push('first')),
    Promise.reject(new Error('second')).catch((error: unknown) => {
      order.push('second')
      throw error
    }),
    Promise.reject(new Error('third')),
  ]).finally(() => order.push('all'))
  setImmediate(() => setImmediate(() => one.resolve(1)))
  await expect(ended).rejects.toThrow('second')
  expect(order).toEqual(['second', 'first', 'all'])
  expect(await allEnded([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2])
})
