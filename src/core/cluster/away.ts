import type { Node } from './cluster.ts'

/** The part of an outage that explains why a node is away: see `Outage`. */
export interface OutageOfNodes {
  readonly stage: string
  readonly nodes: Readonly<Record<string, { readonly state: string }>>
}

/**
 * Why a node may be away without a fault, worded to follow its name: `is being upgraded`. Undefined where nothing of ours
 * explains it, and where what we did to it has failed.
 */
export function whyAway(
  { name, kubernetes }: Pick<Node, 'name' | 'kubernetes'>,
  outage: OutageOfNodes | undefined,
): string | undefined {
  const left = outage?.stage === 'over' ? undefined : outage?.nodes[name]?.state
  if (left !== undefined && !['up', 'drained', 'back'].includes(left))
    return outage?.stage === 'waking' ? 'is being woken' : 'is shut down because of the power cut'
  const { cordon, attempts } = kubernetes.ok ? kubernetes.value : {}
  return cordon?.why === 'upgrade' && attempts?.failure === undefined ? 'is being upgraded' : undefined
}
