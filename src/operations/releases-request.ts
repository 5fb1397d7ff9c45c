import { during } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { ReleaseAnswer } from '../core/release/release-answer.ts'
import { parseVersion } from '../core/version.ts'
import { remembered } from './facts.ts'
import { patiently } from './request.ts'

/** What the Factory offers now, newest first, with what the last look at releases knew of each. */
export async function readReleases(
  { factory, journal }: Pick<Ports, 'factory' | 'journal'>,
  signal: AbortSignal,
): Promise<readonly ReleaseAnswer[]> {
  const versions = await factory.versions(patiently(signal)).catch((error: unknown) => {
    throw during('look up releases', error)
  })
  const withdrawn = new Set(remembered.withdrawn.recall(journal))
  return versions.toReversed().map((version) => ({
    version,
    isPrerelease: parseVersion(version)?.prerelease !== undefined,
    isWithdrawn: withdrawn.has(version),
  }))
}
