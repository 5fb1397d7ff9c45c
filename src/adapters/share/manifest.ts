import { readdir } from 'node:fs/promises'
import type { ImageKind, StagedFile, StagedImage } from '../../core/release/image.ts'
import type { FormerImage } from '../../core/release/published.ts'
import { flag, listOf, number, object, oneOf, optional, type Shape, text } from '../../core/shape.ts'
import { readSmall } from './own-file.ts'

/** The manifest beside each image. */
export interface Manifest extends Omit<StagedImage, 'path' | 'published' | 'publishedAs'> {
  readonly files: readonly StagedFile[]
  /** Which certificates its signature was verified by; absent where it was not. */
  readonly signers?: string | undefined
}

/** What lies beside a name that machines boot: the manifest of its image, and what we last saw under the name. */
export interface PublishedRecord extends Omit<Manifest, 'files' | 'signers'> {
  readonly publishedAt: string
  readonly served: Served
  readonly history: readonly FormerImage[]
}

/** A file as it was when it was published. */
export interface Served {
  readonly bytes: number
  readonly sha256: string
  readonly mtimeMs: number
  readonly ino: number
}

/** The share is open to others: what they write must lead nowhere else. */
const plainName: Shape<string> = (value, at) => {
  const name = text(value, at)
  return /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name) ? name : text(undefined, at)
}
const word: Shape<string> = (value, at) => text(value === '' ? undefined : value, at)

const kind = oneOf<ImageKind>({ uki: true, kernel: true, iso: true })

/** Of 0.1.0 there are manifests without these: all images were plain UKIs. */
const orUsual =
  <T>(shape: Shape<T>, usual: T): Shape<T> =>
  (value) =>
    value === undefined ? usual : shape(value)

const former = object<FormerImage>({
  version: text,
  schematic: text,
  architecture: text,
  secureBoot: flag,
  kind,
  publishedAt: text,
})

const common = {
  version: word,
  schematic: word,
  architecture: word,
  secureBoot: orUsual(flag, false),
  kind: orUsual(kind, 'uki'),
  sha256: word,
  bytes: number,
  stagedAt: word,
}

const manifest = object<Manifest>({
  ...common,
  files: orUsual(listOf(object<StagedFile>({ name: plainName, bytes: number, sha256: text })), []),
  signers: optional(text),
})

const unseen: Served = { bytes: -1, sha256: '', mtimeMs: -1, ino: -1 }
const record = object<PublishedRecord>({
  ...common,
  publishedAt: orUsual(text, ''),
  served: orUsual(object<Served>({ bytes: number, sha256: text, mtimeMs: number, ino: number }), unseen),
  history: orUsual(listOf(former), []),
})

/** In bytes: others may put anything there. */
const largest = 262_144

/** Undefined where it is missing or incomplete: others may write to the share. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  return readShape(path, manifest)
}

/** What is known of a published name; undefined where nothing is. */
export async function readRecord(path: string): Promise<PublishedRecord | undefined> {
  const found = await readShape(path, record)
  if (!found) return undefined
  const { publishedAt, served, stagedAt, bytes, sha256 } = found
  return {
    ...found,
    publishedAt: publishedAt === '' ? stagedAt : publishedAt,
    // A record of 0.1.0: what it says of the image is true of the file.
    served: served === unseen ? { ...unseen, bytes, sha256 } : served,
  }
}

async function readShape<T>(path: string, shape: Shape<T>): Promise<T | undefined> {
  try {
    const content = await readSmall(path, largest)
    return content === undefined ? undefined : shape(JSON.parse(content))
  } catch {
    return undefined
  }
}

/** The files of an image. Those of 0.1.0 had one, under the name that machines boot. */
export async function filesOf(place: string, { files, bytes, sha256 }: Manifest): Promise<readonly StagedFile[]> {
  if (files.length > 0) return files
  const names = await readdir(place).catch(() => [])
  const only = names.filter((name) => name !== 'manifest.json' && !name.startsWith('.'))
  return only.length === 1 ? [{ name: only[0]!, bytes, sha256 }] : []
}
