import { AgentError } from '../../src/core/errors.ts'
import { type ImageRef, isSameImage, type StagedImage } from '../../src/core/release/image.ts'
import type { Share } from '../../src/core/release/ports.ts'
import type { FormerImage, PublishedName } from '../../src/core/release/published.ts'
import { ShareFull } from '../../src/core/release/share-full.ts'

/** What an order of the image that most homelabs have alone says beside its release and schematic. */
export const plainUki = { architecture: 'amd64', secureBoot: false, kind: 'uki', kernelArguments: [] } as const

/** A share in memory, and what a story may do to it. */
export interface FakeShare extends Share {
  /** What something else has done to a name: `is gone`. It lasts until the name is published again. */
  damage(file: string, fault: string): void
  /** What a machine gets that boots this file; undefined where nothing is there. */
  serves(file: string): { version: string; schematic: string } | undefined
  /** Nothing can be written from now on, with this error; undefined: it can be again. */
  block(why: AgentError | undefined): void
  /** Everything is gone, as from a mount point without its mount. */
  empty(): void
}

type Kept = Omit<StagedImage, 'published' | 'publishedAs'> & ImageRef

/** In bytes. */
const room = 1e12

/** A share in memory, which has more room than is ever needed and never forgets. `note` is told of what is staged and published. */
export function fakeShare(note: (entry: string) => Promise<void>): FakeShare {
  /** Newest first. */
  let images: Kept[] = []
  const names = new Map<string, PublishedName>()
  let blocked: AgentError | undefined
  let clock = Date.parse('2026-11-22T00:00:00.000Z')
  const now = () => new Date((clock += 1_000)).toISOString()

  const shown = (image: Kept): StagedImage => {
    const publishedAs = [...names.values()].filter((name) => isSameImage(name, image)).map(({ file }) => file)
    return { ...image, publishedAs, published: publishedAs.length > 0 }
  }
  const staged = () => images.map(shown).sort((a, b) => Number(b.published) - Number(a.published))

  return {
    digest: async () => 'b'.repeat(64),
    sections: async () => [
      { name: '.linux', bytes: 20_000_000 },
      { name: '.initrd', bytes: 80_000_000 },
    ],
    verify: async (image) => {
      const kept = images.find((one) => isSameImage(one, image))!
      const part = ({ path, bytes, sha256 }: Kept) => ({ path, bytes, sha256 })
      return [part(kept), ...shown(kept).publishedAs.map((path) => part({ ...kept, path }))]
    },
    staged: async () => staged(),
    names: async () => [...names.values()],
    stage: async (order, factory, signal) => {
      const { kernelArguments, asset: _, ...image } = order
      let kept = images.find((candidate) => isSameImage(candidate, image))
      if (!kept) {
        if (blocked) throw blocked
        await note(`stage ${image.version}`)
        const bytes = (await factory.warm({ ...image, kernelArguments }, signal)) ?? 0
        kept = { ...image, sha256: 'b'.repeat(64), bytes, stagedAt: now(), path: image.version }
        images.unshift(kept)
      }
      return shown(kept)
    },
    publish: async (file, image) => {
      const before = names.get(file)
      const kept = images.find((candidate) => isSameImage(candidate, image))
      if (!kept) throw new AgentError('not-found', `${image.version} is not staged on the share`)
      if (before && before.fault === undefined && isSameImage(before, kept)) return
      if (blocked) throw blocked
      await note(`publish ${image.version}`)
      const { version, schematic, architecture, secureBoot, kind } = kept
      const of = { version, schematic, architecture, secureBoot, kind }
      const former: FormerImage[] = before ? [before, ...before.history] : []
      const history = former.filter((one) => one.version !== version || one.schematic !== schematic)
      names.set(file, { ...of, file, bytes: kept.bytes, publishedAt: now(), history, fault: undefined })
    },
    prune: async (surplus) => {
      for (const file of surplus.names) names.delete(file)
      images = images.filter((image) => !surplus.images.some((one) => isSameImage(one, image)))
    },
    whyNotWritable: async (needed = 0) => {
      if (needed > room) return `the share has ${room} bytes free and needs ${needed}`
      return blocked instanceof ShareFull && needed === 0 ? undefined : blocked?.message
    },
    block: (why) => void (blocked = why),
    damage: (file, fault) => void names.set(file, { ...names.get(file)!, fault }),
    serves: (file) => names.get(file),
    empty: () => {
      images = []
      names.clear()
    },
  }
}
