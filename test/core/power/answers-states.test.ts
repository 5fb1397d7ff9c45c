import { describe, expect, test } from 'vitest'
import {
  drillReportAnswerOf,
  readingAnswerOf,
  timelineAnswerOf,
  upsStateAnswerOf,
} from '../../../src/core/power/answers.ts'
import type { PowerState } from '../../../src/core/power/state.ts'
import { stateOf } from './states.ts'

const now = new Date('2026-11-26T13:05:33Z')
const at = 100_000
const heard = {
  since: '2026-11-26T13:04:03.000Z',
  forMs: 90_000,
  lastHeardAt: '2026-11-26T13:05:32.000Z',
  lastHeardMsAgo: 1_000,
}
const of = (mode: Parameters<typeof stateOf>[0], changed: object = {}) =>
  ({ ...stateOf(mode, {}, 10_000, 99_000), ...changed }) as PowerState
const reading = (...status: readonly string[]) => ({ reading: { status } })
const fall = { of: 'charge', since: 40_000, by: 12 } as const
const failures = { count: 3, since: 40_000 }

describe('what people are told of a UPS', () => {
  test.each<{ name: string; state: PowerState; answer: object }>([
    {
      name: 'that has not answered yet',
      state: of('unknown'),
      answer: { mode: 'unknown', since: heard.since, forMs: 90_000, why: 'no answer' },
    },
    { name: 'on mains power', state: of('on-mains'), answer: { mode: 'on-mains', ...heard, ...reading('OL') } },
    {
      name: 'in a moment on battery that does not count yet',
      state: of('blip'),
      answer: { mode: 'on-mains', ...heard, ...reading('OB'), wasOnBattery: true },
    },
    {
      name: 'on battery',
      state: of('on-battery'),
      answer: { mode: 'on-battery', ...heard, ...reading('OB') },
    },
    {
      name: 'in a moment of mains power that does not count yet',
      state: of('on-battery', { mainsSince: 98_000, calledOff: 'low-charge' }),
      answer: { mode: 'on-battery', ...heard, ...reading('OB'), mainsForMs: 2_000, cancelled: 'low-charge' },
    },
    {
      name: 'that is critical',
      state: of('low-battery'),
      answer: { mode: 'critical', ...heard, ...reading('OB', 'LB'), reason: 'low-battery' },
    },
    {
      name: 'that is critical, in a moment of mains power',
      state: of('low-battery', { mainsSince: 98_000 }),
      answer: { mode: 'critical', ...heard, ...reading('OB', 'LB'), reason: 'low-battery', mainsForMs: 2_000 },
    },
    {
      name: 'that is critical and has said nothing',
      state: of('outage-resumed', { reading: undefined }),
      answer: { mode: 'critical', ...heard, reason: 'outage-resumed' },
    },
    { name: 'that is latched', state: of('latched'), answer: { mode: 'latched', ...heard, ...reading('FSD', 'OL') } },
    { name: 'that is forced', state: of('forced'), answer: { mode: 'forced', ...heard, ...reading('FSD', 'OL') } },
    {
      name: 'whose status says nothing of mains power',
      state: of('on-mains', { unclearSince: 70_000 }),
      answer: { mode: 'on-mains', ...heard, ...reading('OL'), unclearForMs: 30_000 },
    },
    {
      name: 'that empties although it reports mains power',
      state: of('on-battery', { isInferred: true, fall }),
      answer: {
        mode: 'on-battery',
        ...heard,
        ...reading('OB'),
        inferred: 'its charge has fallen by 12 % in 60 s although the UPS reports mains power',
      },
    },
    {
      name: 'that falls, and is believed all the same',
      state: of('on-mains', { fall }),
      answer: { mode: 'on-mains', ...heard, ...reading('OL') },
    },
    {
      name: 'that counts as on battery, and falls no more',
      state: of('on-battery', { isInferred: true }),
      answer: { mode: 'on-battery', ...heard, ...reading('OB') },
    },
    {
      name: 'whose mains power keeps failing',
      state: of('on-mains', { failures }),
      answer: { mode: 'on-mains', ...heard, ...reading('OL'), flapping: 'mains power has failed 3 times in 60 s' },
    },
    {
      name: 'whose mains power has failed once',
      state: of('on-mains', { failures: { ...failures, count: 1 } }),
      answer: { mode: 'on-mains', ...heard, ...reading('OL') },
    },
  ])('$name', ({ state, answer }) => {
    expect(upsStateAnswerOf(state, at, now)).toStrictEqual(answer)
  })
})

describe('what people are told of a reading', () => {
  const status = ['OL', 'CHRG']
  const doubt = { reported: 0, why: 'the runtime is 10 min', since: 1 }
  test.each<{ name: string; of: Parameters<typeof readingAnswerOf>[0]; answer: object }>([
    { name: 'is its status, where it has nothing else', of: { status }, answer: { status } },
    {
      name: 'is all that it has',
      of: {
        status,
        charge: 0,
        runtime: 0,
        load: 0,
        alarm: 'Replace battery!',
        testing: 'In progress',
        chargeLow: 10,
        runtimeLow: 120_000,
      } as never,
      answer: {
        status,
        chargePercent: 0,
        runtimeMs: 0,
        loadPercent: 0,
        alarm: 'Replace battery!',
        testing: 'In progress',
        chargeLowPercent: 10,
        runtimeLowMs: 120_000,
      },
    },
    {
      name: 'is a charge that is not believed, and why',
      of: { status, doubts: { charge: doubt } },
      answer: { status, doubtful: { chargePercent: { reported: 0, why: 'the runtime is 10 min' } } },
    },
    {
      name: 'is a runtime that is not believed, and why',
      of: { status, doubts: { runtime: doubt } },
      answer: { status, doubtful: { runtimeMs: { reported: 0, why: 'the runtime is 10 min' } } },
    },
  ])('$name', ({ of, answer }) => {
    expect(readingAnswerOf(of)).toStrictEqual(answer)
  })
})

test('a plan and a rehearsal leave out what was not measured', () => {
  const row = { phase: 'drain', from: 0.4, to: 90_000.4, steps: [], reversible: true } as const
  const timeline = [{ phase: 'drain', fromMs: 0, toMs: 90_000, steps: [], reversible: true }]
  expect(timelineAnswerOf([row])).toStrictEqual(timeline)
  const report = {
    at: '2026-11-26T13:05:33.000Z',
    form: 'ordered',
    reason: 'the battery lasts',
    runtime: undefined,
    runtimeUnknown: 'the UPS tells none',
    needs: 1,
    timeline: [row],
    checks: [{ subject: 'nas', text: 'login works', ok: true }],
  } as const
  const { needs: _, runtime: __, ...rest } = report
  expect(drillReportAnswerOf(report)).toStrictEqual({ ...rest, needsMs: 1, timeline })
})
