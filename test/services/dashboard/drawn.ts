import type { UpsAnswer } from '../../../src/core/power/answers.ts'
import type { Outage } from '../../../src/core/power/outage.ts'
import type { Viewing } from '../../../src/operations/pages.ts'

export const at = '2027-01-01T20:00:00.000Z'
export const viewing: Viewing = {
  now: new Date('2027-01-01T20:05:00.000Z'),
  zone: 'UTC',
  scope: 'operate',
  query: new URLSearchParams(),
}
/** A UPS on battery since then. */
export function ups(state: Partial<UpsAnswer['state']> = {}, label = 'rack'): UpsAnswer {
  return {
    label,
    state: { mode: 'on-battery', since: at, forMs: 0, reading: { status: ['OB'], chargePercent: 80 }, ...state },
    loginRefused: undefined,
    silentForMs: undefined,
    driver: undefined,
    triggers: [],
  }
}

export const outage = (stage: Outage['stage'], name = 'w-1'): Outage => ({
  startedAt: at,
  reason: 'low-battery',
  stage,
  nodes: { [name]: { wasUp: true, state: 'off' } },
})

export const textOf = async (drawn: unknown) => String(await drawn)
