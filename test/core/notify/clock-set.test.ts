import { describe, expect, test } from 'vitest'
import type { Alert } from '../../../src/core/alert.ts'
import type { Delivery } from '../../../src/core/notify/delivery.ts'
import { nextStep } from '../../../src/core/notify/outbox.ts'
import { planNotifications } from '../../../src/core/notify/plan.ts'
import { defaultRoutes } from '../../../src/core/notify/routing.ts'
import { afterDelivery, type SentThread } from '../../../src/core/notify/thread.ts'
import { messageOf } from '../../services/notifications/sending.ts'

const hour = 3_600_000
const noon = Date.parse('2026-11-26T12:00:00.000Z')
const iso = (ms: number) => new Date(noon + ms).toISOString()
const voice = { homelab: 'attic', timeZone: 'UTC' }
const waits = (changes: Partial<Delivery> = {}): Delivery => ({
  id: 5,
  channel: 'phone',
  message: messageOf('a'),
  state: 'waiting',
  queuedAt: iso(0),
  attempts: 0,
  ...changes,
})
const stepAt = (ms: number, delivery: Delivery, run?: { after: number; lasts: number }) =>
  nextStep([delivery], { expireAfter: 24 * hour, voice, now: new Date(noon + ms), ...(run ? { run } : {}) })

describe('a message that was queued', () => {
  test('before the clock was set back is sent at once', () => {
    for (const back of [1_000, hour, 10 * 365 * 24 * hour]) expect(stepAt(-back, waits()).do).toBe('send')
  })

  test('for the end of quiet hours waits for it, and not for years where the clock was set back by years', () => {
    const held = waits({ notBefore: iso(8 * hour) })
    expect(stepAt(-1_000, held)).toEqual({ do: 'wait', until: noon + 8 * hour })
    expect(stepAt(-365 * 24 * hour, held).do).toBe('send')
  })

  test('a minute ago is not old because the clock was set forward; one of another run is', () => {
    const later = 400 * 24 * hour
    expect(stepAt(later, waits(), { after: 4, lasts: 60_000 }).do).toBe('send')
    expect(stepAt(later, waits(), { after: 5, lasts: 60_000 }).do).toBe('drop')
    expect(stepAt(25 * hour, waits(), { after: 4, lasts: 25 * hour }).do).toBe('drop')
  })
})

const stuck: Alert = { id: 'rollout.stuck', severity: 'warning', subject: 'w-1', text: 'w-1 is stuck', since: iso(0) }

/** What a phone is sent at each look, by kind. */
function phone() {
  const sent = new Map<string, SentThread>()
  return (alert: Alert, ms: number) => {
    const notifications = planNotifications(
      { alerts: [alert], outages: [], rollouts: [] },
      [{ channel: 'phone', sent, since: iso(0) }],
      {
        policy: { routes: defaultRoutes(['phone']), quiet: undefined, remindEvery: 24 * hour },
        voice,
        now: new Date(noon + ms),
      },
    )
    for (const { message } of notifications)
      sent.set(message.thread, afterDelivery(sent.get(message.thread), { message }))
    return notifications.map(({ message: { kind } }) => kind)
  }
}

test('an alert of a clock that was years ahead is sent again, and then as always', () => {
  const look = phone()
  const years = 10 * 365 * 24 * hour
  expect(look(stuck, years)).toEqual(['alert'])
  expect(look(stuck, 0)).toEqual(['reminder'])
  expect(look(stuck, hour)).toEqual([])
  expect(look(stuck, 25 * hour)).toEqual(['reminder'])
})

describe('an alert that comes and goes a hundred times in a minute', () => {
  const flap = (index: number, changes: Partial<Alert> = {}): Alert => ({
    ...stuck,
    since: iso(index * 600),
    ...changes,
  })
  const play = (changes: Partial<Alert> = {}) => {
    const look = phone()
    const said = Array.from({ length: 100 }, (_, index) => [
      ...look(flap(index, changes), index * 600),
      ...look(flap(index, { ...changes, settledAt: iso(index * 600 + 300) }), index * 600 + 300),
    ]).flat()
    return { look, said }
  }

  test('is sent three times, and again once it stays', () => {
    const { look, said } = play()
    expect(said).toEqual(['alert', 'settled', 'alert', 'settled', 'alert', 'settled'])
    expect(look(flap(100), 100 * 600)).toEqual([])
    expect(look(flap(100), 100 * 600 + 60_000)).toEqual(['alert'])
  })

  test('is sent each time where it is critical', () => {
    expect(play({ severity: 'critical' }).said).toHaveLength(200)
  })
})
