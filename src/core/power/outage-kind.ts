import type { ScaledWorkload, StorageSetting } from '../cluster/workload.ts'
import type { RecordKind } from '../records.ts'
import { count, flag, listOf, mapOf, object, oneOf, optional, type Shape, text, time, yes } from '../shape.ts'
import type { Outage, OutageNode } from './outage.ts'
import type { OutageReason } from './triggers.ts'

const reasons: Readonly<Record<OutageReason, true>> = {
  'forced-shutdown': true,
  'low-battery': true,
  'low-charge': true,
  'low-runtime': true,
  'fast-depletion': true,
  'on-battery-too-long': true,
  'silent-on-battery': true,
  'outage-resumed': true,
  ordered: true,
  'on-battery': true,
  drill: true,
  restored: true,
}

const stages: Readonly<Record<Outage['stage'], true>> = {
  shedding: true,
  draining: true,
  stopping: true,
  stopped: true,
  waking: true,
  over: true,
}

const nodeStates: Readonly<Record<OutageNode['state'], true>> = {
  up: true,
  drained: true,
  'shutdown-sent': true,
  unreached: true,
  off: true,
  abandoned: true,
  'wake-sent': true,
  back: true,
}

export const scaledWorkload: Shape<ScaledWorkload> = object<ScaledWorkload>({
  kind: oneOf<ScaledWorkload['kind']>({ Deployment: true, StatefulSet: true, CronJob: true }),
  namespace: text,
  name: text,
  replicas: count,
})

const storageSetting: Shape<StorageSetting> = object<StorageSetting>({
  system: oneOf<StorageSetting['system']>({ longhorn: true, ceph: true }),
  namespace: text,
  name: text,
  before: text,
  during: text,
})

const outageNode: Shape<OutageNode> = object<OutageNode>({
  wasUp: flag,
  wasHealthy: optional(flag),
  state: oneOf(nodeStates),
  at: optional(mapOf(time)),
})

/** Outages by when they started. */
export const outageKind: RecordKind<Outage> = {
  name: 'outage',
  parse: object<Outage>({
    startedAt: time,
    reason: oneOf(reasons),
    stage: oneOf(stages),
    nodes: mapOf(outageNode),
    endedAt: optional(time),
    stoppedAt: optional(time),
    wokenAt: optional(time),
    loggedOut: optional(yes),
    scaled: optional(listOf(scaledWorkload)),
    storage: optional(listOf(storageSetting)),
    storageGivenUp: optional(yes),
    upses: optional(listOf(text)),
    bootId: optional(text),
    cut: optional(mapOf(time)),
  }),
  keyOf: ({ startedAt }) => startedAt,
  isOpen: ({ stage }) => stage !== 'over',
  retention: { most: 500 },
}
