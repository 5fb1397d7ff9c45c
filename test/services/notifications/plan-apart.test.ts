import { expect, test } from 'vitest'
import type { Alert } from '../../../src/core/alert.ts'
import { planApart } from '../../../src/services/notifications/plan-apart.ts'

test('what can’t be put into words keeps back nothing else, and is a fault', () => {
  const now = new Date('2026-11-26T12:00:00.000Z')
  const stuck: Alert = {
    id: 'rollout.stuck',
    severity: 'warning',
    subject: 'w-1',
    text: 'w-1 is stuck',
    since: now.toISOString(),
  }
  const { notifications, faults } = planApart(
    { alerts: [{ ...stuck, id: 'config.invalid', since: 'yesterday' }, stuck], outages: [], rollouts: [] },
    [{ channel: 'phone', sent: new Map(), since: now.toISOString() }],
    {
      policy: { routes: [{ channels: ['phone'], severity: 'warning' }], quiet: undefined, remindEvery: 0 },
      voice: { homelab: 'attic', timeZone: 'UTC' },
      now,
    },
  )
  expect(notifications.map(({ message: { title } }) => title)).toEqual(['attic: w-1 is stuck'])
  expect(faults).toEqual([expect.any(RangeError)])
})
