import { AgentError } from '../errors.ts'

/** A file, or anything else that can be read in places. */
export interface ByteSource {
  readonly size: number
  /** `length` bytes from `offset`; fewer only at the end. They may be put into `into`, which is at least as long. */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>
}

/** Part of a file, from `start` up to `end`. */
export interface Extent {
  readonly start: number
  readonly end: number
}

/** Parts of a file, one behind the other, as a file of their own. */
export function partOf(source: ByteSource, extents: readonly Extent[]): ByteSource {
  let size = 0
  const parts = extents.map(({ start, end }) => ({ start, from: size, to: (size += end - start) }))
  return {
    size,
    read: async (offset, length, into) => {
      const end = Math.min(offset + length, size)
      const first = parts.findIndex(({ to }) => offset < to)
      const only = parts[first]
      if (only === undefined || end <= offset) return new Uint8Array()
      if (end <= only.to) return source.read(only.start + offset - only.from, end - offset, into)
      const bytes = into ? into.subarray(0, end - offset) : new Uint8Array(end - offset)
      for (let index = first, at = offset; at < end; index++) {
        const { start, from, to } = parts[index]!
        const wanted = Math.min(end, to) - at
        const read = await source.read(start + at - from, wanted)
        bytes.set(read, at - offset)
        if (read.length < wanted) return bytes.subarray(0, at - offset + read.length)
        at += wanted
      }
      return bytes
    },
  }
}

/** A source whose small neighbouring reads are one read of the file. Offsets count from the start of the file. */
export interface ByteWindow {
  /** @throws AgentError `malformed` where the file ends inside of `what` */
  at(offset: number, length: number, what: string): Promise<DataView>
}

/** Large enough for some headers in a row, small enough where each of them is far from the next. */
const windowSize = 4_096

/** Reads nothing at or behind `end`. */
export function openWindow(source: ByteSource, end: number): ByteWindow {
  let kept: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array() }
  return {
    at: async (offset, length, what) => {
      if (offset + length > end) throw malformed(`the file ends inside ${what}`)
      const isKept = offset >= kept.offset && offset + length <= kept.offset + kept.bytes.length
      if (!isKept) {
        const most = Math.min(Math.max(length, windowSize), end - offset)
        kept = { offset, bytes: await source.read(offset, most) }
      }
      if (offset + length > kept.offset + kept.bytes.length) throw malformed(`the file ends inside ${what}`)
      return new DataView(kept.bytes.buffer, kept.bytes.byteOffset + offset - kept.offset, length)
    },
  }
}

export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

export function malformed(why: string): AgentError {
  return new AgentError('malformed', why)
}
