import { type ByteWindow, malformed } from './byte-source.ts'

/** The largest window that is taken, in bytes: a decoder needs that much memory. Talos compresses with 8 MiB. */
export const largestZstdWindow = 2 ** 24

const largestBlock = 131_072

/** Whether a zstd frame starts with these bytes, or one that decoders skip (RFC 8878, sections 3.1.1 and 3.1.2). */
export function isZstd(magic: number): boolean {
  return magic === 0xfd2fb528 || isSkippable(magic)
}

export const isSkippable = (magic: number) => magic >>> 4 === 0x184d2a5

/**
 * Where the zstd frame that starts at `offset` ends (RFC 8878). Frames don't tell their length, so it goes from one header
 * of a block to the next, and reads nothing between them. `step` is called for each, and may throw.
 *
 * @throws AgentError `malformed`
 */
export async function findZstdEnd(window: ByteWindow, offset: number, step: () => void): Promise<number> {
  const what = 'a zstd frame of .initrd'
  const magic = (await window.at(offset, 4, what)).getUint32(0, true)
  if (isSkippable(magic)) return offset + 8 + (await window.at(offset + 4, 4, what)).getUint32(0, true)
  const descriptor = (await window.at(offset + 4, 1, what)).getUint8(0)
  if ((descriptor & 0b1000) !== 0) throw malformed('a zstd frame of .initrd has a header that no decoder knows')
  const isSingle = (descriptor & 0b10_0000) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 0b11]!
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const headerSize = (isSingle ? 0 : 1) + dictionary + contentSize
  const header = await window.at(offset + 5, headerSize, what)
  const needed = isSingle ? readSize(header, dictionary, contentSize) : windowOf(header.getUint8(0))
  const limit = Math.min(needed, largestBlock)
  let at = offset + 5 + headerSize
  for (;;) {
    step()
    const view = await window.at(at, 3, what)
    const block = view.getUint16(0, true) | (view.getUint8(2) << 16)
    const kind = (block >>> 1) & 0b11
    const size = block >>> 3
    if (kind === 3 || size > limit) throw malformed('a zstd frame of .initrd has a block that no decoder knows')
    // One byte, and how often it is repeated.
    at += 3 + (kind === 1 ? 1 : size)
    if ((block & 1) === 1) break
  }
  return at + ((descriptor & 0b100) === 0 ? 0 : 4)
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3))
  return base + (base / 8) * (descriptor & 0b111)
}

function readSize(header: DataView, at: number, bytes: number): number {
  if (bytes === 1) return header.getUint8(at)
  // A size of two bytes begins to count at 256.
  if (bytes === 2) return header.getUint16(at, true) + 256
  return bytes === 4 ? header.getUint32(at, true) : Number(header.getBigUint64(at, true))
}
