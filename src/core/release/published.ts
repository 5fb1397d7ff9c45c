import type { ImageRef } from './image.ts'

/** A name on the share under which machines boot an image. */
export interface PublishedName extends Omit<ImageRef, 'architecture'> {
  readonly file: string
  /** Of what machines get, as it was published. */
  readonly bytes: number
  readonly architecture: string
  /** ISO 8601. */
  readonly publishedAt: string
  /** What it served before, the last first. */
  readonly history: readonly FormerImage[]
  /** Why what machines get is not what was published, to follow the name: `is gone`; undefined where it is. */
  readonly fault: string | undefined
}

/** What a name served before. */
export interface FormerImage extends Omit<ImageRef, 'architecture'> {
  readonly architecture: string
  readonly publishedAt: string
}

/** What is taken away from the share. */
export interface Surplus {
  readonly images: readonly SurplusImage[]
  /** Published names, with what we know of them. */
  readonly names: readonly string[]
}

export type SurplusImage = Omit<ImageRef, 'architecture'> & { readonly architecture: string }
