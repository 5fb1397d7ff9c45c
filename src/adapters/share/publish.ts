import { randomBytes } from 'node:crypto'
import { chmod, link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import type { StagedFile } from '../../core/release/image.ts'
import { bootScript } from '../../core/release/boot-script.ts'
import type { FormerImage } from '../../core/release/published.ts'
import { copyWhole, sha256Of, syncDirectory, writeWhole } from './files.ts'
import { filePath, type Layout, manifestPath, publishedPath, recordPath } from './layout.ts'
import { type PublishedRecord, readRecord } from './manifest.ts'
import { translateError } from './trouble.ts'
import { whyNotSigned } from './signed.ts'
import { spellingMeans, takeSpelling } from './spelling.ts'
import type { Found } from './staged.ts'

/** So many images that a name had are remembered. */
const longestHistory = 20

export interface PublishOptions {
  readonly now: Date
  /** Certificates, PEM, that signed images must be signed by. */
  readonly pinned: readonly string[]
  /** Ends with an error where nobody waits any more for what is done here. */
  readonly stillWanted: () => Promise<void>
}

/**
 * Gives an image the name that machines boot, by rename(2), which a transfer in progress does not notice. It is read back
 * before that.
 *
 * @throws AgentError `malformed` where other bytes are read than were written
 */
export async function publish(layout: Layout, file: string, image: Found, options: PublishOptions): Promise<void> {
  const published = publishedPath(layout, file)
  const temporary = join(layout.directory, `.${file}.${randomBytes(4).toString('hex')}.part`)
  try {
    await takeSpelling(file, spellingMeans(layout))
    const before = await readRecord(recordPath(layout, file))
    const sha256 = await prepare(layout, image, temporary)
    await demandSigned(image, options.pinned)
    await options.stillWanted()
    await renameOver(temporary, published)
    await syncDirectory(layout.directory)
    const record = await recordOf(published, sha256, { image, before, now: options.now })
    await writeWhole(recordPath(layout, file), JSON.stringify(record, null, 2))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof AgentError ? error : translateError(published, error)
  }
}

/** Makes the file that is to have the name, and answers its checksum. */
async function prepare(layout: Layout, { place, manifest }: Found, temporary: string): Promise<string> {
  const [first] = manifest.files
  if (manifest.kind !== 'kernel') {
    await linkOrCopy(filePath(place, first!.name), temporary)
    await demandSame(place, temporary, first!)
    return first!.sha256
  }
  for (const file of manifest.files) await demandSame(place, filePath(place, file.name), file)
  const [kernel, initramfs, commandLine] = manifest.files.map(({ name }) => name)
  const below = relative(layout.directory, place).split(sep).join('/')
  const text = bootScript({
    kernel: `${below}/${kernel}`,
    initramfs: `${below}/${initramfs}`,
    commandLine: await readFile(filePath(place, commandLine!), 'utf8'),
  })
  await writeFile(temporary, text, { mode: 0o644, flush: true })
  await chmod(temporary, 0o644)
  return sha256Of(temporary)
}

async function demandSame(place: string, path: string, { name, sha256 }: StagedFile): Promise<void> {
  if ((await sha256Of(path)) === sha256) return
  // Without its manifest it counts as absent, and is downloaded again.
  await rm(manifestPath(place), { force: true })
  throw new AgentError(
    'malformed',
    `${filePath(place, name)} reads back differently than it was written and is not published: check the disk of the share`,
  )
}

/** Read anew, whatever is noted beside it: the share is open to others. */
async function demandSigned({ place, manifest }: Found, pinned: readonly string[]): Promise<void> {
  const first = filePath(place, manifest.files[0]!.name)
  const refusal = await whyNotSigned(first, { ...manifest, pinned })
  if (refusal !== undefined) throw new AgentError('malformed', `${first} is not published: ${refusal}`)
}

/** Linux' client for SMB takes the old file away first where the server refuses to rename over it, and may fail then. */
async function renameOver(temporary: string, published: string): Promise<void> {
  try {
    await rename(temporary, published)
  } catch (error) {
    const isThere = await stat(temporary).catch(() => undefined)
    if (!isThere) throw error
    await rename(temporary, published)
  }
}

async function recordOf(
  published: string,
  sha256: string,
  { image, before, now }: { readonly image: Found; readonly before: PublishedRecord | undefined; readonly now: Date },
): Promise<PublishedRecord> {
  const { files: _, signers: __, ...manifest } = image.manifest
  const { size, mtimeMs, ino } = await stat(published)
  return {
    ...manifest,
    publishedAt: now.toISOString(),
    served: { bytes: size, sha256, mtimeMs, ino },
    history: historyAfter(before, manifest),
  }
}

/** What a name served before, the last first; the same image again is no change. */
function historyAfter(
  before: PublishedRecord | undefined,
  next: Pick<PublishedRecord, 'version' | 'schematic'>,
): readonly FormerImage[] {
  if (!before) return []
  const { version, schematic, architecture, secureBoot, kind, publishedAt } = before
  const isSame = version === next.version && schematic === next.schematic
  const last: FormerImage = { version, schematic, architecture, secureBoot, kind, publishedAt }
  return (isSame ? before.history : [last, ...before.history]).slice(0, longestHistory)
}

/** A hard link; where the file system has none (SMB), a copy. */
async function linkOrCopy(path: string, temporary: string): Promise<void> {
  await link(path, temporary).catch(async () => {
    await copyWhole(path, temporary)
    await chmod(temporary, 0o644)
  })
}
