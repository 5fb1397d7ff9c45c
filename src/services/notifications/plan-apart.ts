import { type Audience, planTellings, type Tellable, type Telling } from '../../core/notify/plan.ts'

type Circumstances = Parameters<typeof planTellings>[2]

/** What is to be told, and why something of it could not be planned. */
export interface Planned {
  readonly tellings: readonly Telling[]
  readonly faults: readonly unknown[]
}

/** Plans what is to be told. Where that fails, each thing is planned alone: one that we can't put into words keeps back no other. */
export function planApart(present: Tellable, audiences: readonly Audience[], circumstances: Circumstances): Planned {
  try {
    return { tellings: planTellings(present, audiences, circumstances), faults: [] }
  } catch {
    const none: Tellable = { alerts: [], outages: [], rollouts: [] }
    const sameAlerts = Map.groupBy(present.alerts, ({ id }) => id).values()
    const parts: readonly Tellable[] = [
      ...[...sameAlerts].map((alerts) => ({ ...none, alerts })),
      ...present.rollouts.map((rollout) => ({ ...none, rollouts: [rollout] })),
      ...present.outages.map((outage) => ({ ...none, outages: [outage] })),
    ]
    const tellings: Telling[] = []
    const faults: unknown[] = []
    for (const part of parts)
      try {
        tellings.push(...planTellings(part, audiences, circumstances))
      } catch (error) {
        faults.push(error)
      }
    return { tellings, faults }
  }
}
