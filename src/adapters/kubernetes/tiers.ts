import type { DrainPolicy } from '../../core/cluster/drain.ts'
import type { Api } from './api.ts'
import { hasVolumes, isStorageEngine, podsOn, type PodObject } from './pods.ts'

/** Pods that are evicted together, after all pods of the tier before are gone. */
export interface Tier {
  readonly within: number | undefined
  /** Whether a pod that no selector has chosen belongs here. */
  readonly suits: (pod: PodObject) => boolean
  readonly selector: string | undefined
}

/**
 * Plain pods first: what uses a database goes before it. Then those with volumes, then what the user wants to go last,
 * and at the very end the engines that carry volumes, which their own system keeps until nothing needs them: to wait for
 * one of those before the pods with volumes have gone would be to wait for ever.
 */
export function tiersOf({ ordered, last = [], tierTimeout }: DrainPolicy): readonly Tier[] {
  const tier = (suits: Tier['suits'], within = tierTimeout) => ({ suits, within, selector: undefined })
  const plain = (pod: PodObject) => !hasVolumes(pod) && !isStorageEngine(pod)
  const chosen = last.map(({ selector, timeout: within }) => ({ selector, within, suits: () => false }))
  if (!ordered) return [tier(() => true), ...chosen]
  return [
    tier(plain),
    tier((pod) => !plain(pod) && !isStorageEngine(pod)),
    ...chosen,
    { suits: isStorageEngine, within: undefined, selector: undefined },
  ]
}

/**
 * Says of each pod in which tier it goes, by its uid. The API server judges the selectors, so that they mean what they
 * mean everywhere else; what several choose goes with the first of them. Pods that were judged are not judged again.
 *
 * @throws AgentError `rejected` where a selector is none
 */
export function createSorter(
  api: Api,
  node: string,
  tiers: readonly Tier[],
): (pods: readonly PodObject[], signal: AbortSignal) => Promise<ReadonlyMap<string, number>> {
  const known = new Map<string, number>()

  return async (pods, signal) => {
    const unknown = pods.filter(({ metadata }) => !known.has(metadata.uid))
    if (unknown.length === 0) return known
    const chosen = new Map<string, number>()
    for (const [index, { selector }] of tiers.entries()) {
      if (selector === undefined) continue
      for (const { metadata } of await podsOn(api, node, signal, selector))
        if (!chosen.has(metadata.uid)) chosen.set(metadata.uid, index)
    }
    for (const pod of unknown) {
      const { uid } = pod.metadata
      known.set(uid, chosen.get(uid) ?? tiers.findIndex(({ suits }) => suits(pod)))
    }
    return known
  }
}
