import type { Attempts, CordonMark } from '../../core/cluster/cluster.ts'
import { asRecord } from './kubeconfig.ts'

/** On a node that we cordoned: why, and for which operation. Nobody can own this domain. */
export const cordonAnnotation = 'caretaker.homelab/cordon'
/** How often a release was attempted on the node. */
export const attemptsAnnotation = 'caretaker.homelab/attempts'
/** On a node in service: an upgrade was installed there on purpose, for its next boot. */
export const stagedAnnotation = 'caretaker.homelab/staged'
/** Set by a person: the node must not be upgraded; the value is the reason. */
export const pausedAnnotation = 'caretaker.homelab/paused'
/** How 0.1 noted replicas on a workload, as an annotation that controllers copy: only ever removed. */
export const replicasAnnotation = 'caretaker.homelab/replicas-before'
/** On the Lease object: why it is held. */
export const purposeAnnotation = 'caretaker.homelab/purpose'

const texts = ['release', 'schematic', 'bootId', 'uuid', 'machineId', 'to'] as const

/** Anyone can write annotations: one of another shape is ignored. */
export function readMark(text: string | undefined): CordonMark | undefined {
  const { why, at, from, ordered, rebooting, back, disarm, diskless, installer, kernelArguments, ...rest } =
    parseJson(text)
  if ((why !== 'upgrade' && why !== 'power') || typeof at !== 'string') return undefined
  return {
    why,
    at,
    ...Object.fromEntries(texts.flatMap((key) => (typeof rest[key] === 'string' ? [[key, rest[key]]] : []))),
    ...(typeof from === 'string' ? { from } : {}),
    ...(Array.isArray(kernelArguments) ? { kernelArguments: kernelArguments.map(String) } : {}),
    ...(ordered === true ? { ordered } : {}),
    ...(rebooting === true ? { rebooting } : {}),
    ...(back === true ? { back } : {}),
    ...(disarm === true ? { disarm } : {}),
    ...(diskless === true ? { diskless } : {}),
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
    // 0.1 wrote only the text.
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
