import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { describeOutage, describePower } from '../../src/cli/render-power.ts'
import { renderUps } from '../../src/cli/render-ups.ts'
import type { UpsAnswer } from '../../src/core/power/answers.ts'

const mains: UpsAnswer = {
  label: 'ups',
  state: {
    mode: 'on-mains',
    since: '2026-11-26T12:00:00Z',
    forMs: 60_000,
    reading: { status: ['OL'], chargePercent: 100 },
  },
  loginRefused: undefined,
  silentForMs: undefined,
  driver: undefined,
  triggers: [],
}
const shown = (driver: UpsAnswer['driver']) =>
  stripVTControlCharacters(describePower({ upses: [{ ...mains, driver }], shutdownRequestedAt: undefined }, 'UTC'))

test('the power names how often the driver itself asks the UPS, where it tells', () => {
  expect(shown({ pollIntervalMs: 2_000, pollFrequencyMs: 30_000 }).split(/\n */)).toEqual([
    'on mains power for 60 s (OL, charge 100 %)',
    'its driver asks the UPS every 2 s, and for all figures every 30 s: nothing but FSD shows sooner',
  ])
  expect(shown({ pollIntervalMs: 5_000 })).toContain('its driver asks the UPS every 5 s: nothing')
  expect(shown(undefined)).toBe('on mains power for 60 s (OL, charge 100 %)')
})

test('a UPS in full names it too', () => {
  const details = { variables: { 'ups.status': 'OL' }, writable: [], commands: [], clients: [], secure: false }
  const driver = { pollInterval: 2_000, pollFrequency: 30_000 }
  const text = stripVTControlCharacters(renderUps({ label: 'ups', details: { ...details, driver } }))
  expect(text).toContain('driver      asks the UPS every 2 s, and for all figures every 30 s\n')
})

test('an outage that goes on says of each machine what it does', () => {
  const states = ['up', 'drained', 'shutdown-sent', 'unreached', 'off', 'abandoned', 'wake-sent', 'back'] as const
  const nodes = Object.fromEntries(states.map((state, index) => [`n-${index}`, { wasUp: true, state }]))
  const outage = { startedAt: '2026-11-26T12:00:00Z', reason: 'low-battery', stage: 'stopping', nodes } as const
  expect(describeOutage(outage, 'UTC')).toMatch(
    /because the battery is low \(OB LB\); machines are shutting down: n-0 is up, n-1 is drained, n-2 is shutting down, n-3 could not be reached, n-4 is off, n-5 did not shut down in time, n-6 is being woken, n-7 is back$/,
  )
})
