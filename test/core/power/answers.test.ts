import { expect, test } from 'vitest'
import { useSince } from './states.ts'
import { drillReportAnswerOf, timelineAnswerOf, upsStateAnswerOf } from '../../../src/core/power/answers.ts'

test('the JSON of a UPS has numbers with their units, and no instants of a clock that nobody else has', () => {
  const reading = {
    status: ['OB', 'DISCHRG'],
    charge: 80,
    runtime: 600_000,
    load: 20,
    chargeLow: 10,
    runtimeLow: 120_000,
  }
  const state = {
    mode: 'on-battery',
    since: 1_000,
    lastHeard: 4_500,
    figuresAt: 4_500,
    reading,
    ...useSince(1_000, 4_500),
  } as const
  expect(upsStateAnswerOf({ ...state, calledOff: 'low-battery' }, 5_000)).toEqual({
    mode: 'on-battery',
    forMs: 4_000,
    lastHeardMsAgo: 500,
    cancelled: 'low-battery',
    reading: {
      status: ['OB', 'DISCHRG'],
      chargePercent: 80,
      runtimeMs: 600_000,
      loadPercent: 20,
      chargeLowPercent: 10,
      runtimeLowMs: 120_000,
    },
  })
})

test('the JSON of a plan and of a rehearsal says which numbers are ms', () => {
  const row = { phase: 'drain', from: 0, to: 90_000, likely: 20_000, steps: ['drain w-1'], reversible: true } as const
  const timeline = [
    { phase: 'drain', fromMs: 0, toMs: 90_000, likelyMs: 20_000, steps: ['drain w-1'], reversible: true },
  ]
  expect(timelineAnswerOf([row])).toEqual(timeline)
  const report = {
    at: '2026-11-26T13:05:33.000Z',
    form: 'ordered',
    reason: 'the battery lasts',
    runtime: 900_000,
    needs: 225_000,
    timeline: [row],
    checks: [{ subject: 'nas', text: 'login works', ok: true, ms: 12 }],
    walked: [{ phase: 'drain', took: 3_000, failed: [] }],
  } as const
  expect(drillReportAnswerOf(report)).toEqual({
    at: report.at,
    form: 'ordered',
    reason: 'the battery lasts',
    runtimeMs: 900_000,
    needsMs: 225_000,
    timeline,
    checks: [{ subject: 'nas', text: 'login works', ok: true, tookMs: 12 }],
    walked: [{ phase: 'drain', tookMs: 3_000, failed: [] }],
  })
})
