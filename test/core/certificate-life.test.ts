import { describe, expect, test } from 'vitest'
import {
  describeLife,
  type Life,
  type LifeStage,
  prefersCopy,
  renewalAt,
  renewalFault,
  stageOf,
} from '../../src/core/certificate-life.ts'

const day = 86_400_000
const hour = 3_600_000
const begin = Date.parse('2026-01-01T00:00:00Z')
const lasting = (ms: number): Life => ({ from: begin, to: begin + ms })
const year = lasting(365 * day)

describe('a certificate of a year', () => {
  test.each<{ name: string; after: number; stage: LifeStage | undefined }>([
    { name: 'before it begins', after: -1, stage: 'not-begun' },
    { name: 'at its beginning', after: 0, stage: undefined },
    { name: 'shortly before half of its life', after: 182.5 * day - 1, stage: undefined },
    { name: 'at half of its life', after: 182.5 * day, stage: 'half' },
    { name: '31 days before the end', after: 334 * day, stage: 'half' },
    { name: '30 days before the end', after: 335 * day, stage: 'month' },
    { name: '8 days before the end', after: 357 * day, stage: 'month' },
    { name: '7 days before the end', after: 358 * day, stage: 'week' },
    { name: '25 hours before the end', after: 365 * day - 25 * hour, stage: 'week' },
    { name: 'a day before the end', after: 364 * day, stage: 'day' },
    { name: 'a moment before the end', after: 365 * day - 1, stage: 'day' },
    { name: 'at its end', after: 365 * day, stage: 'ended' },
    { name: 'long after', after: 1_000 * day, stage: 'ended' },
  ])('$name', ({ after, stage }) => {
    expect(stageOf(year, begin + after)).toBe(stage)
  })

  test('is spoken of four times before its end, and once after, each time in other words', () => {
    const said = new Set<string>()
    for (let at = begin; at < begin + 400 * day; at += 6 * hour) {
      const stage = stageOf(year, at)
      if (stage) said.add(describeLife('the client certificate in talosconfig', year, stage))
    }
    expect([...said]).toEqual(
      [
        'is past half of its lifetime, and expires on 2027-01-01',
        'expires on 2027-01-01, in less than a month',
        'expires on 2027-01-01, in less than a week',
        'expires on 2027-01-01, in less than a day',
        'expired on 2027-01-01',
      ].map((words) => `the client certificate in talosconfig ${words}`),
    )
  })
})

test.each<{ name: string; ms: number; stages: LifeStage[] }>([
  { name: 'a month', ms: 30 * day, stages: ['half', 'week', 'day', 'ended'] },
  { name: 'a week', ms: 7 * day, stages: ['half', 'day', 'ended'] },
  { name: 'a day', ms: day, stages: ['half', 'ended'] },
  { name: 'an hour', ms: hour, stages: ['half', 'ended'] },
  { name: 'ten years', ms: 3_650 * day, stages: ['half', 'month', 'week', 'day', 'ended'] },
])('one that lives for $name is not spoken of from its birth on', ({ ms, stages }) => {
  const life = lasting(ms)
  const said = new Set<LifeStage>()
  for (let at = begin; at <= life.to; at += ms / 4_000) {
    const stage = stageOf(life, at)
    if (stage) said.add(stage)
  }
  expect([...said]).toEqual(stages)
})

describe('the time to renew it', () => {
  const fresh = { failures: 0, lastAt: undefined }
  test.each<{ name: string; ms: number; after: number }>([
    { name: 'a year: four months before its end', ms: 365 * day, after: 365 * day - 120 * day },
    { name: 'ten years: four months as well', ms: 3_650 * day, after: 3_650 * day - 120 * day },
    { name: 'thirty days: the last third', ms: 30 * day, after: 20 * day },
    { name: 'a day: the last third', ms: day, after: 16 * hour },
  ])('is, for one that lives for $name', ({ ms, after }) => {
    expect(renewalAt(lasting(ms), fresh, begin) - begin).toBeCloseTo(after, -1)
  })

  test.each<{ name: string; failures: number; tried: number; wait: number }>([
    { name: 'an hour after the first failure', failures: 1, tried: 300 * day, wait: hour },
    { name: 'two hours after the second', failures: 2, tried: 300 * day, wait: 2 * hour },
    { name: 'a day after many', failures: 12, tried: 300 * day, wait: day },
    { name: 'sooner when little is left', failures: 12, tried: 365 * day - 8 * hour, wait: hour },
    { name: 'never twice in a minute', failures: 1, tried: 365 * day - 1_000, wait: 60_000 },
    { name: 'ten minutes after a failure once it has ended', failures: 5, tried: 366 * day, wait: 600_000 },
  ])('is again $name', ({ failures, tried, wait }) => {
    const at = begin + tried
    expect(renewalAt(year, { failures, lastAt: at }, at) - at).toBe(wait)
  })
})

describe('a renewed copy', () => {
  const file = { ...year, ca: 'CA\n', fingerprint: 'AA' }
  const copy = { ...lasting(500 * day), ca: 'CA', replaces: 'AA' }
  test.each([
    { name: 'is used in the place of the file that it was made from', isUsed: true },
    { name: 'is not used once the file holds another certificate', changes: { replaces: 'BB' }, isUsed: false },
    { name: 'is not used where the cluster has another CA', changes: { ca: 'other' }, isUsed: false },
    { name: 'is not used where it ends no later', changes: { to: year.to }, isUsed: false },
    { name: 'is not used where it ends sooner', changes: { to: year.to - 1 }, isUsed: false },
  ])('$name', ({ changes = {}, isUsed }) => {
    expect(prefersCopy(file, { ...copy, ...changes })).toBe(isUsed)
  })
})

describe('what was handed out', () => {
  const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
  const before = { ...year, ca: `${pem('old')}\n${pem('other')}`, names: ['os:admin', 'os:reader'] }
  const now = begin + 300 * day
  const fresh = { from: now - 1, to: now + 365 * day, ca: pem('old').trim(), names: ['os:reader', 'os:admin'] }
  test.each<{ name: string; changes?: object; fault: RegExp | undefined }>([
    { name: 'is taken', fault: undefined },
    { name: 'is not taken with another CA', changes: { ca: pem('new') }, fault: /different CA/ },
    {
      name: 'is not taken with another CA beside the known one',
      changes: { ca: pem('old') + pem('new') },
      fault: /different CA/,
    },
    {
      name: 'is taken with one of the CAs of a file that trusts several',
      changes: { ca: pem('other') },
      fault: undefined,
    },
    {
      name: 'is not taken with other roles',
      changes: { names: ['os:reader'] },
      fault: /is for os:reader, not for os:admin, os:reader/,
    },
    { name: 'is not taken with none', changes: { names: [] }, fault: /is for no one/ },
    {
      name: 'is not taken where it has not begun',
      changes: { from: now + hour },
      fault: /, not now: check the clocks/,
    },
    { name: 'is not taken where it has ended', changes: { to: now }, fault: /, not now/ },
    { name: 'is not taken where it lives no longer', changes: { to: year.to }, fault: /is valid no longer than/ },
  ])('$name', ({ changes = {}, fault }) => {
    expect(renewalFault(before, { ...fresh, ...changes }, now) ?? 'nothing').toMatch(fault ?? /^nothing$/)
  })
})
