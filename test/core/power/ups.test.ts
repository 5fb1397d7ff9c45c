import { describe, expect, test } from 'vitest'
import { has, isOnPurpose, remarksOn, type UpsReading, type UpsRemark } from '../../../src/core/power/ups.ts'

const reading = (status: string, more: Partial<UpsReading> = {}): UpsReading => ({
  status: status.split(' ').filter(Boolean),
  ...more,
})

test.each<{ status: string; token: string; expected: boolean }>([
  { status: 'OB LB', token: 'LB', expected: true },
  { status: 'OB LB', token: 'OL', expected: false },
  { status: 'OLCHRG', token: 'OL', expected: false },
  { status: '', token: 'OL', expected: false },
])('the status "$status" has the word $token: $expected', ({ status, token, expected }) => {
  expect(has(reading(status), token)).toBe(expected)
})

test.each<{ name: string; seen: UpsReading; expected: boolean }>([
  { name: 'a calibration', seen: reading('OB CAL'), expected: true },
  { name: 'a self-test that the status tells', seen: reading('OB TEST'), expected: true },
  { name: 'a self-test that its result tells', seen: reading('OB', { testing: true }), expected: true },
  { name: 'a power cut', seen: reading('OB DISCHRG LB'), expected: false },
  { name: 'a UPS that is off', seen: reading('OL OFF'), expected: false },
])('that $name is on purpose is $expected', ({ seen, expected }) => {
  expect(isOnPurpose(seen)).toBe(expected)
})

describe('what a person should know', () => {
  test.each<{ token: string; matter: UpsRemark; text: string | undefined }>([
    {
      token: 'BYPASS',
      matter: 'bypass',
      text: 'is in bypass (BYPASS): its load loses power at once when mains power fails',
    },
    { token: 'OFF', matter: 'off', text: 'does not feed its load (OFF)' },
    { token: 'ALARM', matter: 'alarm', text: 'has an alarm' },
    { token: 'RB', matter: 'replace', text: 'needs a new battery (RB)' },
    {
      token: 'OLB',
      matter: 'words',
      text: 'reports OLB in its status, which NUT does not know and which may stand for several tokens: it is not used',
    },
    { token: 'OVER', matter: 'overload', text: 'is overloaded (OVER): it may switch off when the power fails' },
  ])('of $token', ({ token, matter, text }) => {
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

  test.each<{ name: string; status: string; figures?: Partial<UpsReading>; about: string | undefined }>([
    { name: 'much charge', status: 'OB LB', figures: { charge: 90 }, about: 'a charge of 90 %' },
    { name: 'just enough charge', status: 'OB LB', figures: { charge: 50 }, about: 'a charge of 50 %' },
    { name: 'a long runtime', status: 'OB LB', figures: { runtime: 900_000 }, about: 'a runtime of 15 min' },
    {
      name: 'both',
      status: 'OL LB',
      figures: { charge: 95, runtime: 1_200_400 },
      about: 'a charge of 95 % and a runtime of 20 min',
    },
    {
      name: 'three times the UPS’s own mark',
      status: 'OB LB',
      figures: { runtime: 360_000, runtimeLow: 120_000 },
      about: 'a runtime of 360 s',
    },
    { name: 'less than that', status: 'OB LB', figures: { runtime: 359_000, runtimeLow: 120_000 }, about: undefined },
    {
      name: 'less than three minutes where there is no mark',
      status: 'OB LB',
      figures: { runtime: 179_000 },
      about: undefined,
    },
    { name: 'a low charge', status: 'OB LB', figures: { charge: 49 }, about: undefined },
    {
      name: 'much charge, and a short runtime',
      status: 'OB LB',
      figures: { charge: 90, runtime: 60_000 },
      about: undefined,
    },
    {
      name: 'a long runtime, and a low charge',
      status: 'OB LB',
      figures: { charge: 10, runtime: 900_000 },
      about: undefined,
    },
    { name: 'nothing else that is told', status: 'OB LB', about: undefined },
    { name: 'no LB', status: 'OB', figures: { charge: 90, runtime: 900_000 }, about: undefined },
  ])('of a low battery that its figures contradict: $name', ({ status, figures = {}, about }) => {
    const text = `reports a low battery (LB) that its figures contradict: ${about}`
    expect(remarksOn(reading(status, figures))['low']).toBe(about === undefined ? undefined : text)
  })
})
