import { expect, test } from 'vitest'
import { noteQuestion } from '../../../src/core/provision/claimants.ts'
import { rejected } from '../../../src/core/provision/lifecycle.ts'
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
