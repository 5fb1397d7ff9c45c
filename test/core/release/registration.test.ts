import { expect, test } from 'vitest'
import { isToBeTold, isTold, registrationAfter, registrationShape } from '../../../src/core/release/registration.ts'

const id = 'a'.repeat(64)
const now = new Date('2026-11-27T12:00:00.000Z')
const at = now.toISOString()
const told = { id, registry: 'factory.talos.dev', at }
const after = (hours: number) => new Date(now.getTime() + hours * 3_600_000)

test('a schematic is told to the Factory that nodes pull from, again each day, and at once to another one', () => {
  const cases = [
    { known: undefined, at: now, tells: true },
    { known: { id }, at: now, tells: true },
    { known: told, at: after(23), tells: false },
    { known: told, at: after(24), tells: true },
    { known: told, at: after(-1), tells: true },
    { known: { ...told, registry: 'factory.lan' }, at: now, tells: true },
  ]
  expect(cases.map((one) => isToBeTold(one.known, 'factory.talos.dev', one.at))).toEqual(
    cases.map(({ tells }) => tells),
  )
})

test('what a fallback alone knows is in no registry, and what was told once stays so while the Factory is away', () => {
  const when = { registry: 'factory.talos.dev', now: after(30) }
  const other = { id: 'f'.repeat(64), untold: 'it is away' }
  expect(isTold(registrationAfter(undefined, other, when), when.registry)).toBe(false)
  expect(registrationAfter(told, other, when)).toEqual(told)
  expect(registrationAfter({ ...told, registry: 'factory.lan' }, other, when)).toEqual({ id: other.id })
  expect(registrationAfter(undefined, { id }, when)).toEqual({ ...told, at: when.now.toISOString() })
})

test('of records of earlier versions it is not known who was told', () => {
  expect(isTold(registrationShape(id), 'factory.talos.dev')).toBe(false)
  expect(registrationShape(told)).toEqual(told)
})
