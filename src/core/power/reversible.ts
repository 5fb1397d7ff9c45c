import type { PhaseId } from '../phase-id.ts'

/** The phases that can be undone, in order: those that a rehearsal carries out, and the only ones that need Kubernetes. */
export const reversiblePhases = ['cordon', 'scale-down', 'set-storage-flags', 'drain'] as const satisfies PhaseId[]
export type ReversiblePhase = (typeof reversiblePhases)[number]

export function isReversiblePhase(text: string): text is ReversiblePhase {
  return reversiblePhases.some((id) => id === text)
}
