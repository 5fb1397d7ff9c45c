import { publishedName, type StagedImage } from '../../../src/core/release/image.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import type { WantedImage } from '../../../src/core/release/staging.ts'

export const built = { architecture: 'amd64', secureBoot: false, kind: 'uki' } as const
export const mini: WantedImage = {
  ...built,
  name: 'mini',
  schematic: 'homelab',
  schematicId: 'mini',
  kernelArguments: ['net.ifnames=0'],
  file: 'mini.efi',
  nodes: [],
  diskless: false,
}
/** For another processor, with the release in its name. */
export const board: WantedImage = { ...mini, name: 'board', architecture: 'arm64', file: 'board-{version}.efi' }

export function stagedOf(image: WantedImage, version: string, publishedAs: readonly string[] = []): StagedImage {
  const { architecture, schematicId: schematic } = image
  const stagedAt = `2026-11-${version.split('.').at(-1)!.padStart(2, '0')}T00:00:00.000Z`
  const facts = { sha256: 'b', bytes: 1, stagedAt, path: version, publishedAs, published: publishedAs.length > 0 }
  return { ...built, architecture, schematic, version, ...facts }
}

export function nameOf(
  image: WantedImage,
  version: string,
  former: readonly string[] = [],
  fault?: string,
): PublishedName {
  const { architecture, schematicId: schematic } = image
  const at = (of: string) => `2026-11-${of.split('.').at(-1)!.padStart(2, '0')}T00:00:00.000Z`
  const of = { ...built, architecture, schematic }
  const history = former.map((one) => ({ ...of, version: one, publishedAt: at(one) }))
  return { ...of, file: publishedName(image, version), version, publishedAt: at(version), bytes: 1, history, fault }
}
