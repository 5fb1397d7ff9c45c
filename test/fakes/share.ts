import type { Share } from '../../src/core/release/ports.ts'
import type { StagedImage } from '../../src/core/release/image.ts'

/** A share in memory, which never runs full and never forgets. `note` is told of what is staged. */
export function fakeShare(note: (entry: string) => Promise<void>): Share {
  /** Newest first. */
  const images: Omit<StagedImage, 'published'>[] = []
  let published: Omit<StagedImage, 'published'> | undefined

  const staged = () =>
    images
      .map((image): StagedImage => ({ ...image, published: image === published }))
      .sort((a, b) => Number(b.published) - Number(a.published))

  return {
    digest: async () => 'b'.repeat(64),
    staged: async () => staged(),
    stage: async ({ version, schematic, architecture }, options, factory, signal) => {
      await note(`stage ${version}`)
      let image = images.find((candidate) => candidate.version === version && candidate.schematic === schematic)
      if (!image) {
        const bytes = (await factory.warm({ version, schematic, architecture, kernelArguments: [] }, signal)) ?? 0
        const stagedAt = '2026-11-22T00:00:00.000Z'
        image = { version, schematic, architecture, sha256: 'b'.repeat(64), bytes, stagedAt, path: version }
        images.unshift(image)
      }
      if (options.publish) published = image
      return { ...image, published: image === published }
    },
  }
}
