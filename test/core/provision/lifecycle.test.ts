import { describe, expect, test } from 'vitest'
import {
  approvalLasts,
  approved,
  asksAgain,
  cutOff,
  joined,
  keptFor,
  mayTake,
  rejected,
  sent,
  standingApproval,
  taken,
  verified,
  withoutExpired,
} from '../../../src/core/provision/lifecycle.ts'
import type { Claimant, Machine, MachineState } from '../../../src/core/provision/machine.ts'

/** A machine from its first question until it has joined, and each step that must not be taken. */
const at = '2026-11-27T08:00:00.000Z'
const now = Date.parse(at)
const after = (ms: number) => new Date(now + ms).toISOString()
const order = { name: 'w-1', role: 'worker', labels: {}, patches: [] } as const
const own: Claimant = {
  address: '192.168.0.21',
  claim: { uuid: 'aaaa', mac: '52:54:00:12:34:56' },
  way: 'plain',
  code: 'BCDF-GHJK',
  asked: 3,
  firstAt: at,
  lastAt: at,
}
const rival: Claimant = { ...own, address: '192.168.0.66', code: 'LMNP-QRST' }
const pending: Machine = { id: 'aaaa', state: 'pending', since: at, firstAt: at, claimants: [rival, own] }
const isApproved = approved(pending, { code: own.code, order, by: 'admin', at })
const question = { claim: own.claim, address: own.address, way: 'plain' } as const
const taking = { question, sha256: 'f', addresses: ['192.168.0.31'], at: after(1_000), code: 'ZZZZ-ZZZZ' }
const isTaken = taken(isApproved, taking)
const isSent = sent(isTaken, after(1_000), after(2_000))
const isVerified = verified(isSent, 'AAAA', after(3_000))
const isLocked = joined(isVerified, after(4_000))

test('what it is after each step', () => {
  expect(isApproved).toEqual({
    ...pending,
    state: 'approved',
    approval: {
      at,
      until: after(approvalLasts),
      by: 'admin',
      code: own.code,
      address: own.address,
      claim: own.claim,
      order,
    },
  })
  expect(isTaken).toEqual({
    ...pending,
    state: 'delivering',
    since: after(1_000),
    claimants: [rival, { ...own, code: 'ZZZZ-ZZZZ', asked: 0, firstAt: after(1_000) }],
    order,
    delivery: {
      at: after(1_000),
      address: own.address,
      way: 'plain',
      sha256: 'f',
      isWhole: false,
      addresses: ['192.168.0.31'],
    },
  })
  expect(isSent).toEqual({
    ...isTaken,
    state: 'delivered',
    since: after(2_000),
    delivery: { ...isTaken.delivery, isWhole: true },
  })
  expect(isVerified).toEqual({ ...isSent, state: 'verified', since: after(3_000), verifiedAt: after(3_000) })
  expect(isLocked).toEqual({ ...isVerified, state: 'locked', since: after(4_000) })
})

describe('an approval stands', () => {
  test.each([
    { name: 'for 29 minutes', ms: 29 * 60_000, is: true },
    { name: 'and not for 30', ms: 30 * 60_000, is: false },
    { name: 'from its moment', ms: 0, is: true },
    { name: 'to its last millisecond', ms: approvalLasts - 1, is: true },
    { name: 'no longer', ms: approvalLasts, is: false },
    { name: 'where the clock is put back by a minute', ms: -60_000, is: true },
    { name: 'not where it is put back by more', ms: -60_001, is: false },
  ])('$name', ({ ms, is }) => {
    expect(standingApproval(isApproved, now + ms) !== undefined).toBe(is)
    expect(mayTake(isApproved, own, now + ms)).toBe(is)
    const before = { ...isApproved, trouble: 'no secrets' }
    const then = withoutExpired(before, now + ms, after(ms))
    expect(then).toEqual(is ? before : { ...pending, since: after(ms) })
    expect(then === before).toBe(is)
  })

  test('in no other state than approved', () => {
    const states: readonly MachineState[] = ['pending', 'delivering', 'delivered', 'verified', 'locked', 'rejected']
    for (const state of states) {
      expect(mayTake({ ...isApproved, state }, own, now)).toBe(false)
      expect(withoutExpired({ ...isApproved, state }, now + approvalLasts, at)).toEqual({ ...isApproved, state })
    }
    expect(mayTake(pending, own, now)).toBe(false)
  })

  test('for the one that was approved, and not where that one was rejected', () => {
    expect(mayTake(isApproved, rival, now)).toBe(false)
    expect(mayTake(isApproved, { ...own, isRejected: true }, now)).toBe(false)
  })

  test('for the key that was seen', () => {
    const one = approved(pending, { code: own.code, order, by: 'admin', at, fingerprint: 'KEY-1' })
    expect(one.approval).toMatchObject({ fingerprint: 'KEY-1' })
  })
})

test('one that is taken anew has joined no more, and what went wrong before is over', () => {
  const anew = approved({ ...isLocked, trouble: 'late' }, { code: rival.code, order, by: 'admin', at })
  const again = taken({ ...anew, trouble: 'broken' }, { ...taking, question: { ...question, address: rival.address } })
  expect(again).toMatchObject({ state: 'delivering', verifiedAt: undefined, trouble: undefined })
  const over = rejected({ ...again, approval: anew.approval, state: 'approved' }, { code: undefined, reason: 'no', at })
  expect(over.state).toBe('delivering')
})

test('what it had come to before is what it is where an approval is over', () => {
  const over = now + approvalLasts + 10_000
  for (const before of [isTaken, isSent, isVerified, isLocked]) {
    const anew = approved(before, { code: rival.code, order, by: 'admin', at: after(10_000) })
    const expected = before.state === 'verified' ? 'locked' : before.state
    expect(withoutExpired(anew, over, after(1)).state).toBe(expected)
    const ended = rejected(anew, { code: rival.code, reason: 'not mine', at: after(1) })
    expect(ended).toMatchObject({ state: expected, since: after(1), approval: undefined, trouble: undefined })
  }
})

describe('nothing is taken', () => {
  test.each([
    { name: 'that is not approved', machine: pending, of: {} },
    { name: 'by who was not approved', machine: isApproved, of: { question: { ...question, address: rival.address } } },
    { name: 'by who is unknown', machine: isApproved, of: { question: { ...question, address: '192.168.0.9' } } },
    { name: 'another way', machine: isApproved, of: { question: { ...question, way: 'device-flow' as const } } },
    { name: 'when the approval has run out', machine: isApproved, of: { at: after(approvalLasts) } },
    { name: 'twice', machine: isTaken, of: {} },
  ])('$name', ({ machine, of }) => {
    expect(() => taken(machine, { ...taking, ...of })).toThrow(
      expect.objectContaining({ code: 'rejected', message: 'nothing is approved for it' }),
    )
  })
})

describe('a rejection', () => {
  const because = { reason: 'not mine', at: after(5_000) }
  test('of all withdraws what was approved, and makes it rejected', () => {
    expect(rejected(isApproved, { ...because, code: undefined })).toEqual({
      ...pending,
      state: 'rejected',
      since: after(5_000),
      claimants: [rival, own].map((one) => ({ ...one, isRejected: true })),
      approval: undefined,
      trouble: 'not mine',
    })
  })

  test('of a rival leaves the approval of the other, and what is wrong with it', () => {
    const before = { ...isApproved, trouble: 'no secrets' }
    expect(rejected(before, { ...because, code: rival.code }).trouble).toBe('no secrets')
    expect(rejected(before, { ...because, code: own.code }).trouble).toBeUndefined()
    const one = rejected(isApproved, { ...because, code: rival.code })
    expect(one).toMatchObject({ state: 'approved', since: at, approval: isApproved.approval })
    expect(mayTake(one, own, now)).toBe(true)
  })

  test('of the one that is approved leaves the rival to a person', () => {
    const one = rejected(isApproved, { ...because, code: own.code })
    expect(one).toMatchObject({ state: 'pending', claimants: [{ code: rival.code }, { isRejected: true }] })
    expect(one.claimants[0]!.isRejected).toBeUndefined()
    expect(mayTake(one, own, now)).toBe(false)
  })

  test('is taken back by an approval of that one', () => {
    const one = rejected(pending, { ...because, code: undefined })
    const anew = approved(one, { code: own.code, order, by: 'admin', at })
    expect(anew).toMatchObject({ state: 'approved', claimants: [{ isRejected: true }, { isRejected: undefined }] })
    expect(anew.trouble).toBeUndefined()
    expect(mayTake(anew, own, now)).toBe(true)
  })

  test('leaves a node what it is', () => {
    expect(rejected(isLocked, { ...because, code: undefined })).toMatchObject({ state: 'locked', since: after(4_000) })
  })
})

describe('kept for an address', () => {
  test('all others are forgotten, and what was approved for one of them is withdrawn', () => {
    const kept = keptFor(isApproved, rival.address, after(9_000))
    expect(kept).toEqual({
      ...pending,
      since: after(9_000),
      claimants: [rival],
      keptFor: { address: rival.address, until: after(3_609_000) },
    })
    const before = { ...isApproved, trouble: 'no secrets' }
    expect(keptFor(before, rival.address, at).trouble).toBeUndefined()
    const stays = {
      state: 'approved',
      since: at,
      claimants: [own],
      approval: isApproved.approval,
      trouble: 'no secrets',
    }
    expect(keptFor(before, own.address, after(9_000))).toMatchObject(stays)
  })

  test('one that was rejected is asked about again', () => {
    const before = rejected(pending, { code: undefined, reason: undefined, at })
    expect(keptFor(before, own.address, at).state).toBe('pending')
    expect(keptFor(isLocked, own.address, at)).toMatchObject({ state: 'locked', since: after(4_000) })
  })
})

describe('the end of a transfer', () => {
  test('is that of the delivery that is waited for', () => {
    expect(sent(isTaken, at, at)).toBe(isTaken)
    expect(cutOff(isTaken, at, 'broke')).toBe(isTaken)
    expect(cutOff(isTaken, after(1_000), 'broke')).toEqual({ ...isTaken, trouble: 'broke' })
    expect(sent(cutOff(isTaken, after(1_000), 'broke'), after(1_000), after(2_000)).trouble).toBeUndefined()
  })

  test('changes nothing once it has all, is approved anew or has joined', () => {
    expect(cutOff(isSent, after(1_000), 'broke')).toBe(isSent)
    expect(sent(isLocked, after(1_000), at)).toBe(isLocked)
    const anew = approved(isTaken, { code: 'ZZZZ-ZZZZ', order, by: 'admin', at })
    expect(sent(anew, after(1_000), at)).toBe(anew)
    expect(cutOff(anew, after(1_000), 'broke')).toBe(anew)
  })
})

describe('it is verified', () => {
  test('by its own UUID, also where the end of the transfer was not seen', () => {
    expect(verified(cutOff(isTaken, after(1_000), 'broke'), 'aaaa', after(3_000))).toMatchObject({
      state: 'verified',
      delivery: { isWhole: true },
      trouble: undefined,
    })
    expect(verified(isSent, 'bbbb', at)).toBe(isSent)
  })

  test('by any where it has said none, and never before it was sent something', () => {
    const bare = { ...isSent, claimants: [{ ...own, claim: { mac: own.claim.mac } }] }
    expect(verified(bare, 'bbbb', at).state).toBe('verified')
    const other = { ...isSent, claimants: [{ ...rival, claim: { mac: own.claim.mac } }, own] }
    expect(verified(other, 'bbbb', at)).toBe(other)
    const anew = approved(isSent, { code: rival.code, order, by: 'admin', at })
    for (const one of [pending, isApproved, anew, isLocked, { ...isSent, delivery: undefined }])
      expect(verified(one, 'aaaa', at)).toBe(one)
  })

  test('before it has joined', () => {
    for (const one of [pending, isApproved, isTaken, isSent]) expect(joined(one, at)).toBe(one)
    expect(joined({ ...isVerified, trouble: 'late' }, at).trouble).toBeUndefined()
  })
})

test('it asks again where it had its configuration, and somebody waits', () => {
  expect(asksAgain(isTaken, now)).toBe(true)
  expect(asksAgain({ ...isTaken, claimants: [isTaken.claimants[1]!] }, now)).toBe(false)
  expect(asksAgain(pending, now)).toBe(false)
})
