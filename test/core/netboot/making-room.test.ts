import { expect, test } from 'vitest'
import { chooseToLeave, createRate, type Served } from '../../../src/core/netboot/making-room.ts'

/** `holder rate`, the first the oldest; each began a minute ago unless it says `new`. */
const served = (...texts: readonly string[]) =>
  texts.map((text, index): Served & { readonly text: string } => {
    const [holder = '', rate, isNew] = text.split(' ')
    return { text, holder, rate: Number(rate), since: isNew ? 59_000 : index }
  })

interface Case {
  readonly name: string
  readonly all: readonly string[]
  readonly leaves: string | undefined
}

test.each<Case>([
  { name: 'the slowest of who has most', all: ['a 9000000', 'b 5', 'a 400000', 'a 8000000'], leaves: 'a 400000' },
  { name: 'one of two of a machine', all: ['a 900000', 'a 800000', 'b 1'], leaves: 'a 800000' },
  { name: 'the slowest where all have one', all: ['a 900000', 'b 20000', 'c 300'], leaves: 'c 300' },
  { name: 'of those that take nothing the oldest', all: ['a 900000', 'b 0', 'c 0'], leaves: 'b 0' },
  { name: 'nobody who is as fast as an old network', all: ['a 90000', 'b 40000'], leaves: undefined },
  { name: 'nobody who has only begun', all: ['a 0 new', 'b 0 new'], leaves: undefined },
  { name: 'nobody for whoever has as many as others', all: ['me 900000', 'b 0', 'c 0'], leaves: undefined },
  { name: 'one of two for whoever has one, never', all: ['me 900000', 'b 0', 'b 0'], leaves: undefined },
])('where there is no room, there leaves $name', ({ all, leaves }) => {
  expect(chooseToLeave(served(...all), 'me', 60_000)?.text).toBe(leaves)
})

test('a rate is what passed of late, and fades', () => {
  const rate = createRate()
  for (let second = 0; second < 60; second += 1) rate.add(1_000_000, second * 1_000)
  expect(rate.at(59_000)).toBeGreaterThan(900_000)
  expect(rate.at(59_000)).toBeLessThan(1_200_000)
  expect(rate.at(69_000)).toBeLessThan(200_000)
  expect(rate.at(119_000)).toBeLessThan(10)
})
