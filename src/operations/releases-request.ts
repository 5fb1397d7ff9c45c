import { during } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import type { ReleaseAnswer } from '../core/release/release-answer.ts'
import { compareVersions, parseVersion } from '../core/version.ts'
import { remembered } from './facts.ts'
import { patiently } from './request.ts'

/** What the Factory offers now, and what it had withdrawn at the last look at releases; newest first. */
export async function readReleases(
  { factory, journal }: Pick<Ports, 'factory' | 'journal'>,
  signal: AbortSignal,
): Promise<readonly ReleaseAnswer[]> {
  const offered = await factory.versions(patiently(signal)).catch((error: unknown) => {
    throw during('look up releases', error)
  })
  const withdrawn = new Set(remembered.withdrawn.recall(journal))
  return [...new Set([...offered, ...withdrawn])]
    .toSorted((a, b) => compareVersions(b, a))
    .map((version) => ({
      version,
      isPrerelease: parseVersion(version)?.prerelease !== undefined,
      isWithdrawn: withdrawn.has(version),
    }))
}
