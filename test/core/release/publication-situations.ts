import type { StagedImage } from '../../../src/core/release/image.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import type { PublicationPolicy, PublicationView } from '../../../src/core/release/publication.ts'

export const image = {
  name: 'amd64',
  schematic: 'homelab',
  schematicId: 'a'.repeat(64),
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  file: 'boot.efi',
  nodes: [],
  diskless: false,
} as const

export const built = { schematic: image.schematicId, architecture: 'amd64', secureBoot: false, kind: 'uki' } as const

export function stagedOf(version: string): StagedImage {
  const stagedAt = '2026-11-22T00:00:00.000Z'
  return { ...built, version, sha256: 'b', bytes: 1, stagedAt, path: version, publishedAs: [], published: false }
}

export function nameOf(version: string, former: readonly string[] = [], file: string = image.file): PublishedName {
  const history = former.map((one) => ({ ...built, version: one, publishedAt: '2026-11-21T00:00:00.000Z' }))
  return { ...built, file, version, publishedAt: '2026-11-22T00:00:00.000Z', bytes: 1, history, fault: undefined }
}

export const usual: PublicationView = {
  target: 'v1.14.1',
  hasNodes: true,
  running: ['v1.13.9', 'v1.13.9'],
  silent: [],
  ran: [],
  offered: ['v1.12.11', 'v1.13.8', 'v1.13.9', 'v1.14.1', 'v1.15.0-alpha.0'],
  withdrawn: [],
  staged: ['v1.13.9', 'v1.14.1'].map(stagedOf),
  names: [nameOf('v1.13.9')],
}
export const policy: PublicationPolicy = { publish: 'when-rolled-out', withdrawn: 'replace' }
