import { describe, expect, test } from 'vitest'
import { recollect, type UpsMemory } from '../../../src/core/power/memory.ts'

const now = new Date('2026-11-26T12:00:00.000Z')
const ago = (ms: number) => new Date(now.getTime() - ms).toISOString()
const [second, minute] = [1_000, 60_000]
const policy = { deadTime: 15 * second }

describe('what is known of a UPS after a restart', () => {
  test.each<{ name: string; memory: Omit<UpsMemory, 'ups'> | undefined; is: object }>([
    { name: 'nothing was kept', memory: undefined, is: {} },
    {
      name: 'it was on mains a moment ago',
      memory: { at: ago(15 * second), status: ['OL'] },
      is: { wasOnBattery: false, wasOnMains: true },
    },
    {
      name: 'in this very moment',
      memory: { at: ago(0), status: ['OL'] },
      is: { wasOnBattery: false, wasOnMains: true },
    },
    {
      name: 'it was on mains before its dead time',
      memory: { at: ago(15 * second + 1), status: ['OL'] },
      is: { wasOnBattery: false, wasOnMains: false },
    },
    {
      name: 'it was on mains, after a time on battery that FSD may follow',
      memory: { at: ago(second), status: ['OL'], onBatteryAt: ago(5 * minute) },
      is: { wasOnBattery: true, wasOnMains: true },
    },
    {
      name: 'it was on mains, and on battery long before',
      memory: { at: ago(second), status: ['OL'], onBatteryAt: ago(5 * minute + 1) },
      is: { wasOnBattery: false, wasOnMains: true },
    },
    {
      name: 'it was on battery, which may have lasted',
      memory: { at: ago(30 * minute), status: ['OB', 'DISCHRG'], onBatteryAt: ago(30 * minute) },
      is: { wasOnBattery: true, wasOnMains: false },
    },
    {
      name: 'it was on battery, longer ago than one lasts',
      memory: { at: ago(30 * minute + 1), status: ['OB'], onBatteryAt: ago(40 * minute) },
      is: { wasOnBattery: false, wasOnMains: false },
    },
    {
      name: 'it was on battery a moment ago',
      memory: { at: ago(second), status: ['OB'] },
      is: { wasOnBattery: true, wasOnMains: false },
    },
    {
      name: 'it showed FSD',
      memory: { at: ago(5 * minute), status: ['FSD', 'OB'], onBatteryAt: ago(minute) },
      is: { wasForced: true },
    },
    {
      name: 'it showed FSD long ago',
      memory: { at: ago(5 * minute + 1), status: ['FSD', 'OL'] },
      is: { wasForced: false },
    },
    {
      name: 'the clock has been set back since',
      memory: { at: ago(-1), status: ['OB'], onBatteryAt: ago(-1) },
      is: { wasOnBattery: false, wasOnMains: false },
    },
  ])('$name', ({ memory, is }) => {
    expect(recollect(memory && { ups: 'rack', ...memory }, now, policy)).toEqual(is)
  })
})
