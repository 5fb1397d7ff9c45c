import { describe, expect, test } from 'vitest'
import { recollect, type UpsMemory } from '../../../src/core/power/memory.ts'
import { callOff, type Recollection, startPower } from '../../../src/core/power/state.ts'
import type { PowerPolicy } from '../../../src/core/power/triggers.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, each, goOn, told } from './stories.ts'

const usual: Partial<PowerPolicy> = { onMainsAfter: 15_000, minimumCharge: 30, minimumRuntime: 240_000 }
const healthy = { charge: 100, runtime: 1_800_000 }

describe('FSD that appears on mains power', () => {
  test.each<{
    name: string
    story: string[]
    figures?: Partial<UpsReading>
    changed?: Partial<PowerPolicy>
    state: string
  }>([
    {
      name: 'after a blip is a request',
      story: [...each(1, 8, 'OB'), '9: OL', '10: FSD OL CHRG'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'after a blip of a second too',
      story: ['1: OB', '2: OL', '3: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'minutes after a blip too',
      story: ['1: OB', ...each(2, 200, 'OL', 5), '201: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'across a gap after a blip too',
      story: ['1: OB', '2: OL', '3: -', '60: -', '61: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'an hour after a blip needs something to confirm it',
      story: ['1: OB', ...each(2, 3_600, 'OL', 20), '3601: FSD OL'],
      state: 'forced',
    },
    { name: 'without a blip needs something to confirm it', story: ['5: OL', '6: FSD OL CHRG'], state: 'forced' },
    { name: 'after a flash of LB on mains power too', story: ['5: OL LB RB', '6: FSD OL'], state: 'forced' },
    { name: 'across a short gap too', story: ['5: OL', '6: -', '20: FSD OL'], state: 'forced' },
    { name: 'after a long silence is left over', story: ['5: OL', '6: -', '90: FSD OL'], state: 'latched' },
    { name: 'with LB is a request', story: ['5: OL', '6: FSD OL LB'], state: 'critical: forced-shutdown' },
    {
      name: 'with a low charge too',
      story: ['5: OL', '6: FSD OL'],
      figures: { charge: 20 },
      state: 'critical: forced-shutdown',
    },
    {
      name: 'with a charge below its own mark too',
      story: ['5: OL', '6: FSD OL'],
      figures: { charge: 40, chargeLow: 50 },
      state: 'critical: forced-shutdown',
    },
    {
      name: 'with a low runtime too',
      story: ['5: OL', '6: FSD OL'],
      figures: { charge: 50, runtime: 120_000 },
      state: 'critical: forced-shutdown',
    },
    {
      name: 'is obeyed at once where that is the policy',
      story: ['5: OL', '6: FSD OL'],
      changed: { obeyForcedShutdown: true },
      state: 'critical: forced-shutdown',
    },
    { name: 'with a status that only hints at mains power', story: ['5: OL', '6: FSD CHRG'], state: 'forced' },
    { name: 'is confirmed by silence', story: ['5: OL', '6: FSD OL', '7: -'], state: 'critical: forced-shutdown' },
    {
      name: 'is confirmed by an upsd that has no more data',
      story: ['5: OL', '6: FSD OL', '7: FSD WAIT'],
      state: 'critical: forced-shutdown',
    },
    { name: 'is confirmed by OB', story: ['5: OL', '6: FSD OL', '7: FSD OB'], state: 'critical: forced-shutdown' },
    {
      name: 'is confirmed by OB without it',
      story: ['5: OL', '6: FSD OL', '7: OB'],
      state: 'critical: forced-shutdown',
    },
    { name: 'is confirmed by LB', story: ['5: OL', '6: FSD OL', '7: FSD OL LB'], state: 'critical: forced-shutdown' },
    { name: 'is over without it', story: ['5: OL', '6: FSD OL', '7: OL'], state: 'on-mains' },
    {
      name: 'is left over when nothing confirms it',
      story: ['5: OL', ...each(6, 927, 'FSD OL', 10)],
      state: 'latched',
    },
    {
      name: 'and then silence confirms nothing',
      story: ['5: OL', ...each(6, 927, 'FSD OL', 10), '930: -', '2000: -'],
      state: 'latched',
    },
  ])('$name: $state', ({ story, figures = {}, changed = {}, state }) => {
    expect(told(after(['0: OL', ...story], { ...usual, ...changed }, false, { ...healthy, ...figures }))).toBe(state)
  })

  test('that a person calls no request is left over, and silence confirms nothing', () => {
    const forced = after(['0: OL', '5: OL', '6: FSD OL'], usual, false, healthy)
    expect(told(goOn(callOff(forced)!, ['7: -', '60: -'], healthy, usual))).toBe('latched')
    expect(told(goOn(callOff(forced)!, ['7: -', '9: OL'], healthy, usual))).toBe('on-mains')
  })

  test('at first contact is left over, and after a shutdown that is done too', () => {
    expect(told(after(['1: FSD OL'], usual))).toBe('latched')
    expect(told(after(['1: FSD OL LB'], usual, false, { charge: 5 }))).toBe('latched')
    expect(told(after(['1: FSD OL'], usual, true, healthy, true))).toBe('latched')
    const done = [...each(1, 5, 'OB LB'), ...each(6, 400, 'FSD OL CHRG', 2)]
    expect(told(after(['0: OL', ...done], usual))).toBe('latched')
  })
})

describe('over a restart of the agent', () => {
  const begun = (recollection: Recollection, story: string[]) =>
    told(goOn(startPower(0, recollection), story, healthy, usual))

  test.each<{ name: string; recollection: Recollection; story: string[]; state: string }>([
    {
      name: 'after a blip',
      recollection: { wasOnBattery: true },
      story: ['1: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'after a blip, with an open shutdown',
      recollection: { wasOnBattery: true, openOutage: true },
      story: ['1: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'after a shutdown that is done',
      recollection: { wasOnBattery: true, openOutage: true, nodesAreDown: true },
      story: ['1: FSD OL'],
      state: 'latched',
    },
    { name: 'on mains power', recollection: { wasOnMains: true }, story: ['1: FSD OL'], state: 'forced' },
    {
      name: 'on mains power, and silent then',
      recollection: { wasOnMains: true },
      story: ['1: FSD OL', '2: -'],
      state: 'critical: forced-shutdown',
    },
    {
      name: 'in the middle of a shutdown that it began',
      recollection: { wasForced: true, openOutage: true },
      story: ['1: FSD OL'],
      state: 'critical: forced-shutdown',
    },
    { name: 'that was left over before', recollection: { wasForced: true }, story: ['1: FSD OL'], state: 'latched' },
    {
      name: 'after a blip, when upsd answers only much later',
      recollection: { wasOnBattery: true },
      story: ['1: -', '1200: -', '1201: FSD OL'],
      state: 'latched',
    },
    { name: 'that knows nothing', recollection: {}, story: ['1: FSD OL'], state: 'latched' },
  ])('FSD $name: $state', ({ recollection, story, state }) => {
    expect(begun(recollection, story)).toBe(state)
  })

  const now = new Date('2026-11-26T12:00:00Z')
  const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000).toISOString()
  test.each<{ name: string; memory: UpsMemory | undefined; known: Recollection }>([
    { name: 'of nothing', memory: undefined, known: {} },
    {
      name: 'of mains power a moment ago',
      memory: { ups: 'a', at: ago(5), status: ['OL'] },
      known: { wasOnBattery: false, wasOnMains: true },
    },
    {
      name: 'of mains power too long ago',
      memory: { ups: 'a', at: ago(31), status: ['OL'] },
      known: { wasOnBattery: false, wasOnMains: false },
    },
    {
      name: 'of a blip minutes ago',
      memory: { ups: 'a', at: ago(200), status: ['OL'], onBatteryAt: ago(205) },
      known: { wasOnBattery: true, wasOnMains: false },
    },
    {
      name: 'of a blip an hour ago',
      memory: { ups: 'a', at: ago(10), status: ['OL'], onBatteryAt: ago(3_600) },
      known: { wasOnBattery: false, wasOnMains: true },
    },
    {
      name: 'of a battery that came into use',
      memory: { ups: 'a', at: ago(900), status: ['OB'], onBatteryAt: ago(900) },
      known: { wasOnBattery: true, wasOnMains: false },
    },
    {
      name: 'of one that did long ago',
      memory: { ups: 'a', at: ago(7_200), status: ['OB'], onBatteryAt: ago(7_200) },
      known: { wasOnBattery: false, wasOnMains: false },
    },
    {
      name: 'of FSD',
      memory: { ups: 'a', at: ago(5), status: ['FSD', 'OL'], onBatteryAt: ago(10) },
      known: { wasForced: true },
    },
    {
      name: 'from a clock that was ahead',
      memory: { ups: 'a', at: ago(-600), status: ['OL'], onBatteryAt: ago(-600) },
      known: { wasOnBattery: false, wasOnMains: false },
    },
  ])('a memory $name', ({ memory, known }) => {
    expect(recollect(memory, now, { deadTime: 30_000 })).toEqual(known)
  })
})
