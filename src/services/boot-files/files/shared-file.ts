import type { FileHandle } from 'node:fs/promises'
import { AgentError } from '../../../core/errors.ts'

/** In bytes. Small enough that machines at different places of a file cost little, large enough that a disk reads in a row. */
export const chunkSize = 256 * 1_024
/** Chunks of a file that are kept for whoever comes next: machines that boot at once read the same. */
const kept = 8
/** Buffers that are kept for the next chunk. */
const spare: Uint8Array[] = []
const mostSpare = 32

/** A part of a file, shared by who reads it. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** How many of its holders have not released it yet. */
  holders: number
}

/** An open file that several transfers read. It stays what it was when it was opened, whatever its name leads to since. */
export interface SharedFile {
  readonly size: number
  /** The same for the same bytes: device, inode, size, and when it was written. */
  readonly version: string
  /** In ms since the epoch. */
  readonly writtenAt: number
  /**
   * A chunk, by its number from 0; to be given back by `release`.
   *
   * @throws AgentError `unreachable` where it can't be read, `malformed` where it was written to since it was opened
   */
  chunk(index: number): Promise<Chunk>
  release(chunk: Chunk): void
  /** One more holds the file; `drop` is for each `hold`, and the last one closes it. It begins with one. */
  hold(): SharedFile
  drop(): void
}

/** @param closed called when nobody holds it any more */
export async function shareFile(handle: FileHandle, closed: (version: string) => void): Promise<SharedFile> {
  const { dev, ino, size, mtimeMs } = await handle.stat()
  const version = `${dev}:${ino}:${size}:${Math.round(mtimeMs * 1_000)}`
  const loading = new Map<number, Promise<Chunk>>()
  const recent = new Map<number, Chunk>()
  let holders = 1

  async function load(index: number): Promise<Chunk> {
    const bytes = spare.pop() ?? Buffer.allocUnsafeSlow(chunkSize)
    const offset = index * chunkSize
    const wanted = Math.min(chunkSize, size - offset)
    let filled = 0
    try {
      while (filled < wanted) {
        const { bytesRead } = await handle.read(bytes, filled, wanted - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      // After it was read: what was written before that shows.
      const now = await handle.stat()
      if (filled < wanted || now.size !== size || now.mtimeMs !== mtimeMs)
        throw new AgentError('malformed', 'it was written to while it was read: files are to be replaced by a rename')
    } catch (error) {
      putBack(bytes)
      throw error
    }
    const chunk: Chunk = { bytes: filled === chunkSize ? bytes : bytes.subarray(0, filled), holders: 1 }
    keep(index, chunk)
    return chunk
  }

  function keep(index: number, chunk: Chunk): void {
    recent.set(index, chunk)
    const [oldest] = recent
    if (recent.size <= kept || !oldest) return
    recent.delete(oldest[0])
    release(oldest[1])
  }

  const file: SharedFile = {
    size,
    version,
    writtenAt: mtimeMs,
    chunk: async (index) => {
      const known = recent.get(index)
      if (known) {
        known.holders += 1
        return known
      }
      let coming = loading.get(index)
      if (!coming) {
        coming = load(index).finally(() => loading.delete(index))
        loading.set(index, coming)
      }
      const chunk = await coming
      chunk.holders += 1
      return chunk
    },
    release,
    hold: () => {
      holders += 1
      return file
    },
    drop: () => {
      holders -= 1
      if (holders > 0) return
      closed(version)
      for (const chunk of recent.values()) release(chunk)
      recent.clear()
      // Reads that are under way end before it is closed.
      void Promise.allSettled(loading.values()).then(() => handle.close().catch(() => {}))
    },
  }
  return file
}

function release(chunk: Chunk): void {
  chunk.holders -= 1
  if (chunk.holders === 0) putBack(chunk.bytes)
}

function putBack(bytes: Uint8Array): void {
  if (bytes.byteLength === chunkSize && spare.length < mostSpare) spare.push(bytes)
}
