import { decideTarget } from '../../../src/core/release/target.ts'
import type { ReleaseView } from '../../../src/core/release/lines.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'

export const day = 86_400_000
export const now = Date.UTC(2026, 8, 1)
export const policy: ReleasePolicy = { channel: 'stable', skip: [], soak: 7 * day }

export interface Situation {
  readonly available: readonly string[]
  readonly running: readonly string[]
  /** How many days each release has been known; 30 for those that are not named. */
  readonly known?: Readonly<Record<string, number>>
  readonly underWay?: string
  readonly kubernetes?: string
  readonly withdrawn?: readonly string[]
  readonly vanished?: readonly string[]
  /** Nodes that stay, and what they run. */
  readonly left?: Readonly<Record<string, string>>
}

export function viewOf(situation: Situation): ReleaseView {
  const { available, running, known = {}, underWay, kubernetes = 'v1.34.2', withdrawn, vanished, left = {} } = situation
  const firstSeen = new Map(available.map((version) => [version, now - (known[version] ?? 30) * day]))
  const leftBehind = Object.entries(left).map(([node, version]) => ({
    node,
    version,
    why: `${node} is paused (a guest)`,
  }))
  return {
    available,
    running,
    firstSeen,
    underWay,
    kubernetes: kubernetes || undefined,
    now,
    leftBehind,
    ...(withdrawn ? { withdrawn } : {}),
    ...(vanished ? { vanished } : {}),
  }
}

export function decide(situation: Situation, changed: Partial<ReleasePolicy> = {}): string {
  const decision = decideTarget(viewOf(situation), { ...policy, ...changed })
  return decision.kind === 'current' ? 'current' : `${decision.kind} ${decision.version}`
}

export const factory = ['v1.12.9', 'v1.12.11', 'v1.13.0', 'v1.13.8', 'v1.13.9', 'v1.14.0-alpha.0', 'v1.14.0-rc.1']
