import { expect, test } from 'vitest'
import { noteQuestion, waitingClaimants } from '../../../src/core/provision/claimants.ts'
import { keptFor, rejected } from '../../../src/core/provision/lifecycle.ts'
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
