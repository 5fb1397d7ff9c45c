import { runningVersions } from '../cluster/cluster.ts'
import { compareVersions, lineOf, parseVersion } from '../version.ts'
import type { Facts, ReleaseFacts } from '../known-facts.ts'
import { createSamples, gauge, type Sample, timestampOf } from './metric.ts'

const version = 'release of Talos'

/** Releases of Talos, and what of them is on the share. */
export const releaseMetrics = {
  caretaker_release_target_info: gauge('The target release: 1', { version }),
  caretaker_release_coming_info: gauge('The release that is the target, or waits or soaks to become it: 1', {
    version,
  }),
  caretaker_release_newest_info: gauge('The newest final release that the Factory offers: 1', { version }),
  caretaker_releases_offered: gauge('Releases that the Factory offered when it was asked last', {}),
  caretaker_releases_withdrawn: gauge('Releases that the Factory marks as withdrawn', {}),
  caretaker_release_supported: gauge(
    'Whether a release that runs has community support, which ends with the next minor release',
    { version },
  ),
  caretaker_release_support_end_timestamp_seconds: gauge(
    'When the release was first seen that ended the support of one that runs; absent while it has support',
    { version },
  ),
  caretaker_staged_image_info: gauge('The image that machines boot from the share: 1', {
    version,
    schematic: 'first 12 digits of its id',
    architecture: 'amd64, arm64',
  }),
  caretaker_staged_images: gauge('Images on the share', {}),
  caretaker_share_observed_timestamp_seconds: gauge('When the share was looked at last', {}),
} as const

export function readReleases({ known, releases }: Facts): readonly Sample[] {
  const samples = createSamples(releaseMetrics)
  const { target, coming, offered, withdrawn } = releases
  const newest = offered.filter(isFinal).toSorted(compareVersions).at(-1)
  if (target !== undefined) samples.add('caretaker_release_target_info', { version: target }, 1)
  if (coming !== undefined) samples.add('caretaker_release_coming_info', { version: coming }, 1)
  if (newest !== undefined) samples.add('caretaker_release_newest_info', { version: newest }, 1)
  samples.add('caretaker_releases_offered', {}, offered.length)
  samples.add('caretaker_releases_withdrawn', {}, withdrawn.length)
  for (const running of new Set(known.cluster ? runningVersions(known.cluster) : [])) {
    if (lineOf(running) === undefined || offered.length === 0) continue
    const end = supportEnd(running, releases)
    samples.add('caretaker_release_supported', { version: running }, end === undefined)
    if (end !== undefined && Number.isFinite(end))
      samples.add('caretaker_release_support_end_timestamp_seconds', { version: running }, end / 1_000)
  }
  const { staged } = known
  if (!staged) return samples.all
  samples.add('caretaker_staged_images', {}, staged.images.length)
  samples.add('caretaker_share_observed_timestamp_seconds', {}, timestampOf(staged.observedAt))
  for (const { published, version: of, schematic, architecture } of staged.images) {
    const labels = { version: of, schematic: schematic.slice(0, 12), architecture }
    if (published) samples.add('caretaker_staged_image_info', labels, 1)
  }
  return samples.all
}

/**
 * When the first final release of a later minor was first seen, in ms since the epoch: it ends the community support of the
 * one before (Talos' support matrix). Undefined: there is none; Infinity: it is not known when.
 */
export function supportEnd(running: string, { offered, firstSeen }: ReleaseFacts): number | undefined {
  const line = lineOf(running)!
  const later = offered.filter((one) => {
    const other = lineOf(one)
    if (!other || !isFinal(one)) return false
    return other.major > line.major || (other.major === line.major && other.minor > line.minor)
  })
  return later.length === 0 ? undefined : Math.min(...later.map((one) => firstSeen.get(one) ?? Infinity))
}

function isFinal(release: string): boolean {
  const parsed = parseVersion(release)
  return parsed !== undefined && parsed.prerelease === undefined
}
