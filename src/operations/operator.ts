import { alertKind } from '../core/alert.ts'
import { entryKind } from '../core/journal.ts'
import type { Operator } from '../core/operator.ts'
import { readPage } from '../core/page.ts'
import { createJobRequests } from './job-requests.ts'
import { createNotificationRequests, type NotificationMeans } from './notification-requests.ts'
import { createNodeRequests } from './node-requests.ts'
import { createPowerRequests, type PowerMeans } from './power-requests.ts'
import { createRolloutRequests } from './rollout-requests.ts'
import { createStagingRequests } from './staging-requests.ts'
import { readStatus, type StatusMeans } from './status-request.ts'
import { createTokenRequests } from './token-requests.ts'

export interface OperatorOptions extends Omit<StatusMeans & PowerMeans & NotificationMeans, 'now'> {
  readonly now?: () => Date
}

/** Everything that a person may ask or request, by whichever door. */
export function createOperator(options: OperatorOptions): Operator {
  const means = { now: () => new Date(), ...options }
  const { journal } = options.ports
  const { alerts } = options.agent
  const power = createPowerRequests(means)
  return {
    status: (signal) => readStatus(means, power, signal),
    alerts: () => alerts.all,
    settledAlerts: (page) => readPage(alerts.settled, alertKind.keyOf, page),
    journal: (page) => readPage(journal.entries, entryKind.keyOf, page),
    jobs: createJobRequests(means),
    rollouts: createRolloutRequests(means),
    nodes: createNodeRequests(means),
    power,
    staging: createStagingRequests(means),
    notifications: createNotificationRequests(means),
    tokens: createTokenRequests(means),
  }
}
