import { describe, expect, test } from 'vitest'
import type { Delivery } from '../../../src/core/notify/delivery.ts'
import type { MessageKind } from '../../../src/core/notify/message.ts'
import { backoff, nextStep } from '../../../src/core/notify/outbox.ts'

const start = Date.parse('2026-11-26T12:00:00.000Z')
const iso = (ms: number) => new Date(start + ms).toISOString()
const hour = 3_600_000

function delivery(
  id: number,
  changes: Partial<Omit<Delivery, 'message'>> & { thread?: string; kind?: MessageKind } = {},
): Delivery {
  const { thread = `thread-${id}`, kind = 'alert', ...rest } = changes
  return {
    id,
    channel: 'phone',
    message: {
      id: `m${id}`,
      thread,
      kind,
      severity: 'warning',
      topic: 'x',
      subject: 'x',
      at: iso(0),
      title: `title ${id}`,
      text: 'x',
      buttons: [],
    },
    state: 'waiting',
    queuedAt: iso(0),
    attempts: 0,
    ...rest,
  }
}

const step = (waiting: readonly Delivery[], ms = 0) =>
  nextStep(waiting, { expireAfter: 24 * hour, voice: { homelab: 'attic', timeZone: 'UTC' }, now: new Date(start + ms) })

describe('the next step of a channel', () => {
  test('is the oldest message, tried or not', () => {
    expect(step([delivery(1, { attempts: 7 }), delivery(2)])).toMatchObject({ do: 'send', delivery: { id: 1 } })
  })

  test('is to wait where nothing waits, and until the end of quiet hours', () => {
    expect(step([])).toEqual({ do: 'wait', until: undefined })
    expect(step([delivery(1, { notBefore: iso(hour) })])).toEqual({ do: 'wait', until: start + hour })
  })

  test('lets what is urgent pass what waits for the morning, which then goes in its order', () => {
    const [quiet, urgent] = [delivery(1, { notBefore: iso(hour) }), delivery(2)]
    expect(step([quiet, urgent])).toMatchObject({ do: 'send', delivery: { id: 2 } })
    expect(step([quiet, urgent], hour)).toMatchObject({ do: 'send', delivery: { id: 1 } })
  })

  test.each(['update', 'reminder'] as const)(
    'leaves out an %s that a later message of its thread makes pointless',
    (kind) => {
      const early = delivery(1, { thread: 'a', kind })
      const taken = step([early, delivery(2, { thread: 'a', kind: 'settled' })])
      expect(taken).toMatchObject({
        do: 'drop',
        deliveries: [{ id: 1, state: 'superseded', endedAt: iso(0), why: 'a later message says it' }],
      })
      expect(taken).not.toHaveProperty('summary')
      expect(step([early, delivery(2)])).toMatchObject({ do: 'send', delivery: { id: 1 } })
      // It may have arrived.
      expect(step([{ ...early, attempts: 1 }, delivery(2, { thread: 'a' })])).toMatchObject({
        do: 'send',
        delivery: { id: 1 },
      })
    },
  )

  test('leaves out no alert, but for one that was over before the quiet hours were', () => {
    const both = [delivery(1, { thread: 'a' }), delivery(2, { thread: 'a', kind: 'settled' })]
    expect(step(both)).toMatchObject({ do: 'send', delivery: { id: 1 } })
    const quiet = both.map((one) => ({ ...one, notBefore: iso(hour) }))
    expect(step(quiet)).toMatchObject({ do: 'drop', deliveries: [{ id: 1, state: 'superseded' }] })
  })

  test('turns what is too old into one summary', () => {
    const old = Array.from({ length: 12 }, (_, index) =>
      delivery(index + 1, index === 3 ? { why: 'no route to host', attempts: 9 } : {}),
    )
    const taken = step([...old, delivery(13, { queuedAt: iso(hour) })], 24 * hour)
    expect(taken).toMatchObject({
      do: 'drop',
      summary: {
        kind: 'note',
        title: 'attic: 12 older messages were not sent',
        text: '12 older messages were not sent, because no route to host',
        severity: 'warning',
      },
    })
    const { deliveries, summary } = taken as Extract<typeof taken, { do: 'drop' }>
    expect(deliveries.map(({ id, state }) => `${id} ${state}`)).toEqual(old.map(({ id }) => `${id} expired`))
    expect(summary!.details).toHaveLength(10)
    expect(summary!.details![0]).toBe('title 12')
  })

  test('counts the age of what waited for the morning from then on', () => {
    expect(step([delivery(1, { notBefore: iso(8 * hour) })], 25 * hour)).toMatchObject({ do: 'send' })
  })
})

test('a channel that fails is tried at growing intervals, a minute at most, and two do not march in step', () => {
  expect([1, 2, 3, 6, 7, 8, 100].map((failures) => backoff(failures, 0.5))).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000,
  ])
  expect(backoff(7, 0)).toBe(48_000)
  expect(backoff(7, 1)).toBe(72_000)
})
