import { type ByteSource, type ByteWindow, type Extent, malformed, openWindow } from './byte-source.ts'
import { cpioEnd, cpioHeaderSize, cpioNameOf, isCpio, parseCpioHeader } from './cpio.ts'
import { findZstdEnd, isSkippable, isZstd } from './zstd.ts'

/** One of the archives that `.initrd` is made of. The kernel unpacks them one over the other. */
export interface InitrdArchive extends Extent {
  readonly compression: 'none' | 'zstd' | 'xz' | 'gzip' | 'unknown'
}

/** Blocks, files and archives together. A gigabyte that does not compress has some 8,000 blocks. */
const mostSteps = 131_072
const mostArchives = 64
/** NULs between two archives. */
const longestPadding = 1_048_576

/**
 * The archives of an `.initrd` one after another, found by their headers: an early one without compression where there
 * is microcode, Talos itself, then its extensions (siderolabs/talos pkg/imager/extensions/rebuild.go). What is compressed
 * otherwise than by zstd, as before Talos 1.8, does not tell where it ends, and is the last one.
 *
 * @throws AgentError `malformed`
 */
export async function listArchives(source: ByteSource, { start, end }: Extent): Promise<readonly InitrdArchive[]> {
  const window = openWindow(source, end)
  const archives: InitrdArchive[] = []
  let steps = 0
  const step = () => {
    if (++steps > mostSteps) throw malformed('.initrd has more parts than any image')
  }
  for (let at = await skipPadding(window, start, end); at < end; at = await skipPadding(window, at, end)) {
    if (archives.length === mostArchives) throw malformed('.initrd has more archives than any image')
    step()
    const view = await window.at(at, Math.min(6, end - at), 'an archive of .initrd')
    const compression = compressionOf(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
    const next = { none: findCpioEnd, zstd: findZstdEnd, xz: undefined, gzip: undefined, unknown: undefined }[
      compression
    ]
    const archiveEnd = next ? await next(window, at, step) : end
    if (archiveEnd > end) throw malformed('.initrd ends inside an archive')
    const isSkipped = compression === 'zstd' && isSkippable(view.getUint32(0, true))
    if (!isSkipped) archives.push({ compression, start: at, end: archiveEnd })
    at = archiveEnd
  }
  return archives
}

function compressionOf(start: Uint8Array): InitrdArchive['compression'] {
  if (isCpio(start)) return 'none'
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  if (start.length >= 4 && isZstd(view.getUint32(0, true))) return 'zstd'
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip'
  return start[0] === 0xfd && start[1] === 0x37 ? 'xz' : 'unknown'
}

async function findCpioEnd(window: ByteWindow, start: number, step: () => void): Promise<number> {
  const what = 'an archive of .initrd'
  for (let at = start; ;) {
    step()
    const bytes = async (offset: number, length: number) => {
      const view = await window.at(offset, length, what)
      return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    }
    const header = parseCpioHeader(await bytes(at, cpioHeaderSize))
    const name = cpioNameOf(await bytes(at + cpioHeaderSize, header.nameSize))
    at += cpioHeaderSize + header.nameSize + header.namePadding + header.bytes + header.padding
    if (name === cpioEnd) return at
  }
}

/** Where the next byte is that is not NUL, or the end. */
async function skipPadding(window: ByteWindow, start: number, end: number): Promise<number> {
  const most = Math.min(end, start + longestPadding)
  for (let at = start; at < most;) {
    const view = await window.at(at, Math.min(4_096, most - at), 'the padding of .initrd')
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    const other = bytes.findIndex((byte) => byte !== 0)
    if (other >= 0) return at + other
    at += bytes.length
  }
  if (most < end) throw malformed('.initrd has more padding than any image')
  return end
}
