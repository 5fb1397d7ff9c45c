import { z } from '@hono/zod-openapi'
import type { Check } from '../../core/cluster/check.ts'
import type { Phase, Step } from '../../core/plan.ts'
import { architectures, imageKinds } from '../../core/release/image.ts'
import { count, ms, schemaOf, text, texts } from './answer.ts'
import { attempts, cordonMark, role } from './cluster.ts'
import { phaseId } from './phase.ts'

/** Plans as data: phases and their steps. */

const node = text
const within = ms
const image = text
const bootId = text
const mode = z.enum(['default', 'powercycle', 'force'])
const twoMembers = z.enum(['refuse', 'allow'])
const machine = z.object({ machineId: text.optional(), role })
const identity = z.object({
  machineId: text.optional(),
  uuid: text.optional(),
  extensions: texts,
  kernelArguments: texts.optional(),
})
const drainPolicy = z.object({
  deleteAfter: ms.optional(),
  maxGrace: ms.optional(),
  ordered: z.literal(true).optional(),
  last: z.array(z.object({ selector: text, timeout: ms.optional() })).optional(),
  tierTimeout: ms.optional(),
  volumeDetachTimeout: ms.optional(),
  keepEmptyDir: z.literal(true).optional(),
  keepUnmanaged: z.literal(true).optional(),
})
const accepted = z.object({ name: text, until: ms, reason: text.optional() })
const waking = { hasMac: z.boolean(), retryInterval: ms, powerOnAfter: ms.optional(), within }
const workload = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'CronJob']),
  namespace: text,
  name: text,
  replicas: count,
})
const setting = z.object({
  system: z.enum(['longhorn', 'ceph']),
  namespace: text,
  name: text,
  before: text,
  during: text,
})
const imageOrder = z.object({
  schematic: text,
  version: text,
  architecture: z.enum(architectures),
  secureBoot: z.boolean(),
  kind: z.enum(imageKinds),
  kernelArguments: texts,
  asset: text.optional(),
})

const check = schemaOf<Check>()(
  'Check',
  z.union([
    z.object({ name: text, http: z.object({ url: text, status: count }) }),
    z.object({ name: text, prometheus: z.object({ url: text, query: text }) }),
    z.object({
      name: text,
      object: z.object({
        apiVersion: text,
        kind: text,
        namespace: text.optional(),
        name: text.optional(),
        selector: text.optional(),
        cel: text,
      }),
    }),
  ]),
)

/** A step of this kind. */
function step<Kind extends string, Shape extends z.ZodRawShape>(kind: Kind, shape: Shape) {
  return z.object({ do: z.literal(kind), ...shape })
}

const anyStep = schemaOf<Step>()(
  'Step',
  z.discriminatedUnion('do', [
    step('pull-image', { node, image, within }),
    step('cordon', { node, mark: cordonMark, attempts: attempts.optional(), within }),
    step('note-failure', { node, attempts }),
    step('drain', { node, policy: drainPolicy, within }),
    step('confirm', {
      node,
      machine,
      limits: z.object({ parallel: z.union([z.number(), z.object({ percent: z.number() })]), twoMembers }),
    }),
    step('snapshot-etcd', { node, release: text, within }),
    step('forfeit-leadership', { node, machine }),
    step('note-staged', { node, mark: cordonMark }),
    step('install', { node, machine, image, mark: cordonMark.optional(), bootId: bootId.optional(), within }),
    step('reboot', { node, machine, bootId, mark: cordonMark, mode }),
    step('install-and-reboot', { node, machine, image, bootId, mark: cordonMark, mode, within }),
    step('roll-back', { node, machine, bootId, mark: cordonMark, force: z.boolean(), twoMembers }),
    step('await-upgraded', { node, version: text, schematic: text, bootId, within, identity }),
    step('await-rolled-back', { node, bootId, mark: cordonMark, within }),
    step('await-checks', { node, checks: z.array(check), within }),

    step('await-etcd', { within }),
    step('uncordon', { node, why: z.enum(['upgrade', 'power']), forgetAttempts: z.literal(true).optional() }),
    step('settle', { node, lasts: ms }),
    step('shut-down', { node, force: z.boolean(), within }),
    step('await-down', { node, within }),
    step('shut-down-host', { host: text, within }),
    step('await-host-down', { host: text, within }),
    step('scale', { workload, replicas: count, within }),
    step('set-storage', { setting, value: text, within }),
    step('await-storage', { within, accepted: z.array(accepted).optional() }),
    step('ups-command', { ups: text, command: text, within }),
    step('log-out-of-ups', { ups: text }),
    step('log-in-to-ups', { ups: text }),
    step('bring-back', { ...waking, node, afterKubernetes: z.boolean(), ready: z.boolean() }),
    step('bring-back-host', { ...waking, host: text, stopsWithin: ms.optional() }),
    step('stage-image', { image: imageOrder, publishAs: text.optional() }),
  ]),
)

const phase = schemaOf<Phase>()(
  'Phase',
  z.object({
    id: phaseId,
    steps: z.array(anyStep),
    stops: z.array(z.enum(['failing-power', 'pause', 'abort', 'rollback-request', 'power-change', 'short-battery'])),
    bestEffort: z.literal(true).optional(),
  }),
)

export const plan = z.array(phase)
