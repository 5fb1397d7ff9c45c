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
  test.each<[string, number, LifeStage | undefined]>([
    ['before it begins', -1, 'not-begun'],
    ['at its beginning', 0, undefined],
    ['shortly before half of its life', 182.5 * day - 1, undefined],
    ['at half of its life', 182.5 * day, 'half'],
    ['31 days before the end', 334 * day, 'half'],
    ['30 days before the end', 335 * day, 'month'],
    ['8 days before the end', 357 * day, 'month'],
    ['7 days before the end', 358 * day, 'week'],
    ['25 hours before the end', 365 * day - 25 * hour, 'week'],
    ['a day before the end', 364 * day, 'day'],
    ['a moment before the end', 365 * day - 1, 'day'],
    ['at its end', 365 * day, 'ended'],
    ['long after', 1_000 * day, 'ended'],
  ])('%s', (_, after, stage) => {
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
        'has passed half of its life, and ends on 2027-01-01',
        'ends on 2027-01-01, in less than a month',
        'ends on 2027-01-01, in less than a week',
        'ends on 2027-01-01, in less than a day',
        'ended on 2027-01-01',
      ].map((words) => `the client certificate in talosconfig ${words}`),
    )
  })
})

test.each<[string, number, LifeStage[]]>([
  ['a month', 30 * day, ['half', 'week', 'day', 'ended']],
  ['a week', 7 * day, ['half', 'day', 'ended']],
  ['a day', day, ['half', 'ended']],
  ['an hour', hour, ['half', 'ended']],
  ['ten years', 3_650 * day, ['half', 'month', 'week', 'day', 'ended']],
])('one that lives for %s is not spoken of from its birth on', (_, ms, stages) => {
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
  test.each<[string, number, number]>([
    ['a year: four months before its end', 365 * day, 365 * day - 120 * day],
    ['ten years: four months as well', 3_650 * day, 3_650 * day - 120 * day],
    ['thirty days: the last third', 30 * day, 20 * day],
    ['a day: the last third', day, 16 * hour],
  ])('is, for one that lives for %s', (_, ms, after) => {
    expect(renewalAt(lasting(ms), fresh, begin) - begin).toBeCloseTo(after, -1)
  })

  test.each<[string, number, number, number]>([
    ['an hour after the first failure', 1, 300 * day, hour],
    ['two hours after the second', 2, 300 * day, 2 * hour],
    ['a day after many', 12, 300 * day, day],
    ['sooner when little is left', 12, 365 * day - 8 * hour, hour],
    ['never twice in a minute', 1, 365 * day - 1_000, 60_000],
    ['ten minutes after a failure once it has ended', 5, 366 * day, 600_000],
  ])('is again %s', (_, failures, tried, wait) => {
    const at = begin + tried
    expect(renewalAt(year, { failures, lastAt: at }, at) - at).toBe(wait)
  })
})

describe('a renewed copy', () => {
  const file = { ...year, ca: 'CA\n', fingerprint: 'AA' }
  const copy = { ...lasting(500 * day), ca: 'CA', replaces: 'AA' }
  test.each([
    ['is used in the place of the file that it was made from', {}, true],
    ['is not used once the file holds another certificate', { replaces: 'BB' }, false],
    ['is not used where the cluster has another CA', { ca: 'other' }, false],
    ['is not used where it ends no later', { to: year.to }, false],
    ['is not used where it ends sooner', { to: year.to - 1 }, false],
  ])('%s', (_, changes, isUsed) => {
    expect(prefersCopy(file, { ...copy, ...changes })).toBe(isUsed)
  })
})

describe('what was handed out', () => {
  const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
  const before = { ...year, ca: `${pem('old')}\n${pem('other')}`, names: ['os:admin', 'os:reader'] }
  const now = begin + 300 * day
  const fresh = { from: now - 1, to: now + 365 * day, ca: pem('old').trim(), names: ['os:reader', 'os:admin'] }
  test.each<[string, object, RegExp | undefined]>([
    ['is taken', {}, undefined],
    ['is not taken with another CA', { ca: pem('new') }, /another CA/],
    ['is not taken with another CA beside the known one', { ca: pem('old') + pem('new') }, /another CA/],
    ['is taken with one of the CAs of a file that trusts several', { ca: pem('other') }, undefined],
    ['is not taken with other roles', { names: ['os:reader'] }, /is for os:reader and not for os:admin, os:reader/],
    ['is not taken with none', { names: [] }, /is for nobody/],
    ['is not taken where it has not begun', { from: now + hour }, /and not now: check the clocks/],
    ['is not taken where it has ended', { to: now }, /and not now/],
    ['is not taken where it lives no longer', { to: year.to }, /does not live longer/],
  ])('%s', (_, changes, fault) => {
    expect(renewalFault(before, { ...fresh, ...changes }, now) ?? 'nothing').toMatch(fault ?? /^nothing$/)
  })
})
