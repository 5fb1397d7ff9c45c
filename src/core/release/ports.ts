import type { ImageOrder, ImageRef, StagedImage, StagedRef } from './image.ts'
import type { PublishedName, Surplus } from './published.ts'
import type { Proofs } from './proofs.ts'
import type { Registered } from './registration.ts'
import type { Catalogue } from './schematic-check.ts'
import type { Schematic } from './schematic.ts'
import type { UkiSection } from './uki.ts'
import type { VerifiedPart } from './verification.ts'

/** The Talos Image Factory. */
export interface Factory {
  /** Its host, and port where it isn't 443: the registry that serves installer images. */
  readonly registry: string
  /** Every release that it offers, oldest first, with their `v`. */
  versions(signal: AbortSignal): Promise<readonly string[]>
  /**
   * The releases that it has withdrawn, with their `v`: its word for "do not use this one". Undefined where it does not
   * know that question: before v1.3.3 it answers what it offers, as `versions` has told.
   */
  withdrawn(offered: readonly string[], signal: AbortSignal): Promise<readonly string[] | undefined>
  /** What schematics may name for a release. @throws AgentError `rejected` where it does not offer the release */
  catalogue(version: string, signal: AbortSignal): Promise<Catalogue>
  /** Makes the schematic known, to the Factory of `registry` wherever that one answers. */
  register(schematic: Schematic, signal: AbortSignal): Promise<Registered>
  /** Has the image built if need be, which can take minutes; answers its size in bytes where the Factory says it. */
  warm(image: ImageOrder, signal: AbortSignal): Promise<number | undefined>
  /** Starts the download; `resume` asks for the rest of one that broke off. */
  open(image: ImageOrder, resume: Resume | undefined, signal: AbortSignal): Promise<Download>
}

export interface Resume {
  readonly offset: number
  /** What the first part was served with: the rest must be of the same bytes. */
  readonly etag: string
}

export interface Download {
  /** Where the body starts: 0, or the offset that was asked for. */
  readonly offset: number
  /** Size of the whole file in bytes; undefined where the server doesn't say. */
  readonly size: number | undefined
  readonly etag: string | undefined
  readonly body: AsyncIterable<Uint8Array>
  /** The URL that was asked for, without credentials: it should always answer the same bytes. */
  readonly source: string
  /** What the same server says of these bytes. */
  proofs(signal: AbortSignal): Promise<Proofs>
}

/** The directory that the NAS serves over TFTP. Every call has a limit of its own: a mount can hang. */
export interface Share {
  /** SHA-256 of the first so many bytes of a file of the share, or of all of it, in lower-case hex. */
  digest(path: string, most: number | undefined, signal: AbortSignal): Promise<string>
  /** What a UKI of the share is made of, in the order of the file. @throws AgentError `malformed` for what is no UKI */
  sections(path: string, signal: AbortSignal): Promise<readonly UkiSection[]>
  /** Hashes every file of a staged image, and what its names serve; verifies its signature where one is demanded. */
  verify(image: StagedRef, signal: AbortSignal): Promise<readonly VerifiedPart[]>
  /** What is staged whole: what is published first, then the newest. */
  staged(): Promise<readonly StagedImage[]>
  /** Every name that we have published, and whether what machines get under it is still what we gave it. */
  names(): Promise<readonly PublishedName[]>
  /**
   * Why no image can be written to it just now, or none that needs so many bytes; undefined where one can. Nothing is
   * written to find out.
   */
  whyNotWritable(needed: number | undefined): Promise<string | undefined>
  /** Brings an image onto the share, checked, and publishes nothing. What is there already is not brought again. */
  stage(image: ImageOrder, factory: Pick<Factory, 'warm' | 'open'>, signal: AbortSignal): Promise<StagedImage>
  /**
   * Gives a staged image the name that machines boot, by one rename, and reads it back before that.
   *
   * @throws AgentError `malformed` where other bytes are read than were staged: it then counts as absent
   */
  publish(file: string, image: ImageRef, signal: AbortSignal): Promise<void>
  /** Takes images and names away, and what crashes have left. */
  prune(surplus: Surplus, signal: AbortSignal): Promise<void>
}
