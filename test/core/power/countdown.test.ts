import { expect, test } from 'vitest'
import type { UpsAnswer, UpsStateAnswer } from '../../../src/core/power/answers.ts'
import { countdownTo } from '../../../src/core/power/countdown.ts'
import type { CriticalReason } from '../../../src/core/power/triggers.ts'

const minute = 60_000
const began = Date.parse('2027-01-01T20:00:00Z')
const at = (minutes: number) => new Date(began + minutes * minute).toISOString()

/** A UPS on battery since 20:00, heard five minutes later. */
function ups(label: string, state: Partial<UpsStateAnswer> = {}, disarmed: readonly CriticalReason[] = []): UpsAnswer {
  const reasons = ['on-battery-too-long', 'low-runtime', 'low-battery'] as const
  return {
    label,
    state: { mode: 'on-battery', since: at(0), forMs: 0, lastHeardAt: at(5), ...state },
    loginRefused: undefined,
    silentForMs: undefined,
    driver: undefined,
    triggers: reasons.map((reason) => ({
      reason,
      text: reason,
      ...(disarmed.includes(reason) ? { disarmed: 'for a reason' } : {}),
    })),
  }
}

const told = (runtimeMs: number) => ({ reading: { status: ['OB'], runtimeMs } })
const policy = { maxOnBattery: 20 * minute, minimumRuntime: 4 * minute }

test.each([
  {
    what: 'the longest time on battery, counted from the power cut',
    upses: [ups('rack')],
    is: { at: 20, reason: 'on-battery-too-long', ups: 'rack' },
  },
  {
    what: 'the runtime that is left above its mark, counted from when it was told',
    upses: [ups('rack', told(10 * minute))],
    is: { at: 11, reason: 'low-runtime', ups: 'rack' },
  },
  {
    what: 'a runtime that is below its mark already: at once',
    upses: [ups('rack', told(minute))],
    is: { at: 5, reason: 'low-runtime', ups: 'rack' },
  },
  {
    what: 'the UPS that comes first',
    upses: [ups('rack'), ups('shelf', { since: at(-3) })],
    is: { at: 17, reason: 'on-battery-too-long', ups: 'shelf' },
  },
  {
    what: 'nothing that a person has cancelled',
    upses: [ups('rack', told(10 * minute), ['on-battery-too-long', 'low-runtime'])],
    is: undefined,
  },
  { what: 'nothing on mains power', upses: [ups('rack', { mode: 'on-mains' })], is: undefined },
  { what: 'nothing once a shutdown has begun', upses: [ups('rack', { mode: 'critical' })], is: undefined },
])('a countdown is to $what', ({ upses, is }) => {
  expect(countdownTo(upses, () => policy)).toEqual(is && { ...is, at: began + is.at * minute })
})

test('what is not configured counts nothing down', () => {
  const none = { maxOnBattery: undefined, minimumRuntime: undefined }
  expect(countdownTo([ups('rack', told(10 * minute))], () => none)).toBeUndefined()
})
