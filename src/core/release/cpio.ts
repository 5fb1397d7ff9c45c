import { latin1, malformed } from './byte-source.ts'

/** Archives as the kernel unpacks them: "newc", with or without checksums (Linux, buffer-format.rst of initramfs). */

export const cpioHeaderSize = 110
export const cpioEnd = 'TRAILER!!!'
/** PATH_MAX of Linux, with its NUL. */
const longestName = 4_096

export interface CpioHeader {
  /** With the NUL at its end. */
  readonly nameSize: number
  /** NULs behind the name. */
  readonly namePadding: number
  readonly bytes: number
  /** NULs behind the data. */
  readonly padding: number
}

export const isCpio = (start: Uint8Array) => /^07070[12]$/.test(latin1(start.subarray(0, 6)))

/** Reads the 110 bytes before each file of an archive. @throws AgentError `malformed` */
export function parseCpioHeader(bytes: Uint8Array): CpioHeader {
  const text = latin1(bytes.subarray(0, cpioHeaderSize))
  if (!/^07070[12][\da-fA-F]{104}$/.test(text)) throw malformed('an archive in .initrd is damaged')
  const field = (index: number) => Number.parseInt(text.slice(6 + index * 8, 14 + index * 8), 16)
  const [size, nameSize] = [field(6), field(11)]
  if (nameSize < 1 || nameSize > longestName) throw malformed('an archive in .initrd has a file without a usable name')
  return {
    nameSize,
    namePadding: upToFour(cpioHeaderSize + nameSize),
    bytes: size,
    padding: upToFour(size),
  }
}

/** Without the NUL at its end, and without what `find .` puts before it. */
export function cpioNameOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\0.*$/s, '').replace(/^\.\//, '')
}

const upToFour = (size: number) => (4 - (size % 4)) % 4

/** How much of an archive is read. */
export interface CpioLimits {
  /** Of the file that is looked for, in bytes. */
  readonly file: number
  /** Of all of them together, in bytes. */
  readonly archive: number
  readonly files: number
}

/**
 * The one file of this name in an archive that comes in pieces of any size; undefined where it has none. Nothing else is
 * kept. It is read to its end, so that whoever makes the pieces can check what it checks at the end.
 *
 * @throws AgentError `malformed`: a damaged archive, one that ends early, one beyond the limits, the name twice
 */
export async function findInCpio(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
  limits: CpioLimits,
): Promise<Uint8Array | undefined> {
  const reader = createCpioReader(name, limits)
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > limits.archive) throw malformed('the extensions in .initrd unpack to far more than any image has')
    reader.take(piece)
  }
  return reader.end()
}

/** What the next bytes are. */
type Expected =
  | { readonly part: 'header' }
  | { readonly part: 'name'; readonly header: CpioHeader }
  | { readonly part: 'file' }
  | { readonly part: 'nothing' }

function createCpioReader(wanted: string, limits: CpioLimits) {
  let expected: Expected = { part: 'header' }
  /** Of a header, a name or the wanted file, as far as they have come. */
  let kept = new Uint8Array(cpioHeaderSize)
  let have = 0
  /** Bytes that nobody needs: other files, and padding. */
  let skip = 0
  let files = 0
  let found: Uint8Array | undefined
  /** Of the wanted file, without its padding. */
  let size = 0

  const expect = (next: Expected, size: number) => {
    expected = next
    kept = new Uint8Array(size)
    have = 0
  }

  function onPart(): void {
    if (expected.part === 'header') {
      if (++files > limits.files) throw malformed('the extensions in .initrd are more files than any image has')
      const header = parseCpioHeader(kept)
      expect({ part: 'name', header }, header.nameSize)
    } else if (expected.part === 'name') onName(expected.header, cpioNameOf(kept))
    else if (expected.part === 'file') {
      found = kept
      expect({ part: 'header' }, cpioHeaderSize)
    }
  }

  function onName({ bytes, padding, namePadding }: CpioHeader, name: string): void {
    if (name === cpioEnd) return expect({ part: 'nothing' }, 0)
    skip = namePadding
    if (name !== wanted) {
      skip += bytes + padding
      return expect({ part: 'header' }, cpioHeaderSize)
    }
    if (found) throw malformed(`the extensions in .initrd have ${name} twice`)
    if (bytes > limits.file) throw malformed(`${name} in .initrd is larger than that of any image`)
    // With the padding, which is cut off at the end: it stands between the data and the next header.
    expect({ part: 'file' }, bytes + padding)
    size = bytes
    if (bytes === 0) onPart()
  }

  return {
    take(piece: Uint8Array): void {
      let at = 0
      while (at < piece.length && expected.part !== 'nothing') {
        const skipped = Math.min(skip, piece.length - at)
        skip -= skipped
        at += skipped
        const part = piece.subarray(at, at + kept.length - have)
        kept.set(part, have)
        have += part.length
        at += part.length
        if (have === kept.length && skip === 0) onPart()
      }
    },
    end(): Uint8Array | undefined {
      if (expected.part !== 'nothing') throw malformed('the extensions in .initrd end early')
      return found?.subarray(0, size)
    },
  }
}
