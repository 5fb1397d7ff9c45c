import { describe, expect, test } from 'vitest'
import { has, isOnPurpose, remarksOn, type UpsReading, type UpsRemark } from '../../../src/core/power/ups.ts'

const reading = (status: string, more: Partial<UpsReading> = {}): UpsReading => ({
  status: status.split(' ').filter(Boolean),
  ...more,
})

test.each<[string, string, boolean]>([
  ['OB LB', 'LB', true],
  ['OB LB', 'OL', false],
  ['OLCHRG', 'OL', false],
  ['', 'OL', false],
])('the status "%s" has the word %s: %s', (status, token, expected) => {
  expect(has(reading(status), token)).toBe(expected)
})

test.each<[string, UpsReading, boolean]>([
  ['a calibration', reading('OB CAL'), true],
  ['a self-test that the status tells', reading('OB TEST'), true],
  ['a self-test that its result tells', reading('OB', { testing: true }), true],
  ['a power cut', reading('OB DISCHRG LB'), false],
  ['a UPS that is off', reading('OL OFF'), false],
])('%s is on purpose: %s', (_, seen, expected) => {
  expect(isOnPurpose(seen)).toBe(expected)
})

describe('what a person should know', () => {
  test.each<[string, UpsRemark, string | undefined]>([
    ['BYPASS', 'bypass', 'is in bypass (BYPASS): its load is fed past the battery, and a power cut would be at once'],
    ['OFF', 'off', 'says that it does not feed its load (OFF)'],
    ['ALARM', 'alarm', 'has an alarm'],
    ['RB', 'replace', 'asks for a new battery (RB)'],
    ['OVER', 'overload', 'is overloaded (OVER): it may switch off when the power fails'],
  ])('of %s', (token, matter, text) => {
    const settled = remarksOn(reading('OL CHRG'))
    expect(Object.keys(settled)).toContain(matter)
    expect(Object.values(settled).filter(Boolean)).toEqual([])
    const remarks = remarksOn(reading(`OL ${token}`))
    expect(remarks[matter]).toBe(text)
    expect(Object.values(remarks).filter(Boolean)).toHaveLength(1)
  })

  test('of what an alarm is about', () => {
    expect(remarksOn(reading('OL ALARM', { alarm: 'Fan failure' }))['alarm']).toBe('has an alarm: Fan failure')
    expect(remarksOn(reading('OL', { alarm: 'Fan failure' }))['alarm']).toBeUndefined()
  })

  test.each<[string, string, Partial<UpsReading>, string | undefined]>([
    ['much charge', 'OB LB', { charge: 90 }, 'a charge of 90 %'],
    ['just enough charge', 'OB LB', { charge: 50 }, 'a charge of 50 %'],
    ['a long runtime', 'OB LB', { runtime: 900_000 }, 'a runtime of 900 s'],
    ['both', 'OL LB', { charge: 95, runtime: 1_200_400 }, 'a charge of 95 % and a runtime of 1200 s'],
    ['three times the UPS’s own mark', 'OB LB', { runtime: 360_000, runtimeLow: 120_000 }, 'a runtime of 360 s'],
    ['less than that', 'OB LB', { runtime: 359_000, runtimeLow: 120_000 }, undefined],
    ['less than three minutes where there is no mark', 'OB LB', { runtime: 179_000 }, undefined],
    ['a low charge', 'OB LB', { charge: 49 }, undefined],
    ['much charge, and a short runtime', 'OB LB', { charge: 90, runtime: 60_000 }, undefined],
    ['a long runtime, and a low charge', 'OB LB', { charge: 10, runtime: 900_000 }, undefined],
    ['nothing else that is told', 'OB LB', {}, undefined],
    ['no LB', 'OB', { charge: 90, runtime: 900_000 }, undefined],
  ])('of a low battery that its figures contradict: %s', (_, status, figures, about) => {
    const text = `calls its battery low (LB) beside ${about}: if that is wrong, set power.ignoreLowBattery`
    expect(remarksOn(reading(status, figures))['low']).toBe(about === undefined ? undefined : text)
  })
})
