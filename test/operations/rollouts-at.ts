import type { Node } from '../../src/core/cluster/cluster.ts'
import { remembered } from '../../src/operations/facts.ts'
import { createRolloutRequests } from '../../src/operations/rollout-requests.ts'
import { clusterOf } from '../core/cluster/nodes.ts'
import type { At } from './requesting.ts'

export const now = new Date('2026-05-01T03:00:00.000Z')
export const earlier = '2026-05-01T02:40:00.000Z'

/** What a person may ask of rollouts there, with what is started and looked at because of it. */
export function requestsAt(
  { agent, homelab, config }: Pick<At, 'agent' | 'homelab' | 'config'>,
  nodes: readonly Node[] = [],
) {
  const started: string[] = []
  const looks: AbortSignal[] = []
  const means = {
    agent: {
      jobs: agent.jobs,
      start: async ({ name }: { name: string }) => void started.push(name),
      observe: async (signal: AbortSignal) => {
        looks.push(signal)
        return clusterOf(...nodes)
      },
      preview: agent.preview,
    },
    ports: homelab.ports,
    config: () => config,
    now: () => now,
  } as unknown as Parameters<typeof createRolloutRequests>[0]
  const { journal } = homelab.ports
  const rollbacks = () => remembered.rollbacks.recall(journal)
  return { requests: createRolloutRequests(means), journal, started, looks, rollbacks }
}
