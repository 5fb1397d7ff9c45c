import type { UpsAnswer } from '../../../src/core/power/answers.ts'
import type { Outage } from '../../../src/core/power/outage.ts'
import type { Viewing } from '../../../src/operations/pages.ts'
import { overviewView } from '../../../src/services/dashboard/overview/view.ts'

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

/** The overview of a homelab that is well but for what is given of its status. */
export const overviewOf = (status: object) =>
  overviewView(
    {
      status: {
        alerts: { open: 0 },
        power: { upses: [], shutdownRequestedAt: undefined },
        activities: [],
        services: [],
        leftBehind: [],
        missing: [],
        ...status,
      } as never,
      alerts: [],
      window: undefined,
      countdown: undefined,
      rollout: undefined,
      lately: [],
    },
    viewing,
  )

/** A cluster that answers, with these nodes. */
export const clusterWith = (nodes: readonly object[]) => ({
  observedAt: at,
  nodes,
  kubernetes: { ok: true, value: 'v1.36.3' },
})
