import { type Audience, planNotifications, type Reportable, type Notification } from '../../core/notify/plan.ts'

type Circumstances = Parameters<typeof planNotifications>[2]

/** What is to be sent, and why something of it could not be planned. */
export interface Planned {
  readonly notifications: readonly Notification[]
  readonly faults: readonly unknown[]
}

/** Plans what is to be sent. Where that fails, each thing is planned alone: one that we can't put into words keeps back no other. */
export function planApart(present: Reportable, audiences: readonly Audience[], circumstances: Circumstances): Planned {
  try {
    return { notifications: planNotifications(present, audiences, circumstances), faults: [] }
  } catch {
    const none: Reportable = { alerts: [], outages: [], rollouts: [] }
    const sameAlerts = Map.groupBy(present.alerts, ({ id }) => id).values()
    const parts: readonly Reportable[] = [
      ...[...sameAlerts].map((alerts) => ({ ...none, alerts })),
      ...present.rollouts.map((rollout) => ({ ...none, rollouts: [rollout] })),
      ...present.outages.map((outage) => ({ ...none, outages: [outage] })),
    ]
    const notifications: Notification[] = []
    const faults: unknown[] = []
    for (const part of parts)
      try {
        notifications.push(...planNotifications(part, audiences, circumstances))
      } catch (error) {
        faults.push(error)
      }
    return { notifications, faults }
  }
}
