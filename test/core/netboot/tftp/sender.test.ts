import { describe, expect, test } from 'vitest'
import { createSender } from '../../../../src/core/netboot/tftp/sender.ts'
import { edk2, playTransfer, rfc7440, seeded } from './wire.ts'

const clients = { EDK2: edk2, 'a client of RFC 7440': rfc7440 }

describe('a whole file arrives, without a packet too many', () => {
  test.each([
    { blocks: 1, windowSize: 1 },
    { blocks: 1, windowSize: 4 },
    { blocks: 4, windowSize: 4 },
    { blocks: 5, windowSize: 4 },
    { blocks: 65_535, windowSize: 1 },
    { blocks: 65_536, windowSize: 4 },
    { blocks: 131_080, windowSize: 16 },
  ])('$blocks blocks, $windowSize at once', ({ blocks, windowSize }) => {
    for (const client of Object.values(clients)) {
      const passed = playTransfer({ client, blocks, windowSize, random: seeded(1) })
      expect(passed).toMatchObject({ outcome: 'done', received: blocks, packets: blocks, resent: 0 })
    }
  })
})

describe('packets that are lost cost little', () => {
  test.each([
    { name: 'EDK2', windowSize: 1, loses: 0.001, within: 8_000, extra: 0.01 },
    { name: 'EDK2', windowSize: 4, loses: 0.001, within: 4_000, extra: 0.02 },
    { name: 'EDK2', windowSize: 16, loses: 0.001, within: 4_000, extra: 0.02 },
    { name: 'EDK2', windowSize: 4, loses: 0.01, within: 12_000, extra: 0.06 },
    { name: 'a client of RFC 7440', windowSize: 1, loses: 0.001, within: 8_000, extra: 0.01 },
    { name: 'a client of RFC 7440', windowSize: 4, loses: 0.001, within: 4_000, extra: 0.02 },
    { name: 'a client of RFC 7440', windowSize: 4, loses: 0.01, within: 12_000, extra: 0.06 },
  ] as const)('to $name with $loses lost, $windowSize at once', ({ name, windowSize, loses, within, extra }) => {
    const blocks = 30_000
    const wire = { client: clients[name], blocks, windowSize, loses, takes: 0.05, thinks: () => 0.02 }
    const passed = playTransfer({ ...wire, random: seeded(3) })
    expect(passed).toMatchObject({ outcome: 'done', received: blocks })
    expect(passed.packets).toBeLessThan(blocks * (1 + extra))
    expect(passed.took).toBeLessThan(within)
  })
})

test('where a wire is slow the copies of a window are no sign of another loss', () => {
  for (const client of Object.values(clients))
    for (const windowSize of [4, 16]) {
      const wire = { client, blocks: 10_000, windowSize, loses: 0.001, takes: 0.01, paces: 0.1 }
      const passed = playTransfer({ ...wire, random: seeded(7) })
      expect(passed).toMatchObject({ outcome: 'done', received: 10_000 })
      expect(passed.packets).toBeLessThan(10_000 * 1.02)
    }
})

test.each([
  { name: 'packets that overtake each other and come twice', loses: 0.01, doubles: 0.02, wavers: 1, most: 4 },
  { name: 'a wire that loses a third', loses: 0.33, doubles: 0, wavers: 0, most: 8 },
])('$name end in a whole file, and feed no storm', ({ loses, doubles, wavers, most }) => {
  for (const client of Object.values(clients))
    for (const windowSize of [1, 4]) {
      const passed = playTransfer({ client, blocks: 1_000, windowSize, loses, doubles, wavers, random: seeded(5) })
      expect(passed).toMatchObject({ outcome: 'done', received: 1_000 })
      expect(passed.packets).toBeLessThan(1_000 * most)
    }
})

test('a client that is slow is not sent the same again', () => {
  const passed = playTransfer({ client: edk2, blocks: 500, windowSize: 4, thinks: () => 400, random: seeded(1) })
  // But for the first packet, when nothing is known of it yet.
  expect(passed).toMatchObject({ outcome: 'done', received: 500, resent: 0 })
})

test.each([20.1, 23, 30, 62, 100, 450])('a client that takes %d ms from some block on is sent little again', (ms) => {
  for (const client of Object.values(clients))
    for (const windowSize of [1, 4]) {
      const wire = { client, blocks: 800, windowSize, thinks: (received: number) => (received < 400 ? 0.3 : ms) }
      const passed = playTransfer({ ...wire, random: seeded(1) })
      expect(passed).toMatchObject({ outcome: 'done', received: 800 })
      // Until it is known how long it takes now.
      expect(passed.resent).toBeLessThanOrEqual(5 * windowSize)
    }
})

test('a client that has gone is given up after 30 s, with few packets', () => {
  const passed = playTransfer({ client: edk2, blocks: 5_000, windowSize: 4, leavesAfter: 1_000, random: seeded(1) })
  expect(passed.outcome).toBe('silent')
  expect(passed.took).toBeGreaterThan(29_000)
  expect(passed.took).toBeLessThan(36_000)
  expect(passed.resent).toBeLessThan(80)
})

function begin(options: { blocks?: number; windowSize?: number; hasOptions?: boolean } = {}) {
  const sender = createSender({ blocks: 100, windowSize: 4, hasOptions: true, now: 0, ...options })
  const due = () => (sender.from > sender.to ? [] : [sender.from, sender.to])
  /** What is sent after that, at this time. */
  const after = (happens: () => void, now: number) => {
    happens()
    const blocks = due()
    if (blocks.length > 0) sender.sent(now)
    return blocks
  }
  return {
    sender,
    start: () => after(() => {}, 0),
    acknowledge: (block: number, now: number) => after(() => sender.acknowledged(block, now), now),
    wait: () => {
      const { deadline } = sender
      return after(() => sender.expired(deadline), deadline)
    },
  }
}

test('whoever never answers is sent the answer four times and no more: the request may have been forged', () => {
  const it = begin({ hasOptions: false, windowSize: 1 })
  expect(it.start()).toEqual([1, 1])
  const again = [it.wait(), it.wait(), it.wait(), it.wait()]
  expect(again).toEqual([[1, 1], [1, 1], [1, 1], []])
  expect(it.sender.outcome).toBe('silent')
  expect(it.sender.isAnswered).toBe(false)
})

test('without options the first block is the answer', () => {
  const it = begin({ hasOptions: false, windowSize: 1 })
  expect(it.start()).toEqual([1, 1])
  expect(it.acknowledge(1, 1)).toEqual([2, 2])
})

test('in lock-step an acknowledgement that comes twice is left to the time (the sorcerer’s apprentice)', () => {
  const it = begin({ windowSize: 1 })
  it.start()
  expect(it.acknowledge(0, 1)).toEqual([1, 1])
  expect(it.acknowledge(1, 2)).toEqual([2, 2])
  expect(it.acknowledge(1, 50)).toEqual([])
  expect(it.wait()).toEqual([2, 2])
})

test('with a window an acknowledgement that comes twice is answered once, and not while the window may be on its way', () => {
  const it = begin()
  it.start()
  it.acknowledge(0, 10)
  expect(it.acknowledge(4, 20)).toEqual([5, 8])
  expect(it.acknowledge(4, 21)).toEqual([])
  expect(it.acknowledge(4, 30)).toEqual([5, 8])
  expect([it.acknowledge(4, 40), it.acknowledge(4, 50)]).toEqual([[], []])
})

test('after a packet that was lost, which the copy shows, it is waited for twice as long until an answer was timed', () => {
  const it = begin({ windowSize: 1 })
  it.start()
  const answered: number[] = [0, 1, 2, 3, 4].map((block) => (it.acknowledge(block, block + 1), block + 1))
  expect(it.sender.deadline).toBe(answered.at(-1)! + 20)
  it.wait()
  it.wait()
  const now = it.sender.deadline - 80
  it.acknowledge(5, now + 1)
  expect(it.sender.deadline).toBe(now + 1 + 40)
  it.acknowledge(6, now + 2)
  expect(it.sender.deadline).toBe(now + 2 + 20)
})

test('where a part arrives the rest is sent again once, and after that only what is new', () => {
  const it = begin()
  it.start()
  it.acknowledge(0, 10)
  it.acknowledge(4, 20)
  expect(it.acknowledge(5, 30)).toEqual([6, 9])
  // The copies of 6, 7 and 8 are acknowledged one by one: no reason to send them a third time.
  expect(it.acknowledge(6, 31)).toEqual([10, 10])
  expect(it.acknowledge(7, 32)).toEqual([11, 11])
})

test.each([
  { name: 'of a block that was not sent', block: 9 },
  { name: 'of a block long ago', block: 65_535 },
])('an acknowledgement $name changes nothing', ({ block }) => {
  const it = begin()
  it.start()
  it.acknowledge(0, 10)
  expect(it.acknowledge(4, 20)).toEqual([5, 8])
  expect(it.acknowledge(block, 21)).toEqual([])
  expect(it.sender.arrived).toBe(4)
})

test('while the disk is read no time runs', () => {
  const { sender } = begin()
  expect(sender.deadline).toBe(Infinity)
  sender.sent(0)
  sender.acknowledged(0, 10)
  expect(sender.deadline).toBe(Infinity)
})
