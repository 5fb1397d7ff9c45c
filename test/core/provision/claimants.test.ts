import { expect, test } from 'vitest'
import { claimantOf, claimOf, lastAtOf, noteQuestion, waitingClaimants } from '../../../src/core/provision/claimants.ts'
import { approved, keptFor, rejected } from '../../../src/core/provision/lifecycle.ts'
import type { Machine } from '../../../src/core/provision/machine.ts'
import { asks, uuid } from '../../fakes/machines.ts'

const at = '2026-11-27T08:00:00.000Z'
let codes = 0
const code = () => `CODE-${(codes += 1)}`

/** A machine after questions from these addresses; those for which there is no room change nothing. */
function askedFrom(hosts: readonly number[], before?: Machine): Machine | undefined {
  return hosts.reduce<Machine | undefined>(
    (machine, host) => noteQuestion(machine, asks({ address: `192.168.0.${host}` }), { at, code })?.machine ?? machine,
    before,
  )
}

const hostsOf = (machine: Machine | undefined) =>
  machine?.claimants.map(({ address }) => Number(address.split('.')[3])).toSorted((one, other) => one - other)

/** In seconds since the first question. */
const after = (seconds: number) => new Date(Date.parse(at) + seconds * 1_000).toISOString()
const begins = (machine: Machine | undefined, flow: string, seconds: number) =>
  noteQuestion(machine, asks({ way: 'device-flow', flow }), { at: after(seconds), code })?.machine
const flowsOf = (machine: Machine | undefined, seconds: number) =>
  machine && waitingClaimants(machine, Date.parse(after(seconds))).map(({ flow }) => flow)

test('a machine that begins its device flow anew has the new code alone, once nobody polls in the old one', () => {
  const one = begins(undefined, 'one', 0)
  const soon = begins(one, 'two', 5)
  expect(flowsOf(soon, 6)).toEqual(['two', 'one'])
  expect(flowsOf(soon, 51)).toEqual(['two'])
  expect(begins(soon, 'three', 60)?.claimants.map(({ flow }) => flow)).toEqual(['three'])
})

test('two that poll at one address are both seen, and a third and a fourth cost no more than a refusal', () => {
  let machine = begins(begins(begins(undefined, 'one', 0), 'two', 1), 'three', 2)
  expect(begins(machine, 'four', 3)).toBeUndefined()
  machine = begins(machine, 'one', 40)
  expect(flowsOf(begins(machine, 'four', 50), 50)).toEqual(['four', 'one'])
})

test('a new device flow of whom a person has rejected is nobody new', () => {
  const one = rejected(begins(undefined, 'one', 0)!, { code: undefined, reason: undefined, at })
  expect(begins(one, 'two', 300)?.claimants).toMatchObject([{ flow: 'one', isRejected: true }])
})

test('a machine that a person keeps for an address is that of nobody else, for an hour', () => {
  const full = askedFrom([1, 2, 3, 4, 5, 6, 7, 8])!
  const kept = keptFor(full, '192.168.0.21', at)
  // The clock was a day ahead.
  const early = new Date(Date.parse(at) - 86_400_000).toISOString()
  expect(noteQuestion(kept, asks({ address: '192.168.0.99' }), { at: early, code })).toBeDefined()
  expect(hostsOf(kept)).toEqual([])
  expect(hostsOf(askedFrom([1, 9, 21, 22], kept))).toEqual([21])
  const late = noteQuestion(kept, asks({ address: '192.168.0.9' }), { at: after(3_601), code })
  expect(late).toBeDefined()
})

test('whoever comes after eight others is nobody, until a person has rejected one of them', () => {
  const full = askedFrom([1, 2, 3, 4, 5, 6, 7, 8])!
  expect(hostsOf(askedFrom([21], full))).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  const [first] = full.claimants
  const less = rejected(full, { code: first!.code, reason: undefined, at })
  expect(hostsOf(askedFrom([21, 22], less))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 21])
})

test('of those that were rejected the last eight are known, so that their questions are no news', () => {
  let machine: Machine | undefined
  for (let host = 1; host <= 12; host += 1) {
    machine = askedFrom([host], machine)!
    machine = rejected(machine, { code: machine.claimants[0]!.code, reason: undefined, at })
  }
  expect(machine?.id).toBe(uuid)
  expect(hostsOf(askedFrom([21], machine))).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 21])
})

const order = { name: 'w-1', role: 'worker', labels: {}, patches: [] } as const
const approves = (machine: Machine, one: string) => approved(machine, { code: one, order, by: 'admin', at })

test('a question is that of another one where anything differs: address, way, UUID, card or flow', () => {
  const { machine } = noteQuestion(undefined, asks(), { at, code })!
  expect(claimantOf(machine, asks())).toBe(machine.claimants[0])
  for (const other of [
    asks({ address: '192.168.0.9' }),
    asks({ way: 'maintenance' }),
    asks({ claim: { uuid: undefined } }),
    asks({ claim: { mac: '02:00:00:00:00:01' } }),
    asks({ flow: 'one' }),
  ])
    expect(claimantOf(machine, other)).toBeUndefined()
})

test('a question is taken note of, and what it does not say this time it has said before', () => {
  const first = noteQuestion(undefined, asks(), { at, code })!
  const { claimant } = first
  expect(first).toEqual({
    machine: { id: uuid, state: 'pending', since: at, firstAt: at, claimants: [claimant] },
    claimant: { ...asks(), code: claimant.code, asked: 1, tries: 1, firstAt: at, lastAt: at },
    isNew: true,
  })
  const beside = askedFrom([66], first.machine)!
  const next = noteQuestion(beside, asks({ claim: { serial: undefined, hostname: 'nuc' } }), { at: after(151), code })!
  expect(next.isNew).toBe(false)
  expect(next.claimant).toEqual({
    ...claimant,
    claim: { ...claimant.claim, hostname: 'nuc' },
    asked: 2,
    tries: 2,
    lastAt: after(151),
  })
  expect(next.machine).toEqual({ ...beside, claimants: [next.claimant, beside.claimants[0]] })
  const held = noteQuestion(next.machine, asks({ isHeld: true }), { at: after(200), code })!
  expect(held.claimant).toMatchObject({ asked: 2, tries: 2, lastAt: after(200) })
})

test('a person decides about those who ask, were not rejected and are not approved', () => {
  const both = askedFrom([1, 2])!
  const [two, one] = both.claimants.map((each) => each.code) as [string, string]
  const waiting = (machine: Machine, seconds = 0) =>
    waitingClaimants(machine, Date.parse(after(seconds))).map((each) => each.code)
  expect(waiting(both)).toEqual([two, one])
  expect(waiting(both, 4_500)).toEqual([two, one])
  expect(waiting(both, 4_501)).toEqual([])
  expect(waiting(both, -4_501)).toEqual([])
  expect(waiting(rejected(both, { code: two, reason: undefined, at }))).toEqual([one])
  expect(waiting({ ...both, state: 'rejected' })).toEqual([])
  expect(waiting(approves(both, two))).toEqual([one])
})

test('what is known of a machine is what the one that is meant says', () => {
  const one = noteQuestion(undefined, asks({ claim: { serial: 'own' } }), { at, code })!
  const rival = asks({ address: '192.168.0.66', claim: { serial: 'other', hostname: 'nuc' } })
  const both = noteQuestion(one.machine, rival, { at: after(1), code })!.machine
  expect(claimOf(both)).toMatchObject({ serial: 'other', hostname: 'nuc' })
  expect(claimOf(approves(both, one.claimant.code))).toMatchObject({ uuid, serial: 'own', hostname: 'nuc' })
  expect(lastAtOf(both)).toBe(after(1))
  expect(lastAtOf({ ...both, claimants: both.claimants.toReversed() })).toBe(after(1))
  expect(lastAtOf({ claimants: [], since: at })).toBe(at)
})

test('who was silent for long makes room, and neither who is approved nor who still asks', () => {
  const full = askedFrom([1, 2, 3, 4, 5, 6, 7, 8])!
  const oldest = full.claimants.at(-1)!
  const late = noteQuestion(full, asks({ address: '192.168.0.2' }), { at: after(9_000), code })!.machine
  const comes = (machine: Machine) =>
    noteQuestion(machine, asks({ address: '192.168.0.21' }), { at: after(9_001), code })
  expect(hostsOf(comes(late)?.machine)).toEqual([2, 3, 4, 5, 6, 7, 8, 21])
  expect(hostsOf(comes(approves(late, oldest.code))?.machine)).toEqual([1, 2, 4, 5, 6, 7, 8, 21])
})

test('a new device flow takes the place of its own that is over, and of no other', () => {
  const flows = begins(begins(undefined, 'one', 0), 'two', 1)!
  const [two, one] = flows.claimants as [Machine['claimants'][number], Machine['claimants'][number]]
  const left = (machine: Machine, seconds: number) =>
    begins(machine, 'three', seconds)?.claimants.map(({ flow }) => flow)
  expect(left(flows, 45)).toEqual(['three', 'two', 'one'])
  expect(left(flows, 46)).toEqual(['three', 'two'])
  expect(left(flows, 47)).toEqual(['three'])
  expect(left(approves(flows, one.code), 60)).toEqual(['three', 'one'])
  const elsewhere = { ...flows, claimants: [{ ...two, address: '192.168.0.66' }, one] }
  expect(left(elsewhere, 60)).toEqual(['three', 'two'])
})
