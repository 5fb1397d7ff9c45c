import { describe, expect, test } from 'vitest'
import type { Approval, Claimant, Machine } from '../../../src/core/provision/machine.ts'
import {
  decideGiving,
  nextKey,
  type SessionKey,
  sessionKeyKind,
  waitingInMaintenance,
  whyAnother,
} from '../../../src/core/provision/session-key.ts'

/** Which machine in maintenance is looked at, who counts as the machine that asked, and whose key is given anything. */
const at = '2026-11-27T08:00:00.000Z'
const now = Date.parse(at)
const ago = (ms: number) => new Date(now - ms).toISOString()
const address = '192.168.0.21'
const claim = { uuid: 'u-1', mac: '52:54:00:12:34:56' }
const code = 'BCDF-GHJK'

const claimant = (more: Partial<Claimant> = {}): Claimant => ({
  address,
  claim,
  way: 'maintenance',
  code,
  asked: 1,
  firstAt: at,
  lastAt: at,
  ...more,
})
const order = { name: 'w-1', role: 'worker', labels: {}, patches: [] } as const
const approvalOf = (more: Partial<Approval> = {}): Approval => ({
  at,
  until: at,
  by: 'admin',
  code,
  address,
  claim,
  order,
  ...more,
})
const deliveredAt = (ms: number, more: Partial<NonNullable<Machine['delivery']>> = {}) =>
  ({ at: ago(ms), address, way: 'maintenance', sha256: 'f', isWhole: true, ...more }) as const
const machineOf = (more: Partial<Machine> = {}): Machine => ({
  id: 'u-1',
  state: 'pending',
  since: at,
  firstAt: at,
  claimants: [claimant()],
  ...more,
})

describe('looked at is whoever waits in maintenance, as far as that is known', () => {
  const silent = [claimant({ asked: 0 })]
  test.each<{ name: string; machine: Partial<Machine>; is: boolean }>([
    { name: 'one that asks', machine: {}, is: true },
    { name: 'one that asks plainly', machine: { claimants: [claimant({ way: 'plain' })] }, is: false },
    { name: 'one that was rejected', machine: { claimants: [claimant({ isRejected: true })] }, is: false },
    {
      name: 'one that was silent for long',
      machine: { claimants: [claimant({ lastAt: ago(86_400_000) })] },
      is: false,
    },
    { name: 'one that has not asked anew', machine: { claimants: silent }, is: false },
    {
      name: 'one that has not asked anew and is approved',
      machine: { claimants: silent, state: 'approved', approval: approvalOf() },
      is: true,
    },
    {
      name: 'one beside that which is approved',
      machine: { claimants: silent, state: 'approved', approval: approvalOf({ code: 'XXXX-XXXX' }) },
      is: false,
    },
    {
      name: 'one whose approval is over',
      machine: { claimants: silent, state: 'locked', approval: approvalOf() },
      is: false,
    },
    {
      name: 'one that was given its configuration a minute ago',
      machine: { claimants: silent, state: 'delivered', delivery: deliveredAt(60_000) },
      is: false,
    },
    {
      name: 'one that should have left by now',
      machine: { claimants: silent, state: 'delivered', delivery: deliveredAt(60_001) },
      is: true,
    },
    {
      name: 'one that was cut off, and should have left by now',
      machine: { claimants: silent, state: 'delivering', delivery: deliveredAt(60_001) },
      is: true,
    },
    {
      name: 'one that has joined since',
      machine: { claimants: silent, state: 'locked', delivery: deliveredAt(600_000) },
      is: false,
    },
    {
      name: 'one at another address than where it was given',
      machine: { claimants: silent, state: 'delivered', delivery: deliveredAt(60_001, { address: '192.168.0.9' }) },
      is: false,
    },
  ])('$name: $is', ({ machine, is }) => {
    const found = waitingInMaintenance([machineOf(machine)], now)
    expect(found.length > 0).toBe(is)
    for (const one of found) expect(one).toMatchObject({ machine: { id: 'u-1' }, claimant: { code } })
  })
})

describe('the key of an address', () => {
  const seen = { id: 'u-1', address, fingerprint: 'KEY-1' }
  const first: SessionKey = { ...seen, since: at, isFirst: true }

  test('is the first where there was none, stays while it is the same, and then is another one', () => {
    expect(nextKey(undefined, seen, at)).toEqual(first)
    expect(nextKey(first, seen, ago(-5_000))).toBe(first)
    expect(nextKey(first, { ...seen, fingerprint: 'KEY-2' }, ago(-5_000))).toEqual({
      ...seen,
      fingerprint: 'KEY-2',
      since: ago(-5_000),
      isFirst: false,
    })
  })

  test('is kept for machine and address', () => {
    expect(sessionKeyKind.keyOf(first)).toBe(`u-1 ${address}`)
    expect(sessionKeyKind.parse(JSON.parse(JSON.stringify(first)))).toEqual(first)
    expect(sessionKeyKind.isOpen(first)).toBe(false)
  })
})

describe('what answers is the machine that asked', () => {
  const said = { address, claim }
  const byMac = { address, claim: { mac: claim.mac } }
  test.each([
    { name: 'by its UUID, whatever its cards', look: { uuid: 'u-1', macs: [] }, who: said, why: undefined },
    { name: 'not with another UUID', look: { uuid: 'u-2', macs: [claim.mac] }, who: said, why: /with the UUID u-2$/ },
    { name: 'not without a UUID', look: { uuid: undefined, macs: [claim.mac] }, who: said, why: /with no UUID$/ },
    { name: 'by its card, where it has no UUID', look: { uuid: 'u-2', macs: [claim.mac] }, who: byMac, why: undefined },
    {
      name: 'not with other cards',
      look: { uuid: undefined, macs: ['x'] },
      who: byMac,
      why: /with other network cards$/,
    },
    {
      name: 'not where it has said nothing',
      look: { uuid: 'u-2', macs: [claim.mac] },
      who: { address, claim: {} },
      why: /with other network cards$/,
    },
  ])('$name', ({ look, who, why = /^it is$/ }) => {
    expect(whyAnother(look, who) ?? 'it is').toMatch(why)
  })
})

describe('what was approved is given', () => {
  const key = (more: Partial<SessionKey> = {}): SessionKey => ({
    id: 'u-1',
    address,
    fingerprint: 'KEY-1',
    since: ago(60_000),
    isFirst: true,
    ...more,
  })
  const whyRefused = ({ fingerprint }: SessionKey) =>
    `the key that answers at ${address} has changed since it was approved: it was restarted, or another machine answers; compare its console with ${fingerprint}, and approve it again`
  const later = ago(-1)
  test.each<{ name: string; key: SessionKey; approval: Partial<Approval>; is: 'give' | 'refuse' }>([
    { name: 'to the key that a person saw', key: key(), approval: { fingerprint: 'KEY-1' }, is: 'give' },
    {
      name: 'to the key that a person saw, which was not the first',
      key: key({ isFirst: false, since: later }),
      approval: { fingerprint: 'KEY-1' },
      is: 'give',
    },
    {
      name: 'to no other key, were it the first that was seen',
      key: key({ fingerprint: 'KEY-2', since: later }),
      approval: { fingerprint: 'KEY-1' },
      is: 'refuse',
    },
    { name: 'unseen, to the first key that answers after it', key: key({ since: later }), approval: {}, is: 'give' },
    {
      name: 'unseen, to the key that was there',
      key: key({ isFirst: false, since: at }),
      approval: {},
      is: 'give',
    },
    {
      name: 'unseen, to no key that came after it in the place of another',
      key: key({ isFirst: false, since: later }),
      approval: {},
      is: 'refuse',
    },
  ])('$name: $is', ({ key: answers, approval, is }) => {
    const giving = decideGiving(answers, { address, claim }, approvalOf(approval))
    const told = giving.kind === 'give' ? giving.meant : giving.why
    expect({ is: giving.kind, told }).toEqual({
      is,
      told: { give: { fingerprint: answers.fingerprint, ...claim }, refuse: whyRefused(answers) }[is],
    })
  })
})
