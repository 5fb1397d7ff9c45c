import { describe, expect, test } from 'vitest'
import type { Alert } from '../../../src/core/alert.ts'
import { composeEvent } from '../../../src/core/notify/compose.ts'
import type { Message } from '../../../src/core/notify/message.ts'
import { planNotifications, type Reportable, type Notification } from '../../../src/core/notify/plan.ts'
import { defaultRoutes } from '../../../src/core/notify/routing.ts'
import { afterDelivery, type SentThread } from '../../../src/core/notify/thread.ts'

const start = Date.parse('2026-11-26T12:00:00.000Z')
const at = (ms: number) => new Date(start + ms)
const minute = 60_000
const hour = 60 * minute

const stuck: Alert = {
  id: 'rollout.stuck',
  severity: 'warning',
  subject: 'w-1',
  text: 'w-1 failed verification',
  action: 'Accept it with `caretaker rollout retry w-1`',
  since: at(0).toISOString(),
  offers: [{ do: 'pause', subject: 'v1.13.9' }],
}

/** A channel that is sent things, one look after another. */
function phone({
  quiet,
  remindEvery = 24 * hour,
}: { quiet?: { from: string; to: string }; remindEvery?: number } = {}) {
  const sent = new Map<string, SentThread>()
  return {
    sent,
    look: (present: Partial<Reportable>, ms: number): readonly Notification[] => {
      const notifications = planNotifications(
        { alerts: [], outages: [], rollouts: [], ...present },
        [{ channel: 'phone', sent, since: at(0).toISOString() }],
        {
          policy: { routes: defaultRoutes(['phone']), quiet: quiet && { ...quiet, timeZone: 'UTC' }, remindEvery },
          voice: { homelab: 'attic', timeZone: 'UTC' },
          now: at(ms),
        },
      )
      for (const { message } of notifications)
        sent.set(message.thread, afterDelivery(sent.get(message.thread), { message }))
      return notifications
    },
  }
}

const kinds = (notifications: readonly Notification[]) => notifications.map(({ message: { kind } }) => kind)
const only = ([planning]: readonly Notification[]): Message => planning!.message

describe('an alert', () => {
  test('is sent once, whatever happens between, and once when it is over', () => {
    const { look } = phone()
    expect(kinds(look({ alerts: [stuck] }, 0))).toEqual(['alert'])
    expect(kinds(look({ alerts: [stuck] }, 1))).toEqual([])
    expect(kinds(look({ alerts: [stuck] }, hour))).toEqual([])
    const over = { ...stuck, settledAt: at(2 * hour).toISOString() }
    const end = look({ alerts: [over] }, 2 * hour)
    expect(kinds(end)).toEqual(['settled'])
    expect(only(end).text).toBe('w-1 failed verification. It lasted 2 h.')
    expect(kinds(look({ alerts: [over] }, 3 * hour))).toEqual([])
  })

  test('that opens again is another one', () => {
    const { look } = phone()
    look({ alerts: [stuck] }, 0)
    const again = { ...stuck, since: at(hour).toISOString() }
    const notifications = look({ alerts: [again, { ...stuck, settledAt: at(minute).toISOString() }] }, hour)
    // As it happened.
    expect(kinds(notifications)).toEqual(['settled', 'alert'])
    expect(new Set(notifications.map(({ message: { thread } }) => thread)).size).toBe(2)
  })

  test('says the homelab, the thing, the reason and what to do, with a button', () => {
    const message = only(phone().look({ alerts: [stuck] }, 0))
    expect(message).toMatchObject({
      title: 'attic: w-1 failed verification',
      text: 'w-1 failed verification. Accept it with `caretaker rollout retry w-1`',
      topic: 'rollout.stuck',
      subject: 'w-1',
      buttons: [{ label: 'Pause rollouts', action: { do: 'pause', subject: 'v1.13.9' } }],
    })
    expect(message.id).toMatch(/^[-_A-Za-z0-9]{1,64}$/)
  })

  test('that becomes more severe is sent anew at once; one that becomes less so is an update', () => {
    const { look } = phone()
    look({ alerts: [stuck] }, 0)
    expect(kinds(look({ alerts: [{ ...stuck, severity: 'critical' }] }, 1))).toEqual(['alert'])
    expect(kinds(look({ alerts: [{ ...stuck, severity: 'warning' }] }, minute))).toEqual(['update'])
  })

  test('on a power cut is sent anew with each stage, at once; its figures are not', () => {
    const { look } = phone()
    const says = (text: string) => ({ alerts: [{ ...stuck, id: 'power.failed', text }] })
    expect(kinds(look(says('mains power failed: rack is on battery with 96 %'), 0))).toEqual(['alert'])
    expect(kinds(look(says('mains power failed: rack is on battery with 95 %'), 1_000))).toEqual([])
    expect(kinds(look(says('the shutdown is cancelled: rack is on battery with 94 %'), 2_000))).toEqual(['alert'])
  })

  test('whose text moves is updated now and then, and makes no sound', () => {
    const { look } = phone({ remindEvery: hour })
    look({ alerts: [stuck] }, 0)
    const says = (text: string) => ({ alerts: [{ ...stuck, text }] })
    expect(kinds(look(says('a'), 1_000))).toEqual([])
    expect(kinds(look(says('b'), 30_000))).toEqual(['update'])
    expect(kinds(look(says('c'), 31_000))).toEqual([])
    expect(kinds(look(says('c'), 60_000))).toEqual(['update'])
    expect(kinds(look(says('c'), hour))).toEqual(['reminder'])
  })

  test('that stays open is sent again as often as is wanted, and an info alert never', () => {
    const { look } = phone({ remindEvery: 6 * hour })
    look({ alerts: [stuck] }, 0)
    expect(kinds(look({ alerts: [stuck] }, 6 * hour - 1))).toEqual([])
    const reminder = look({ alerts: [stuck] }, 6 * hour)
    expect(kinds(reminder)).toEqual(['reminder'])
    expect(only(reminder).title).toBe('attic: still open: w-1 failed verification')
    expect(kinds(look({ alerts: [stuck] }, 7 * hour))).toEqual([])
    expect(kinds(look({ alerts: [stuck] }, 12 * hour))).toEqual(['reminder'])
    const never = phone({ remindEvery: 0 })
    never.look({ alerts: [stuck] }, 0)
    expect(never.look({ alerts: [stuck] }, 1_000 * hour)).toEqual([])
  })

  test('that was over before the channel was there is no news', () => {
    const { look } = phone()
    expect(look({ alerts: [{ ...stuck, settledAt: at(1).toISOString() }] }, minute)).toEqual([])
  })

  test('that a channel fails is not sent by that channel', () => {
    const failing = { ...stuck, id: 'channel.failing:phone' }
    expect(phone().look({ alerts: [failing] }, 0)).toEqual([])
    expect(kinds(phone().look({ alerts: [{ ...stuck, id: 'channel.failing:mail' }] }, 0))).toEqual(['alert'])
  })

  test('waits for the end of quiet hours', () => {
    const { look } = phone({ quiet: { from: '11:00', to: '13:00' } })
    expect(look({ alerts: [stuck] }, 0)).toMatchObject([{ channel: 'phone', notBefore: at(hour).toISOString() }])
    expect(look({ alerts: [{ ...stuck, id: 'power.failed' }] }, 0)[0]).not.toHaveProperty('notBefore')
  })

  test('from a hostile upsd can’t write to a terminal, nor fill a message', () => {
    const nasty = { ...stuck, text: `\u001b[2J${'x'.repeat(5_000)}\u202e` }
    const message = only(phone().look({ alerts: [nasty] }, 0))
    expect(message.title.length).toBeLessThanOrEqual(100)
    expect(message.text.length).toBeLessThanOrEqual(900)
    const said = `${message.title}${message.text}`
    for (const character of ['\u001b', '\u202e']) expect(said).not.toContain(character)
  })
})

describe('a digest', () => {
  const rollout = {
    id: at(0).toISOString(),
    release: 'v1.13.9',
    startedAt: at(0).toISOString(),
    endedAt: at(hour).toISOString(),
    outcome: 'done' as const,
    nodes: {
      'cp-1': {
        role: 'controlplane' as const,
        from: 'v1.13.8',
        startedAt: at(0).toISOString(),
        outcome: 'upgraded' as const,
        failures: [],
        tookMs: 600_000,
        phases: { drain: 120_000, reboot: 240_000, settle: 60_000, cordon: 1_000 },
      },
      'w-1': {
        role: 'worker' as const,
        from: 'v1.13.8',
        startedAt: at(0).toISOString(),
        outcome: 'failed' as const,
        failures: ['it did not boot'],
        phases: {},
      },
    },
  }

  test('of a rollout says node by node how long what took, once', () => {
    const { look } = phone()
    const notifications = look({ rollouts: [rollout] }, hour)
    expect(notifications).toHaveLength(1)
    expect(only(notifications)).toMatchObject({
      topic: 'digest.rollout',
      kind: 'note',
      title: 'attic: the rollout of v1.13.9 is complete',
      text: 'the rollout of v1.13.9 is complete: 1 node upgraded in 1 h; w-1 not',
    })
    expect(only(notifications).details).toEqual([
      expect.stringMatching(/^cp-1: upgraded from v1\.13\.8 in 10 min \(.* 4 min, .* 2 min, .* 60 s\)$/),
      'w-1: failed; 1 failed attempt: it did not boot',
    ])
    expect(look({ rollouts: [rollout] }, 2 * hour)).toEqual([])
  })

  test('of an outage says machine by machine how long what took; a rehearsal has none', () => {
    const outage = {
      startedAt: at(0).toISOString(),
      endedAt: at(20 * minute).toISOString(),
      stoppedAt: at(3 * minute).toISOString(),
      wokenAt: at(15 * minute).toISOString(),
      reason: 'low-battery' as const,
      stage: 'over' as const,
      nodes: {
        'w-1': {
          wasUp: true,
          state: 'back' as const,
          at: {
            'shutdown-sent': at(minute).toISOString(),
            off: at(2 * minute).toISOString(),
            'wake-sent': at(15 * minute).toISOString(),
            back: at(17 * minute).toISOString(),
          },
        },
        nas: { wasUp: false, state: 'up' as const },
      },
    }
    const { look } = phone()
    const notifications = look({ outages: [outage] }, hour)
    expect(only(notifications).text).toMatch(/^the cluster is back, 20 min after the power cut began/)
    expect(only(notifications).details).toEqual([
      'w-1: stopped in 60 s, was off for 13 min, came back in 2 min',
      'nas: was off before',
    ])
    expect(look({ outages: [outage] }, hour)).toEqual([])
    expect(look({ outages: [{ ...outage, startedAt: at(1).toISOString(), reason: 'drill' }] }, hour)).toEqual([])
  })

  test('of what was over before the channel was there is not sent', () => {
    const old = { ...rollout, endedAt: at(-1).toISOString() }
    expect(phone().look({ rollouts: [old] }, hour)).toEqual([])
  })
})

describe('an event', () => {
  const voice = { homelab: 'attic', timeZone: 'UTC' }
  test('is a note with what a person may do about it at once', () => {
    const started = composeEvent({ type: 'rollout.started', version: 'v1.14.0' }, voice, at(0).toISOString())
    expect(started).toMatchObject({
      kind: 'note',
      topic: 'rollout.started',
      subject: 'v1.14.0',
      title: 'attic: the rollout of v1.14.0 starts',
      buttons: [{ label: 'Pause rollouts', action: { do: 'pause', subject: 'v1.14.0' } }],
    })
    const waits = composeEvent({ type: 'approval.needed', version: 'v1.14.0' }, voice, at(0).toISOString())
    expect(waits.buttons).toEqual([{ label: 'Approve v1.14.0', action: { do: 'approve', subject: 'v1.14.0' } }])
    expect(composeEvent({ type: 'node.lost', node: 'w-1' }, voice, at(0).toISOString()).buttons).toEqual([])
  })
})
