import type { Attempts, CordonMark } from '../../core/cluster/cluster.ts'
import { asRecord } from './kubeconfig.ts'

/** On a node that we cordoned: why, and what we were at. A domain that can't be anybody's. */
export const cordonAnnotation = 'caretaker.homelab/cordon'
/** How often a release was tried there. */
export const attemptsAnnotation = 'caretaker.homelab/attempts'
/** On a node in service: an upgrade was installed there on purpose, for its next boot. */
export const stagedAnnotation = 'caretaker.homelab/staged'
/** A person's: the node is not to be upgraded, and its text says why. */
export const pausedAnnotation = 'caretaker.homelab/paused'
/** How 0.1 noted replicas on a workload, as an annotation that controllers copy: only ever removed. */
export const replicasAnnotation = 'caretaker.homelab/replicas-before'
/** On the Lease object: what its holder does to the cluster. */
export const purposeAnnotation = 'caretaker.homelab/purpose'

const texts = ['release', 'schematic', 'bootId', 'uuid', 'machineId', 'to'] as const

/** Anybody can write annotations: what isn't of our shape is not ours. */
export function readMark(text: string | undefined): CordonMark | undefined {
  const { why, at, from, rebooting, back, disarm, installer, kernelArguments, ...rest } = parseJson(text)
  if ((why !== 'upgrade' && why !== 'power') || typeof at !== 'string') return undefined
  return {
    why,
    at,
    ...Object.fromEntries(texts.flatMap((key) => (typeof rest[key] === 'string' ? [[key, rest[key]]] : []))),
    ...(typeof from === 'string' ? { from } : {}),
    ...(Array.isArray(kernelArguments) ? { kernelArguments: kernelArguments.map(String) } : {}),
    ...(rebooting === true ? { rebooting } : {}),
    ...(back === true ? { back } : {}),
    ...(disarm === true ? { disarm } : {}),
    ...(installer === 'started' || installer === 'succeeded' ? { installer } : {}),
  }
}

export function readAttempts(text: string | undefined): Attempts | undefined {
  const { release, count, failure, rolledBack, powercycled } = parseJson(text)
  if (typeof release !== 'string' || typeof count !== 'number') return undefined
  return {
    release,
    count,
    ...(typeof failure === 'string' ? { failure } : {}),
    // 0.1 wrote no more than the text.
    ...(rolledBack === true || (typeof failure === 'string' && /\brolled back\b/.test(failure))
      ? { rolledBack: true }
      : {}),
    ...(powercycled === true ? { powercycled } : {}),
  }
}

function parseJson(text: string | undefined): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text ?? ''))
  } catch {
    return {}
  }
}
