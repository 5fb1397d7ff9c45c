import { allows, type ReleasePolicy } from './policy.ts'
import { compareVersions, isNewer, isOfficial, parseVersion } from '../version.ts'

/** What the Factory says of releases: what it offers, and what it has withdrawn. */
export interface ReleaseLists {
  readonly offered: readonly string[]
  readonly withdrawn: readonly string[]
  /** Offered once, and on neither list now. */
  readonly vanished: readonly string[]
}

/** What the Factory answered this time. */
export interface FactoryAnswer {
  readonly offered: readonly string[]
  /** Undefined where it did not answer, or does not know the question. */
  readonly withdrawn: readonly string[] | undefined
}

/** The newest of each are remembered: a Factory that lists others every time must not fill the disk. */
const mostVanished = 200
const mostWithdrawn = 2_000

/**
 * The lists as they are to be remembered, from what was known and what the Factory says now. An answer that offers
 * nothing changes nothing but what it withdraws, and what was withdrawn stays so until it is offered again. Of releases
 * that vanished from the list only those matter that this homelab runs or could be upgraded to: not what the policy
 * excludes, what is older than every node, nor pre-releases of a line that has moved on.
 */
export function mergeLists(
  known: ReleaseLists,
  { offered, withdrawn }: FactoryAnswer,
  { policy, running }: { readonly policy: ReleasePolicy; readonly running: readonly string[] },
): ReleaseLists {
  const stillWithdrawn = known.withdrawn.filter((version) => withdrawn === undefined || !offered.includes(version))
  const allWithdrawn = [...new Set([...(withdrawn ?? []), ...stillWithdrawn])]
    .toSorted(compareVersions)
    .slice(-mostWithdrawn)
  if (offered.length === 0) {
    const vanished = known.vanished.filter((version) => !allWithdrawn.includes(version))
    return { offered: known.offered, withdrawn: allWithdrawn, vanished }
  }
  const [oldest] = running.filter(isOfficial).toSorted(compareVersions)
  const newest = offered.filter(isOfficial).toSorted(compareVersions).at(-1)
  const vanished = [...new Set([...known.offered, ...known.vanished])]
    .filter((version) => !offered.includes(version) && !allWithdrawn.includes(version))
    .filter((version) => allows(policy, version) && !(oldest !== undefined && isNewer(oldest, version)))
    .filter((version) => !(newest !== undefined && isOutgrown(version, newest)))
    .toSorted(compareVersions)
    .slice(-mostVanished)
  return { offered, withdrawn: allWithdrawn, vanished }
}

/**
 * Whether a pre-release is one that the Factory leaves out by its own rule: it offers those of the highest minor version
 * alone (siderolabs/image-factory internal/artifacts/versions.go). One whose final release is there is of no use either.
 */
function isOutgrown(version: string, newest: string): boolean {
  const [own, highest] = [parseVersion(version), parseVersion(newest)]
  if (own?.prerelease === undefined || highest === undefined || !isNewer(newest, version)) return false
  return highest.major !== own.major || highest.minor !== own.minor || highest.prerelease === undefined
}
