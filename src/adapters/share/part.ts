import { createHash } from 'node:crypto'
import { type FileHandle, lstat, rm, stat, writeFile } from 'node:fs/promises'
import { describeDuration } from '../../core/duration.ts'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import type { Download, Factory } from '../../core/release/ports.ts'
import type { Proofs } from '../../core/release/proofs.ts'
import { ShareFull } from '../../core/release/share-full.ts'
import { openPart, readSmall } from './own-file.ts'
import { checkSpace, megabytes } from './space.ts'
import { translate, translateError, whyTaken } from './trouble.ts'

/** What a finished download holds, and where it is from. */
export interface Part {
  readonly bytes: number
  readonly sha256: string
  readonly source: string
  readonly proofs: Proofs
}

/** No image of Talos is larger than this, in bytes. An ISO holds its system up to three times over. */
const largestOf = ({ kind }: ImageOrder) => (kind === 'iso' ? 4 : 1) * 2 ** 30
const tooLarge = (largest: number) =>
  new AgentError('malformed', `the download is larger than ${largest / 2 ** 30} GiB, which no image of Talos is`)

/** @throws AgentError `malformed` for a size that is said and that no image has */
function demandUsual(size: number | undefined, order: ImageOrder): void {
  if (size !== undefined && size > largestOf(order)) throw tooLarge(largestOf(order))
}

/** How often an interrupted download is resumed in one run. */
const resumptions = 5

/**
 * Downloads into `path`, and resumes an earlier partial download where the server confirms that the image is unchanged
 * (RFC 9110 section 13.1.5, If-Range). The file is complete and on the disk when this returns.
 *
 * @throws AgentError; the partial file is then either resumable or removed
 */
export async function download(
  path: string,
  order: ImageOrder,
  factory: Pick<Factory, 'warm' | 'open'>,
  signal: AbortSignal,
): Promise<Part> {
  // Lets the Factory build the image first, and learns its size before anything is written.
  const size = await factory.warm(order, signal)
  demandUsual(size, order)
  await checkSpace(path, size, await sizeOf(path))
  for (let attempt = 0; ; attempt++) {
    try {
      return await downloadOnce(path, order, factory, signal)
    } catch (error) {
      const again =
        error instanceof AgentError && error.retryable && attempt < resumptions && (await readEtag(path)) !== undefined
      if (!again || signal.aborted) throw error
    }
  }
}

async function downloadOnce(
  path: string,
  order: ImageOrder,
  factory: Pick<Factory, 'warm' | 'open'>,
  signal: AbortSignal,
): Promise<Part> {
  const etag = await readEtag(path)
  let file = await openPart(path, { goesOn: etag !== undefined }).catch(translate(path))
  // Closes the connection when writing fails, too.
  const over = new AbortController()
  let size: number | undefined
  try {
    const offset = etag === undefined ? 0 : (await file.stat()).size
    const resume = etag !== undefined && offset > 0 ? { offset, etag } : undefined
    const incoming = await factory.open(order, resume, AbortSignal.any([signal, over.signal]))
    // Before the body, because a Factory that can't say it now is asked again, and a whole download would be lost.
    const proofs = await incoming.proofs(signal)
    const goesOn = offset > 0 && incoming.offset === offset
    if (!goesOn && offset > 0) {
      await file.close()
      file = await openPart(path, { goesOn: false })
    }
    size = incoming.size
    demandUsual(size, order)
    await announce(path, incoming.etag)
    await checkSpace(path, size, goesOn ? offset : 0)
    const from = { path, offset: goesOn ? offset : 0, largest: largestOf(order) }
    const received = await receive(file, incoming, from, signal)
    await file.sync()
    await demandAlone(path, file, received.bytes)
    return { ...received, source: incoming.source, proofs }
  } catch (error) {
    const told = error instanceof AgentError ? error : translateError(path, error)
    if (!told.retryable && !signal.aborted) await discard(path)
    // Something else has filled it while it came.
    if (told instanceof ShareFull && size !== undefined) throw new ShareFull(told.message, 2 * size, error)
    throw told
  } finally {
    over.abort()
    await file.close()
  }
}

/** @throws AgentError where somebody else has written to the download, or put another one in its place */
async function demandAlone(path: string, file: FileHandle, bytes: number): Promise<void> {
  const [own, there] = await Promise.all([file.stat(), lstat(path).catch(() => undefined)])
  if (own.size === bytes && there?.size === bytes) return
  throw await whyTaken(path)
}

async function receive(
  file: FileHandle,
  { body, size }: Download,
  { path, offset, largest }: { readonly path: string; readonly offset: number; readonly largest: number },
  signal: AbortSignal,
): Promise<Pick<Part, 'bytes' | 'sha256'>> {
  const hash = createHash('sha256')
  if (offset > 0) await hashStart(file, offset, hash)
  let bytes = offset
  const began = performance.now()
  // Node's own word, `aborted due to timeout`, names nobody.
  const stopIfOff = () => {
    if (!signal.aborted) return
    const words = `the download was called off after ${describeDuration(performance.now() - began)}`
    throw new AgentError('unreachable', `${words}, with ${megabytes(bytes)} on the share`, signal.reason)
  }
  const writer = createWriter(file, path, offset)
  try {
    for await (const chunk of body) {
      stopIfOff()
      bytes += chunk.length
      if (bytes > largest) throw tooLarge(largest)
      hash.update(chunk)
      await writer.write(chunk)
    }
  } catch (error) {
    // What has come is what the next try goes on from.
    await writer.end().catch(() => undefined)
    throw error
  }
  await writer.end()
  stopIfOff()
  if (size !== undefined && bytes !== size)
    throw new AgentError('unreachable', `the download ended after ${bytes} of ${size} bytes`)
  return { bytes, sha256: hash.digest('hex') }
}

/** In bytes: so much is written at once, while what comes next is received and counted into the checksum. */
const batch = 1_048_576
/** In ms: what comes slowly is written all the same. */
const keptFor = 250

/**
 * Writes behind what comes: one write is under way at most. It keeps copies, as what comes holds only until more does.
 *
 * Each byte goes to its own place in the file. Two Caretakers that go on with one download then write the same bytes to
 * the same places, where appending would mix them.
 */
function createWriter(file: FileHandle, path: string, offset: number) {
  let position = offset
  let [present, next] = [Buffer.allocUnsafeSlow(batch), Buffer.allocUnsafeSlow(batch)]
  let size = 0
  let writing: Promise<void> = Promise.resolve()
  let flushedAt = performance.now()
  const syncer = createSyncer(file)

  async function flush(): Promise<void> {
    await writing
    const bytes = present.subarray(0, size)
    ;[present, next] = [next, present]
    size = 0
    flushedAt = performance.now()
    const at = position
    position += bytes.length
    writing = writePiece(file, path, { bytes, at }).then(() => syncer.wrote(bytes.length))
    // Told when the next piece comes.
    writing.catch(() => undefined)
  }

  return {
    write: async (chunk: Uint8Array) => {
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + batch - size)
        present.set(part, size)
        size += part.length
        at += part.length
        if (size === batch || performance.now() - flushedAt > keptFor) await flush()
      }
    },
    end: async () => {
      try {
        await flush()
        await writing
      } finally {
        // Before the file is closed.
        await syncer.end()
      }
    },
  }
}

/** In bytes: after so many the disk is asked to write them. */
const syncedEvery = 33_554_432

/** Has what is written put on the disk while more comes, so that little is left to do at the end. */
function createSyncer(file: FileHandle) {
  let since = 0
  let syncing: Promise<void> | undefined
  return {
    wrote: (bytes: number) => {
      since += bytes
      if (since < syncedEvery || syncing) return
      since = 0
      // A fault comes again at the end, where it counts.
      syncing = file
        .datasync()
        .catch(() => undefined)
        .finally(() => (syncing = undefined))
    },
    end: async () => syncing,
  }
}

/** Writes bytes at their place in a download that still has its name: under another one machines may boot it already. */
async function writePiece(
  file: FileHandle,
  path: string,
  { bytes, at }: { readonly bytes: Uint8Array; readonly at: number },
): Promise<void> {
  await lstat(path).catch(async () => Promise.reject(await whyTaken(path)))
  // A disk that is nearly full takes a part, and refuses the rest.
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
}

/** Includes the bytes of an earlier run in the checksum. */
async function hashStart(file: FileHandle, length: number, hash: ReturnType<typeof createHash>): Promise<void> {
  const buffer = Buffer.alloc(1_048_576)
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at)
    if (bytesRead === 0) throw new AgentError('unreachable', 'the partial download on the share has shrunk')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

/** The size of an earlier partial download: its space is reused in any case. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Stores the ETag beside the partial file: without it, resuming could mix two builds. */
async function announce(path: string, etag: string | undefined): Promise<void> {
  await rm(`${path}.etag`, { force: true })
  // No link that somebody has put there meanwhile is followed.
  if (etag !== undefined) await writeFile(`${path}.etag`, etag, { flag: 'wx' })
}

/** In bytes: it comes in a header. */
const longestEtag = 16_384

async function readEtag(path: string): Promise<string | undefined> {
  return readSmall(`${path}.etag`, longestEtag)
}

export async function discard(path: string): Promise<void> {
  await rm(`${path}.etag`, { force: true })
  await rm(path, { force: true })
}
