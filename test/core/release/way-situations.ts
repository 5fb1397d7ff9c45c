import { decideTarget } from '../../../src/core/release/target.ts'
import type { ReleaseView } from '../../../src/core/release/lines.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'

export const day = 86_400_000
export const now = Date.UTC(2026, 8, 1)
export const usual: ReleasePolicy = { channel: 'stable', skip: [], soak: 7 * day }

export interface Situation extends Partial<Omit<ReleaseView, 'firstSeen' | 'leftBehind'>> {
  readonly available: readonly string[]
  readonly running: readonly string[]
  /** Releases that were seen yesterday for the first time; all others have soaked. */
  readonly fresh?: readonly string[]
  /** Nodes that are paused, and what they run. */
  readonly paused?: Readonly<Record<string, string>>
}

/** `target v1.13.9: its reason`, with Kubernetes 1.34 unless said. */
export function decide(
  { fresh = [], paused = {}, ...situation }: Situation,
  changed: Partial<ReleasePolicy> = {},
): string {
  const view: ReleaseView = {
    underWay: undefined,
    kubernetes: 'v1.34.2',
    now,
    ...situation,
    firstSeen: new Map(situation.available.map((version) => [version, now - (fresh.includes(version) ? 1 : 30) * day])),
    leftBehind: Object.entries(paused).map(([node, version]) => ({ node, version, why: `${node} is paused` })),
  }
  const decision = decideTarget(view, { ...usual, ...changed })
  return `${[decision.kind, ...('version' in decision ? [decision.version] : [])].join(' ')}: ${decision.reason}`
}
