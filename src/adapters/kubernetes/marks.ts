import type { Attempts, CordonMark } from '../../core/cluster.ts'
import { asRecord } from './kubeconfig.ts'

/** On a node that we cordoned: why, and what we were at. A domain that can't be anybody's. */
export const cordonAnnotation = 'caretaker.homelab/cordon'
/** How often a release was tried there. */
export const attemptsAnnotation = 'caretaker.homelab/attempts'

/** Anybody can write annotations: what isn't of our shape is not ours. */
export function readMark(text: string | undefined): CordonMark | undefined {
  const { why, at, release, schematic, bootId, rebooting } = parseJson(text)
  if ((why !== 'upgrade' && why !== 'power') || typeof at !== 'string') return undefined
  return {
    why,
    at,
    ...(typeof release === 'string' ? { release } : {}),
    ...(typeof schematic === 'string' ? { schematic } : {}),
    ...(typeof bootId === 'string' ? { bootId } : {}),
    ...(rebooting === true ? { rebooting } : {}),
  }
}

export function readAttempts(text: string | undefined): Attempts | undefined {
  const { release, count, failure } = parseJson(text)
  if (typeof release !== 'string' || typeof count !== 'number') return undefined
  return { release, count, ...(typeof failure === 'string' ? { failure } : {}) }
}

function parseJson(text: string | undefined): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(text ?? ''))
  } catch {
    return {}
  }
}
