import type { Role } from '../cluster/cluster.ts'
import type { RecordKind } from '../records.ts'
import { listOf, mapOf, number, object, oneOf, optional, text, time } from '../shape.ts'
import type { Rollout, RolloutNode } from './record.ts'

const rolloutNode = object<RolloutNode>({
  role: oneOf<Role>({ controlplane: true, worker: true }),
  from: text,
  startedAt: time,
  endedAt: optional(time),
  outcome: optional(
    oneOf<NonNullable<RolloutNode['outcome']>>({
      upgraded: true,
      failed: true,
      'given-back': true,
      'rolled-back': true,
    }),
  ),
  failures: listOf(text),
  tookMs: optional(number),
  phases: mapOf(number),
})

/** Rollouts by when they began. */
export const rolloutKind: RecordKind<Rollout> = {
  name: 'rollout',
  parse: object<Rollout>({
    id: text,
    release: text,
    startedAt: time,
    endedAt: optional(time),
    outcome: optional(oneOf<NonNullable<Rollout['outcome']>>({ done: true, aborted: true, superseded: true })),
    nodes: mapOf(rolloutNode),
    snapshot: optional(text),
  }),
  keyOf: ({ id }) => id,
  isOpen: ({ endedAt }) => endedAt === undefined,
  retention: { most: 500 },
}
