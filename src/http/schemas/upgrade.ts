import { z } from '@hono/zod-openapi'
import type { EtcdSnapshot } from '../../core/cluster/snapshot.ts'
import type { PlanAnswer, RolloutAnswer } from '../../core/operator.ts'
import type { Pause } from '../../core/upgrade/paused.ts'
import type { ReleaseAnswer } from '../../core/release/release-answer.ts'
import type { NodePlan } from '../../core/upgrade/decision.ts'
import type { Rollout, RolloutNode } from '../../core/upgrade/record.ts'
import { count, ms, pageOf, schemaOf, text, texts, time } from './answer.ts'
import { role } from './cluster.ts'
import { phaseTimes } from './phase.ts'
import { plan as phases } from './plan.ts'

/** What the upgrade would do, and what rollouts did. */

export const releases = z.array(
  schemaOf<ReleaseAnswer>()(
    'Release',
    z.object({
      version: text,
      isPrerelease: z.boolean(),
      isWithdrawn: z.boolean().meta({ description: 'The Image Factory marks it as one that is not to be used' }),
    }),
  ),
)

/** A pause of rollouts. */
export const pause = schemaOf<Pause>()('Pause', z.object({ reason: text, by: text.optional(), since: time.optional() }))

const nodePlan = schemaOf<NodePlan>()(
  'NodePlan',
  z.object({
    node: text,
    intent: z.enum(['upgrade', 'stage', 'resume', 'rollback', 'release', 'give-up']),
    reason: text,
    plan: phases,
  }),
)

export const plan = schemaOf<PlanAnswer>()(
  'Plan',
  z.object({
    release: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('target'), version: text, reason: text }),
      z.object({ kind: z.literal('current'), reason: text }),
      z.object({ kind: z.literal('wait'), version: text, reason: text, until: time.optional() }),
    ]),
    version: text.optional(),
    decision: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('upgraded') }),
      z.object({ kind: z.literal('wait'), reason: text, until: time.optional() }),
      z.object({ kind: z.literal('go'), first: phases, nodes: z.array(nodePlan) }),
      z.object({ kind: z.literal('stuck'), node: text, reason: text }),
    ]),
    order: texts,
    takesMs: ms,
    toApprove: texts,
    held: texts,
    warnings: texts,
  }),
)

const rolloutNode = schemaOf<RolloutNode>()(
  'RolloutNode',
  z.object({
    role,
    from: text,
    startedAt: time,
    endedAt: time.optional(),
    outcome: z.enum(['upgraded', 'failed', 'released', 'rolled-back']).optional(),
    failures: texts,
    tookMs: ms.optional(),
    phases: phaseTimes,
  }),
)

const rollout = schemaOf<Rollout>()(
  'Rollout',
  z.object({
    id: text,
    release: text,
    startedAt: time,
    endedAt: time.optional(),
    outcome: z.enum(['done', 'aborted', 'superseded']).optional(),
    nodes: z.record(z.string(), rolloutNode),
    snapshot: text.optional(),
  }),
)
export const rollouts = pageOf('Rollouts', rollout)

const snapshot = schemaOf<EtcdSnapshot>()(
  'EtcdSnapshot',
  z.object({ file: text, at: time, node: text, release: text, bytes: count, sha256: text }),
)

export const rolloutStatus = schemaOf<RolloutAnswer>()(
  'RolloutStatus',
  z.object({
    plan,
    current: rollout.optional(),
    approved: text.optional(),
    aborted: z.array(z.object({ release: text, by: text.optional(), at: time.optional() })),
    paused: pause.optional(),
    openUntil: time.optional(),
    snapshot: snapshot.optional(),
  }),
)
