import { alertKind } from '../core/alert.ts'
import { entryKind } from '../core/journal.ts'
import { newestWanted } from '../core/journal-filter.ts'
import type { Operator } from '../core/operator.ts'
import { readPage } from '../core/page.ts'
import { createChanges } from './changes.ts'
import { createDoctorRequests } from './doctor-requests.ts'
import { createJobRequests } from './job-requests.ts'
import { createNetbootRequests, type NetbootMeans } from './netboot-requests.ts'
import { createMachineRequests, type MachineMeans } from './provision/requests.ts'
import { createNotificationRequests, type NotificationMeans } from './notification-requests.ts'
import { readNames } from './names-request.ts'
import { createNodeRequests } from './node-requests.ts'
import { type ConfigMeans, createConfigRequests } from './provision/config-requests.ts'
import { createPowerRequests, type PowerMeans } from './power-requests.ts'
import { createReadings } from './readings.ts'
import { createRecentLook } from './recent-look.ts'
import { createRolloutRequests } from './rollout-requests.ts'
import { createStagingRequests } from './staging-requests.ts'
import { readKnown } from './known-request.ts'
import { readStatus, type StatusMeans } from './status-request.ts'
import { createTokenRequests } from './token-requests.ts'

export interface OperatorOptions extends Omit<
  StatusMeans & PowerMeans & NotificationMeans & NetbootMeans & MachineMeans,
  'now' | 'seen' | 'staged' | 'readings'
> {
  readonly now?: () => Date
  /** What makes machine configurations; without it none is made. */
  readonly rendering?: ConfigMeans
}

/** Everything that a person may ask or request, by whichever door. */
export function createOperator(options: OperatorOptions): Operator {
  const { journal } = options.ports
  const { agent } = options
  const { alerts } = agent
  const now = options.now ?? (() => new Date())
  const seen = createRecentLook({ look: agent.observe, now, monotonic: () => agent.monotonic() })
  const staged = createRecentLook({ look: () => options.ports.share.staged(), now, monotonic: () => agent.monotonic() })
  // Whoever has looked has looked for all; what is done to a node, and what happens to one, may have changed what was seen.
  agent.onLook(seen.note)
  const outdate = () => {
    seen.outdate()
    staged.outdate()
  }
  agent.onActivity(outdate)
  journal.onEntry(({ kind }) => {
    if (kind === 'step' || kind === 'event') outdate()
  })
  const readings = createReadings({ agent, ports: options.ports, now })
  const means = { ...options, now, seen, staged, readings }
  const power = createPowerRequests(means)
  return {
    subscribe: createChanges({
      agent,
      journal,
      power,
      boots: options.boots,
      status: (signal) => readStatus(means, power, 'known', signal),
    }),
    status: (signal, freshness = 'recent') => readStatus(means, power, freshness, signal),
    known: () => readKnown(means),
    alerts: () => alerts.all,
    settledAlerts: (page) => readPage(alerts.settled, alertKind.keyOf, page),
    journal: (page) => readPage(newestWanted(journal.entries, entryKind.keyOf, page), entryKind.keyOf, page),
    names: () => readNames(means),
    activities: () => agent.activities,
    jobs: createJobRequests(means),
    rollouts: createRolloutRequests(means),
    nodes: createNodeRequests(means),
    power,
    staging: createStagingRequests(means),
    notifications: createNotificationRequests(means),
    tokens: createTokenRequests(means),
    doctor: createDoctorRequests(means),
    netboot: createNetbootRequests(means),
    machines: createMachineRequests(means),
    machineConfigs: createConfigRequests(options.rendering, journal),
  }
}
