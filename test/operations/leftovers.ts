import type { KubernetesFacts, Node } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/job.ts'
import { remembered } from '../../src/operations/facts.ts'
import { finishUnrecorded } from '../../src/operations/restore-outage.ts'
import { controlPlane, type NodeChoices, wellInKubernetes, worker } from '../core/cluster/nodes.ts'
import { powerOf } from '../core/power/states.ts'
import { agentAt, at, cp1, earlier, type Homelab, nas, w1, w2 } from './begun.ts'

/** A homelab after a power cut that has no record. */

const mains = powerOf({ rack: 'on-mains' })
export const mark = { cordon: { why: 'power', at: earlier }, unschedulable: true } as const
export const off = {
  talos: 'silent',
  kubernetes: { ...mark, ready: false, notReadySince: Date.parse(earlier) },
} as const
export const films = { kind: 'Deployment', namespace: 'media', name: 'films', replicas: 2 } as const

export interface Found extends Omit<Homelab, 'machines' | 'nodes'> {
  readonly machines?: Homelab['machines']
  /** By name; all others are well. */
  readonly nodes?: Readonly<Record<string, NodeChoices>>
  /** The Kubernetes API does not answer, not even to whoever asks for nodes alone. */
  readonly isApiAway?: true
  /** It answers whoever asks for nodes alone, and nobody any more after that. */
  readonly isApiGone?: true
  /** Questions that it refuses. */
  readonly refused?: readonly ('scaledDown' | 'storage')[]
  readonly scaled?: readonly (typeof films)[]
  readonly storage?: readonly ('ceph' | 'longhorn')[]
}

/** An agent at a homelab whose mains power is back, without a record of any outage. */
export function agentAfter(found: Found = {}) {
  const { nodes = {}, isApiAway, isApiGone, refused = [], scaled = [], storage = [], ...rest } = found
  const { machines = [cp1, w1, w2, nas] } = rest
  const choice = (name: string) => ({
    ...nodes[name],
    ...(isApiAway || isApiGone ? { kubernetes: 'silent' as const } : {}),
  })
  const all: Node[] = [
    controlPlane('cp-1', ['cp-1'], choice('cp-1')),
    worker('w-1', choice('w-1')),
    worker('w-2', choice('w-2')),
  ]
  const facts = Object.entries({ 'cp-1': {}, 'w-1': {}, 'w-2': {}, ...nodes }).map(
    ([name, { kubernetes = {} }]: [string, NodeChoices]): [string, KubernetesFacts] => [
      name,
      { ...wellInKubernetes, ...(kubernetes === 'silent' ? {} : kubernetes) },
    ],
  )
  const answering = <T>(answer: T, question?: 'scaledDown' | 'storage') => {
    const isGone = isApiGone && question !== undefined
    if (isApiAway || isGone || refused.some((one) => one === question))
      throw new AgentError('unreachable', 'no route to host')
    return answer
  }
  const agent = agentAt({
    hostsUp: ['nas', 'pve'],
    power: mains,
    ...rest,
    machines,
    nodes: all,
    kubernetes: {
      nodes: async () => answering(new Map(facts)),
      scaledDown: async () => answering(scaled, 'scaledDown'),
      storage: async () => answering({ systems: [...storage], unwell: [], lastReplicas: new Map() }, 'storage'),
    },
  })
  agent.see()
  return agent
}

/** `done: there was no power cut`, or `in 60 s: …`. */
export const described = (outcome: Outcome) =>
  outcome.kind === 'later'
    ? `in ${(outcome.at.getTime() - Date.parse(at)) / 1_000} s: ${outcome.reason}`
    : `${outcome.kind}: ${outcome.summary}`

export async function finish(found: Found = {}) {
  const agent = agentAfter(found)
  const outcome = described(await finishUnrecorded(agent.context))
  const { journal } = agent
  return {
    ...agent,
    outcome,
    open: journal.openOutage(),
    isLost: remembered.lost.recall(journal) !== undefined,
    written: journal.entries(10).map(({ kind, text }) => `${kind}: ${text}`),
    severities: agent.alerts.all.map(({ id, severity }) => `${id}: ${severity}`),
  }
}
