import type { Pe } from './pe.ts'

/** Bytes of the file, from `start` up to `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** What the Authenticode digest of a program covers. */
export interface SignedBytes {
  /** In this order. */
  readonly ranges: readonly ByteRange[]
  /** NULs behind them: a signer pads an unsigned program to eight bytes. */
  readonly padding: number
}

/**
 * The bytes whose SHA-256 is what a SecureBoot signature signs (Windows Authenticode Portable Executable Signature
 * Format, "Calculating the PE Image Hash"): the headers without the checksum and the entry of the certificate table, the
 * sections by their place in the file, then what follows them up to the certificate table. It is the same before and
 * after signing.
 */
export function signedBytesOf(pe: Pe, size: number): SignedBytes {
  const end = pe.certificates ? pe.certificates.offset : size
  const headersEnd = Math.max(Math.min(pe.headersSize, end), pe.certificateEntryAt + 8)
  const ranges: ByteRange[] = [
    { start: 0, end: pe.checksumAt },
    { start: pe.checksumAt + 4, end: pe.certificateEntryAt },
    { start: pe.certificateEntryAt + 8, end: headersEnd },
  ]
  const inFile = pe.sections.filter(({ rawSize }) => rawSize > 0).toSorted((a, b) => a.offset - b.offset)
  let hashed = headersEnd
  for (const { offset, rawSize } of inFile) {
    ranges.push({ start: offset, end: offset + rawSize })
    hashed += rawSize
  }
  // By their sum, and not by their end: so do firmware and signers where there are gaps.
  if (hashed < end) ranges.push({ start: hashed, end })
  const padding = pe.certificates ? 0 : (8 - (size % 8)) % 8
  return { ranges: ranges.filter((range) => range.start < range.end), padding }
}
