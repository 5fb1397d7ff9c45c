import { expect, test } from 'vitest'
import { createMeter, methodLabel } from '../../../src/core/metrics/meter.ts'
import { valuesOf } from './facts.ts'

const series = (meter: ReturnType<typeof createMeter>, family: string) =>
  Object.fromEntries(
    meter
      .read()
      .filter((sample) => sample.family === family)
      .map(({ series, labels, value }) => [[series, ...Object.values(labels)].join(' '), value]),
  )

test('what there is one of shows zero before it is counted', () => {
  const meter = createMeter()
  expect(valuesOf(meter.read(), 'caretaker_upgrade_windows_missed_total')).toEqual({ '': 0 })
  expect(valuesOf(meter.read(), 'caretaker_alerts_opened_total')).toEqual({ critical: 0, warning: 0, info: 0 })
  meter.count('caretaker_upgrade_windows_missed_total', {})
  expect(valuesOf(meter.read(), 'caretaker_upgrade_windows_missed_total')).toEqual({ '': 1 })
})

test('a bucket holds what is at its bound and below, and those above hold it too', () => {
  const meter = createMeter()
  for (const value of [0.01, 0.011, 7]) meter.observe('caretaker_event_loop_lag_seconds', {}, value)
  expect(series(meter, 'caretaker_event_loop_lag_seconds')).toEqual({
    '_bucket 0.01': 1,
    '_bucket 0.05': 2,
    '_bucket 0.1': 2,
    '_bucket 0.5': 2,
    '_bucket 1': 2,
    '_bucket 5': 2,
    '_bucket +Inf': 3,
    _sum: 0.01 + 0.011 + 7,
    _count: 3,
  })
})

test('a value that is not known any more is not shown any more', () => {
  const meter = createMeter()
  const name = 'caretaker_credentials_expiry_timestamp_seconds'
  meter.set(name, { credentials: 'talosconfig' }, 12)
  expect(valuesOf(meter.read(), name)).toEqual({ talosconfig: 12 })
  meter.set(name, { credentials: 'talosconfig' }, undefined)
  expect(valuesOf(meter.read(), name)).toEqual({})
})

test('labels that never end take no more than a part of the memory', () => {
  const meter = createMeter()
  for (let index = 0; index < 2_000; index += 1) meter.count('caretaker_events_total', { event: `event-${index}` })
  expect(Object.keys(valuesOf(meter.read(), 'caretaker_events_total'))).toHaveLength(500)
  meter.count('caretaker_events_total', { event: 'event-7' })
  expect(valuesOf(meter.read(), 'caretaker_events_total')).toMatchObject({ 'event-7': 2 })
})

test.each([
  { method: 'GET', label: 'GET' },
  { method: 'PROPFIND', label: 'other' },
  { method: 'get', label: 'other' },
  { method: undefined, label: 'other' },
])('the method $method is counted as $label', ({ method, label }) => {
  expect(methodLabel(method)).toBe(label)
})
