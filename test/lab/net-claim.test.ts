import { expect, test } from 'vitest'
import { claimNet } from './net-claim.ts'

test('a homelab whose addresses another one has waits until they are free', async () => {
  const order: string[] = []
  const first = await claimNet(47)
  const other = await claimNet(48)
  const second = claimNet(47).then((claim) => {
    order.push('the second has them')
    return claim
  })
  // It has looked, and found the first one.
  await new Promise((resolve) => setTimeout(resolve, 100))
  order.push('the first one ends')
  await first[Symbol.asyncDispose]()
  await using _ = await second
  expect(order).toEqual(['the first one ends', 'the second has them'])
  await other[Symbol.asyncDispose]()
})
