import { describe, expect, test } from 'vitest'
import {
  count,
  flag,
  instant,
  listOf,
  mapOf,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  text,
  time,
  yes,
} from '../../src/core/shape.ts'

interface Machine {
  readonly name: string
  readonly role: 'worker' | 'nas'
  readonly cores?: number
}

const machine = object<Machine>({ name: text, role: oneOf({ worker: true, nas: true }), cores: optional(number) })

describe('a shape reads', () => {
  test('an object with its fields, and leaves out what it does not know', () => {
    expect(machine({ name: 'w-1', role: 'worker', cores: 4, colour: 'red' })).toEqual({
      name: 'w-1',
      role: 'worker',
      cores: 4,
    })
  })

  test.each([{ cores: undefined }, { cores: null }, {}])('an optional field that is absent: %o', (more) => {
    expect(machine({ name: 'w-1', role: 'nas', ...more })).toStrictEqual({ name: 'w-1', role: 'nas' })
  })

  test('lists and values by name, also under names that objects have of their own', () => {
    const named = JSON.parse('{"__proto__":1,"constructor":2}') as unknown
    expect(listOf(text)([])).toEqual([])
    expect(Object.entries(mapOf(number)(named))).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ])
  })
})

describe('a shape refuses, and names the place:', () => {
  test.each<{ shape: Shape<unknown>; value: unknown; why: string }>([
    { shape: machine, value: [], why: 'it is not an object' },
    { shape: machine, value: null, why: 'it is not an object' },
    { shape: machine, value: { role: 'nas' }, why: 'it.name is not a text' },
    { shape: machine, value: Object.create({ name: 'w-1', role: 'nas' }), why: 'it.name is not a text' },
    { shape: machine, value: { name: 'w-1', role: 'toString' }, why: 'it.role is not one of worker, nas' },
    { shape: machine, value: { name: 'w-1', role: 'nas', cores: '4' }, why: 'it.cores is not a number' },
    { shape: listOf(machine), value: [{ name: 1 }], why: 'it[0].name is not a text' },
    { shape: listOf(text), value: { length: 1 }, why: 'it is not a list' },
    { shape: mapOf(flag), value: { a: true, b: 0 }, why: 'it.b is not true or false' },
    { shape: mapOf(flag), value: [true], why: 'it is not an object' },
    { shape: number, value: Number.NaN, why: 'it is not a number' },
    { shape: time, value: 'yesterday', why: 'it is not a time' },
    { shape: time, value: '2026', why: 'it is not a time' },
    { shape: time, value: 'Nov 26 2026 10:00', why: 'it is not a time' },
    { shape: time, value: '+012026-11-26T10:00:00.000Z', why: 'it is not a time' },
    { shape: time, value: '2026-11-26T10:99:00.000Z', why: 'it is not a time' },
    { shape: instant, value: 8.64e15, why: 'it is not a time in ms' },
    { shape: instant, value: -8.64e15, why: 'it is not a time in ms' },
    { shape: instant, value: Number.NaN, why: 'it is not a time in ms' },
    { shape: instant, value: '0', why: 'it is not a time in ms' },
    { shape: count, value: -1, why: 'it is not a count' },
    { shape: count, value: 0.5, why: 'it is not a count' },
    { shape: count, value: 1e300, why: 'it is not a count' },
    { shape: count, value: '3', why: 'it is not a count' },
    { shape: yes, value: false, why: 'it is not true' },
  ])('$why', ({ shape, value, why }) => {
    expect(() => shape(value)).toThrow(expect.objectContaining({ code: 'malformed', message: why }))
  })
})
