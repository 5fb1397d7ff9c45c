import { type Chunk, chunkSize, type SharedFile } from './shared-file.ts'

/** Reads a file from start to end, a chunk ahead of what is asked for. */
export interface Reader {
  /** Copies a part of it; false where that is not loaded yet. A part is smaller than a chunk. */
  copy(offset: number, length: number, target: Uint8Array, at: number): boolean
  /** Loads what that part needs. @throws AgentError where it can't be read */
  load(offset: number, length: number): Promise<void>
  close(): void
}

interface Place {
  readonly index: number
  readonly chunk: Chunk
}

export function createReader(file: SharedFile): Reader {
  const last = Math.max(0, Math.ceil(file.size / chunkSize) - 1)
  /** Two neighbours: even and odd chunks have a place each. */
  const places: [Place | undefined, Place | undefined] = [undefined, undefined]
  let ahead = -1
  let isClosed = false

  async function load(index: number): Promise<void> {
    if (find(index)) return
    const chunk = await file.chunk(index)
    if (isClosed || find(index)) {
      file.release(chunk)
      return
    }
    const side = index & 1
    const before = places[side]
    places[side] = { index, chunk }
    if (before) file.release(before.chunk)
  }

  function find(index: number): Chunk | undefined {
    const place = places[index & 1]
    return place?.index === index ? place.chunk : undefined
  }

  /** So that the disk and the network work at the same time. What fails shows when it is needed. */
  function lookAhead(index: number): void {
    if (index <= ahead || index >= last) return
    ahead = index
    load(index + 1).catch(() => {})
  }

  return {
    copy: (offset, length, target, at) => {
      if (length === 0) return true
      const index = Math.floor(offset / chunkSize)
      const chunk = find(index)
      if (!chunk) return false
      const start = offset - index * chunkSize
      const here = Math.min(length, chunkSize - start)
      const next = here < length ? find(index + 1) : chunk
      if (!next) return false
      target.set(chunk.bytes.subarray(start, start + here), at)
      if (here < length) target.set(next.bytes.subarray(0, length - here), at + here)
      lookAhead(index)
      return true
    },
    load: async (offset, length) => {
      const index = Math.floor(offset / chunkSize)
      await load(index)
      if (length > 0 && offset + length > (index + 1) * chunkSize) await load(index + 1)
    },
    close: () => {
      isClosed = true
      for (const place of places) if (place) file.release(place.chunk)
      places.fill(undefined)
    },
  }
}
