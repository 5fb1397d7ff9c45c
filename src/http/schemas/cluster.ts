import { z } from '@hono/zod-openapi'
import type {
  Attempts,
  BlockingBudget,
  CordonMark,
  EtcdFacts,
  KubernetesFacts,
  Node,
  NodeIdentity,
  SchematicParts,
  SeenCluster,
  TalosFacts,
} from '../../core/cluster/cluster.ts'
import { count, ms, schemaOf, text, texts, time } from './answer.ts'

/** The observed state of the cluster. */

export const role = z.enum(['controlplane', 'worker'])

/** A value, or why it could not be observed. */
export function observedOf<S extends z.ZodType>(value: S) {
  return z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), error: text }),
  ])
}

const etcdFacts = schemaOf<EtcdFacts>()(
  'EtcdFacts',
  z.object({
    id: text,
    leader: text.optional(),
    learner: z.boolean(),
    errors: texts,
    alarms: texts,
    dbSize: count,
    raftIndex: z.number(),
    raftApplied: z.number(),
    storageVersion: text.optional(),
    members: z.array(z.object({ id: text, name: text, learner: z.boolean() })),
  }),
)

const schematicParts = schemaOf<SchematicParts>()(
  'SchematicParts',
  z.object({
    kernelArguments: texts,
    overlay: text.optional(),
    overlayOptions: z.record(z.string(), text).optional(),
    embeddedConfig: z.boolean(),
  }),
)

const talosFacts = schemaOf<TalosFacts>()(
  'TalosFacts',
  z.object({
    version: text,
    platform: text,
    machineType: role.optional(),
    machineId: text.optional(),
    nodename: text.optional(),
    secureBoot: z.boolean(),
    schematic: text.optional(),
    extensions: texts.optional(),
    provides: schematicParts.optional(),
    bootId: text,
    stage: text,
    ready: z.boolean(),
    unmet: texts,
    fallbackPending: z.boolean(),
    staged: z.boolean(),
    bootedEntry: text.optional(),
    defaultEntry: text.optional(),
    hasOtherEntry: z.boolean().optional(),
    onDisk: z.boolean().optional(),
    uuid: text.optional(),
    kernelArguments: texts,
    ailing: texts,
    etcd: observedOf(etcdFacts).optional(),
  }),
)

export const cordonMark = schemaOf<CordonMark>()(
  'CordonMark',
  z.object({
    why: z.enum(['upgrade', 'power']),
    at: time,
    release: text.optional(),
    schematic: text.optional(),
    bootId: text.optional(),
    from: text.optional(),
    uuid: text.optional(),
    machineId: text.optional(),
    kernelArguments: texts.optional(),
    installer: z.enum(['started', 'succeeded']).optional(),
    ordered: z.literal(true).optional(),
    rebooting: z.literal(true).optional(),
    back: z.literal(true).optional(),
    disarm: z.literal(true).optional(),
    diskless: z.literal(true).optional(),
    to: text.optional(),
  }),
)

export const attempts = schemaOf<Attempts>()(
  'Attempts',
  z.object({
    release: text,
    count,
    failure: text.optional(),
    rolledBack: z.literal(true).optional(),
    powercycled: z.literal(true).optional(),
  }),
)

const kubernetesFacts = schemaOf<KubernetesFacts>()(
  'KubernetesFacts',
  z.object({
    ready: z.boolean(),
    notReadySince: ms.optional().meta({ description: 'In ms since the epoch' }),
    unschedulable: z.boolean(),
    cordon: cordonMark.optional(),
    leftover: cordonMark.optional(),
    attempts: attempts.optional(),
    staged: cordonMark.optional(),
    zone: text.optional(),
    taints: texts,
    paused: text.optional(),
    machineId: text.optional(),
    bootId: text.optional(),
  }),
)

const nodeIdentity = schemaOf<NodeIdentity>()(
  'NodeIdentity',
  z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['same', 'unknown', 'late']) }),
    z.object({ kind: z.literal('renamed'), as: text, machineId: text.optional() }),
    z.object({ kind: z.literal('another'), as: text.optional(), machineId: text }),
  ]),
)

export const node = schemaOf<Node>()(
  'Node',
  z.object({
    name: text,
    role,
    configuredRole: role,
    talos: observedOf(talosFacts),
    kubernetes: observedOf(kubernetesFacts),
    identity: nodeIdentity,
  }),
)

export const nodes = z.array(node)

const blockingBudget = schemaOf<BlockingBudget>()(
  'BlockingBudget',
  z.object({
    budget: text,
    why: text,
    pods: z.array(z.object({ name: text, node: text, owner: text.optional() })),
  }),
)

export const cluster = schemaOf<SeenCluster>()(
  'Cluster',
  z.object({
    observedAt: time.meta({ description: 'When it was looked at' }),
    nodes,
    kubernetes: observedOf(text),
    workloads: observedOf(z.object({ blocking: z.array(blockingBudget), pending: texts })),
  }),
)
