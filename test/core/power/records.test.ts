import { describe, expect, test } from 'vitest'
import { drillReport, drillRequest } from '../../../src/core/power/drill-shape.ts'
import { outageKind } from '../../../src/core/power/outage-kind.ts'
import { hourOf, mostOfHour, readingHourKind, readingsKept, withSamples } from '../../../src/core/power/readings.ts'

describe('the record of an outage', () => {
  const at = '2026-11-26T10:00:00.000Z'
  const outage = { startedAt: at, reason: 'low-battery', stage: 'draining', nodes: {} }
  const node = { wasUp: true, state: 'off' }

  test.each(['shedding', 'draining', 'stopping', 'stopped', 'waking'])('is open while it is %s', (stage) => {
    expect(outageKind.isOpen?.(outageKind.parse({ ...outage, stage }))).toBe(true)
  })

  test('is not open when it is over', () => {
    expect(outageKind.isOpen?.(outageKind.parse({ ...outage, stage: 'over' }))).toBe(false)
  })

  test('is refused with a stage, a reason or a state that there is not: nothing is done by what is not known', () => {
    expect(() => outageKind.parse({ ...outage, stage: 'sleeping' })).toThrow('stage is not one of shedding')
    expect(() => outageKind.parse({ ...outage, reason: 'boredom' })).toThrow('reason is not one of forced-shutdown')
    expect(() => outageKind.parse({ ...outage, nodes: { 'w-1': { ...node, state: 'lost' } } })).toThrow(
      'is not one of up, drained',
    )
    expect(outageKind.parse({ ...outage, nodes: { 'w-1': node } }).nodes).toEqual({ 'w-1': node })
  })
})

describe('what is on record of a rehearsal', () => {
  const report = { at: 'now', form: 'ordered', reason: 'the battery lasts', needs: 1, timeline: [], checks: [] }
  const row = { phase: 'drain', from: 0, to: 1, steps: [], reversible: true }

  test('names its phases', () => {
    expect(drillReport({ ...report, timeline: [row] }).timeline).toEqual([row])
    expect(() => drillReport({ ...report, timeline: [{ ...row, phase: 'dance' }] })).toThrow('is not a phase')
  })

  test('ends with a phase that can be undone', () => {
    expect(drillRequest({ until: 'drain' })).toEqual({ until: 'drain' })
    expect(() => drillRequest({ until: 'shut-down-workers' })).toThrow('is not a phase that can be undone')
    expect(() => drillRequest({ until: 'dance' })).toThrow('is not a phase')
  })
})

describe('the readings of an hour', () => {
  const hour = '2026-11-26T10:00:00.000Z'
  const sample = (minute: number, second = 0) => ({
    at: new Date(Date.parse(hour) + minute * 60_000 + second * 1_000).toISOString(),
    chargePercent: minute,
  })
  const before = { ups: 'ups@nas', hour, samples: [sample(1)] }

  test('are those of it, oldest first', () => {
    expect(hourOf('2026-11-26T10:59:59.999Z')).toBe(hour)
    expect(withSamples(before, [sample(59), sample(60), sample(-1)])).toEqual({
      ...before,
      samples: [sample(1), sample(59)],
    })
  })

  test('are the newest of them, where a UPS flaps', () => {
    const many = Array.from({ length: mostOfHour }, (_, second) => sample(2, second / 10))
    const { samples } = withSamples(before, many)
    expect(samples).toHaveLength(mostOfHour)
    expect(samples[0]).toEqual(many[0])
  })

  test('are kept for a day and the hour that has begun, and push out nothing else', () => {
    const day = 24 * 60 * 60_000
    expect(readingsKept).toBe(day)
    expect(readingHourKind.retention).toMatchObject({ age: day + 60 * 60_000, isExpendable: true })
    expect(readingHourKind.isOpen?.(before)).toBe(false)
    // Ten UPSes, each with its day.
    expect(readingHourKind.retention.most).toBeGreaterThanOrEqual(10 * 25)
  })
})
