import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../src/core/doctor/check.ts'
import {
  judgeFigures,
  judgeFit,
  judgeLogin,
  judgeOwnSupply,
  judgeServerSupply,
  judgeStatus,
  type LoginFacts,
} from '../../../src/core/doctor/ups.ts'
import type { TriggerState } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'

const onMains: UpsReading = { status: ['OL'], charge: 100, runtime: 600_000, load: 20 }
const triggers: readonly TriggerState[] = [
  { reason: 'low-battery', text: 'a low battery (LB)' },
  { reason: 'low-charge', text: 'a low charge', disarmed: 'it is not configured' },
]
const fed = { powerValue: { rack: 1 }, minSupplies: 1 }

test('what a UPS says of mains power', () => {
  expect(judgeStatus(onMains)).toEqual({
    verdict: 'ok',
    reason: 'is on mains power (OL, charge 100 %, runtime 10 min, load 20 %)',
  })
  expect(judgeStatus({ status: ['OB', 'DISCHRG'] })).toMatchObject({
    verdict: 'warning',
    reason: 'is not on mains power (OB DISCHRG)',
  })
  expect(judgeStatus({ status: ['OL', 'FSD'] }).verdict).toBe('failed')
})

describe('figures', () => {
  const lacking: TriggerState = {
    reason: 'low-runtime',
    text: 'less than 5 min of runtime',
    disarmed: 'the UPS does not report battery.runtime',
    lacks: 'battery.runtime',
  }
  const doubts = { runtime: { reported: 0, why: 'a full battery lasts longer' } }
  test.each<{
    name: string
    reading?: Partial<UpsReading>
    more?: readonly TriggerState[]
    verdict: Verdict
    says: RegExp
    next?: RegExp
  }>([
    { name: 'all there', verdict: 'ok', says: /what 1 trigger need/ },
    {
      name: 'one is missing',
      more: [lacking],
      verdict: 'warning',
      says: /less than 5 min of runtime can't start a shutdown/,
      next: /maxOnBattery/,
    },
    {
      name: 'one can not be right',
      reading: { doubts },
      verdict: 'warning',
      says: /reports a runtime of 0 s, which is not used/,
      next: /trust/,
    },
    {
      name: 'a charge can not be right',
      reading: { doubts: { charge: { reported: 0, why: 'nobody charges it' } } },
      verdict: 'warning',
      says: /a charge of 0 %/,
    },
    {
      name: 'one is left out on purpose',
      reading: { doubts: { runtime: { ...doubts.runtime, isConfigured: true } } },
      verdict: 'ok',
      says: /nothing is odd/,
    },
    {
      name: 'an old battery',
      reading: { status: ['OL', 'RB'] },
      verdict: 'warning',
      says: /needs a new battery/,
      next: /manual/,
    },
  ])('$name', ({ reading = {}, more = [], verdict, says, next = /^/ }) => {
    const found = judgeFigures({ ...onMains, ...reading }, [...triggers, ...more])
    expect(found).toMatchObject({ verdict, reason: expect.stringMatching(says) })
    expect(found.next ?? '').toMatch(next)
  })
})

describe('the login', () => {
  const facts: LoginFacts = { hasUser: true, isWanted: true, refused: undefined, isIn: true, logins: 2, commands: [] }
  test.each<{ name: string; change: Partial<LoginFacts>; verdict: Verdict; says: RegExp }>([
    { name: 'taken', change: {}, verdict: 'ok', says: /2 clients of it are logged in/ },
    { name: 'refused', change: { refused: 'ACCESS-DENIED', isIn: false }, verdict: 'failed', says: /ACCESS-DENIED/ },
    { name: 'without a user', change: { hasUser: false, isIn: false }, verdict: 'skipped', says: /does not wait/ },
    {
      name: 'a user for commands only',
      change: { isWanted: false, isIn: false },
      verdict: 'skipped',
      says: /login: false/,
    },
    { name: 'not taken yet', change: { isIn: false }, verdict: 'warning', says: /not taken/ },
    {
      name: 'a command that it does not have',
      change: { command: 'shutdown.return', commands: ['shutdown.stayoff', 'beeper.off'] },
      verdict: 'failed',
      says: /no command shutdown\.return/,
    },
    {
      name: 'a command that it has',
      change: { command: 'shutdown.return', commands: ['shutdown.return'] },
      verdict: 'ok',
      says: /took/,
    },
  ])('$name', ({ change, verdict, says }) => {
    expect(judgeLogin({ ...facts, ...change })).toMatchObject({ verdict, reason: expect.stringMatching(says) })
  })
})

test('the machine that Caretaker runs on must be on a UPS, and known', () => {
  expect(judgeOwnSupply({ name: 'pi', feed: fed }, ['rack'])).toMatchObject({
    verdict: 'ok',
    reason: expect.stringContaining('rack'),
  })
  expect(judgeOwnSupply({ name: 'pi', feed: undefined }, ['rack'])).toMatchObject({ verdict: 'failed' })
  expect(judgeOwnSupply(undefined, ['rack'])).toMatchObject({
    verdict: 'warning',
    next: expect.stringContaining('hosts'),
  })
  expect(judgeOwnSupply(undefined, [])).toMatchObject({ verdict: 'skipped' })
})

test('so must the one that upsd runs on', () => {
  const at = (machine: Parameters<typeof judgeServerSupply>[1]['machine'], isHere = false) =>
    judgeServerSupply('10.0.0.6', { machine, isHere }).verdict
  expect([
    at({ name: 'nas', feed: fed }),
    at({ name: 'nas', feed: undefined }),
    at(undefined),
    at(undefined, true),
  ]).toEqual(['ok', 'failed', 'warning', 'skipped'])
})

test('where upsd runs is told by name, by address, or as this machine', () => {
  const unfed = { name: 'nas', feed: undefined }
  expect(judgeServerSupply('10.0.0.6', { machine: unfed, isHere: false }).reason).toContain('runs on nas,')
  expect(judgeServerSupply('127.0.0.1', { machine: unfed, isHere: true }).reason).toContain('runs on this machine,')
  expect(judgeServerSupply('10.0.0.6', { machine: undefined, isHere: false }).reason).toContain('runs on 10.0.0.6,')
})

test('a battery that lasts as long as a shutdown is well; one that does not, or that nobody knows of, is a warning', () => {
  expect(judgeFit({ runtime: 100_000 }, 100_000).verdict).toBe('ok')
  expect(judgeFit({ runtime: 99_000 }, 100_000)).toMatchObject({
    verdict: 'warning',
    reason: expect.stringContaining('shortened'),
  })
  expect(judgeFit({ runtime: undefined, why: 'no UPS tells' }, 100_000)).toMatchObject({
    verdict: 'warning',
    reason: expect.stringContaining('no UPS tells'),
  })
})
