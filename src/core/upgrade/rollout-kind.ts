import type { Role } from '../cluster/cluster.ts'
import type { RecordKind } from '../records.ts'
import { listOf, mapOf, number, object, oneOf, optional, text, time } from '../shape.ts'
import { type FormerRollout, fromFormerRollout, type Rollout } from './record.ts'

type FormerNode = FormerRollout['nodes'][string]

const formerNode = object<FormerNode>({
  role: oneOf<Role>({ controlplane: true, worker: true }),
  from: text,
  startedAt: time,
  endedAt: optional(time),
  outcome: optional(
    oneOf<NonNullable<FormerNode['outcome']>>({
      upgraded: true,
      failed: true,
      released: true,
      'given-back': true,
      'rolled-back': true,
    }),
  ),
  failures: listOf(text),
  tookMs: optional(number),
  phases: mapOf(number),
})

const formerRollout = object<FormerRollout>({
  id: text,
  release: text,
  startedAt: time,
  endedAt: optional(time),
  outcome: optional(oneOf<NonNullable<Rollout['outcome']>>({ done: true, aborted: true, superseded: true })),
  nodes: mapOf(formerNode),
  snapshot: optional(text),
})

/** Rollouts by when they started. */
export const rolloutKind: RecordKind<Rollout> = {
  name: 'rollout',
  // One that is in today's words already stays as it is.
  parse: (value) => fromFormerRollout(formerRollout(value)),
  keyOf: ({ id }) => id,
  isOpen: ({ endedAt }) => endedAt === undefined,
  retention: { most: 500 },
}
