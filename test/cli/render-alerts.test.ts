import { expect, test } from 'vitest'
import { describeAlerts, renderAlerts } from '../../src/cli/render-alerts.ts'
import type { Alert } from '../../src/core/alert.ts'

const silent: Alert = {
  id: 'ups.silent:rack',
  severity: 'critical',
  subject: 'rack',
  text: 'rack is silent, and the power is not guarded',
  action: 'Check the UPS',
  since: '2026-11-22T10:00:00.000Z',
}
const now = Date.parse('2026-11-22T12:00:00Z')
// oxlint-disable-next-line no-control-regex -- the escape that begins a colour
const bare = (text: string) => text.replaceAll(/\u001b\[\d+m/g, '')

test('an alert shows how severe it is, since when, what is so and what to do', () => {
  expect(bare(renderAlerts([silent], now))).toBe(
    [
      'critical  ups.silent:rack, for 2 h',
      '          rack is silent, and the power is not guarded',
      '          Check the UPS',
    ].join('\n'),
  )
})

test('an alert that is settled shows for how long it was open, and when that ended', () => {
  const { action: _, ...settled } = { ...silent, settledAt: '2026-11-22T11:00:00.000Z' }
  expect(bare(renderAlerts([settled], now))).toBe(
    'critical  ups.silent:rack, for 1 h, settled 1 h ago\n          rack is silent, and the power is not guarded',
  )
})

test('status counts the alerts and shows the worst', () => {
  expect(bare(describeAlerts({ open: 0, worst: undefined }))).toBe('none')
  expect(bare(describeAlerts({ open: 1, worst: silent }))).toBe(
    'critical: rack is silent, and the power is not guarded. Check the UPS',
  )
  expect(bare(describeAlerts({ open: 3, worst: silent }))).toBe(
    '3 open (`caretaker alerts` lists them), the most severe: critical: rack is silent, and the power is not guarded. Check the UPS',
  )
})
