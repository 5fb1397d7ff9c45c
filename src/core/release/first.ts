import type { ReleaseView } from './lines.ts'
import { allows, type ReleasePolicy } from './policy.ts'
import type { TargetDecision } from './target.ts'
import { compareVersions } from '../version.ts'

/** Why nothing runs yet, as a clause. */
export type FirstReason = 'no node is configured yet' | 'no node has ever answered'

/**
 * The release for machines of a cluster that does not exist yet: what they boot first. The pinned one; else the newest that
 * has soaked; else the newest of all, since nothing runs that it could harm.
 */
export function decideFirst(
  { available, withdrawn = [], firstSeen, now }: Pick<ReleaseView, 'available' | 'withdrawn' | 'firstSeen' | 'now'>,
  policy: ReleasePolicy,
  why: FirstReason,
): TargetDecision {
  const { pin, soak } = policy
  const offered = available
    .filter((version) => allows(policy, version) && !withdrawn.includes(version))
    .toSorted(compareVersions)
    .toReversed()
  if (pin !== undefined)
    return offered.includes(pin)
      ? { kind: 'target', version: pin, reason: `it is pinned, and ${why}` }
      : { kind: 'current', reason: `the pinned ${pin} is not offered by the Factory, and ${why}` }
  const [newest] = offered
  if (newest === undefined)
    return {
      kind: 'current',
      reason: `the Factory offers no release that the policy allows, and ${why}`,
    }
  const soaked = offered.find((version) => (firstSeen.get(version) ?? now) + soak <= now)
  return soaked === undefined
    ? { kind: 'target', version: newest, reason: `the newest; ${why}` }
    : { kind: 'target', version: soaked, reason: `the newest that has soaked; ${why}` }
}
