import { type ByteSource, latin1, malformed } from './byte-source.ts'

/** A program for EFI, as its headers tell it. Offsets and sizes are in bytes of the file. */
export interface Pe {
  /** IMAGE_FILE_HEADER.Machine: 0x8664 for amd64, 0xaa64 for arm64. */
  readonly machine: number
  readonly sections: readonly PeSection[]
  /** SizeOfHeaders: how much of the start is headers. */
  readonly headersSize: number
  /** Where the CheckSum field is, of four bytes. */
  readonly checksumAt: number
  /** Where the entry of the certificate table is, of eight bytes. */
  readonly certificateEntryAt: number
  /** The certificate table, where there is one: it is the end of the file. */
  readonly certificates: { readonly offset: number; readonly size: number } | undefined
}

export interface PeSection {
  readonly name: string
  readonly offset: number
  /** Without the padding. */
  readonly bytes: number
  /** With the padding. */
  readonly rawSize: number
}

const sectionRow = 40
const mostSections = 96

/**
 * Reads the headers of a PE32+ program for EFI (Microsoft PE/COFF specification, sections 2 to 4). No two sections hold
 * the same bytes of the file, and none lies in the headers or in the certificate table.
 *
 * @throws AgentError `malformed`, saying what is wrong with the file
 */
export async function readPe(source: ByteSource): Promise<Pe> {
  const at = async (offset: number, length: number, what: string) => {
    const bytes = await source.read(offset, length)
    if (bytes.length < length) throw malformed(`the file ends inside ${what}`)
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  if (latin1(await source.read(0, 2)) !== 'MZ') throw malformed(await describeNonPe(source))
  const dos = await at(0, 64, 'the DOS header')
  const start = dos.getUint32(0x3c, true)
  const header = await at(start, 24, 'the PE header')
  if (header.getUint32(0, true) !== 0x00004550) throw malformed('there is no PE signature')
  const sectionCount = header.getUint16(6, true)
  const optionalSize = header.getUint16(20, true)
  if (optionalSize < 152 || sectionCount > mostSections) throw malformed('the PE header is not that of an EFI program')

  const optionalAt = start + 24
  const optional = await at(optionalAt, optionalSize, 'the optional header')
  if (optional.getUint16(0, true) !== 0x20b) throw malformed('it is not a 64-bit (PE32+) program')
  if (optional.getUint16(68, true) !== 10) throw malformed('it is not an EFI application')
  const certificates = { offset: optional.getUint32(144, true), size: optional.getUint32(148, true) }

  const tableAt = optionalAt + optionalSize
  const table = await at(tableAt, sectionCount * sectionRow, 'the section table')
  const sections = Array.from({ length: sectionCount }, (_, index) => sectionAt(table, index * sectionRow))
  const ends = sections.map(({ offset, rawSize }) => offset + rawSize)
  const end = Math.max(certificates.offset + certificates.size, ...ends)
  if (end > source.size) throw malformed(`it is truncated: ${end} bytes expected, ${source.size} present`)
  refuseOverlaps(sections, tableAt + sectionCount * sectionRow, certificates)
  return {
    machine: header.getUint16(4, true),
    sections,
    headersSize: optional.getUint32(60, true),
    checksumAt: optionalAt + 64,
    certificateEntryAt: optionalAt + 144,
    certificates: certificates.size > 0 ? certificates : undefined,
  }
}

function sectionAt(table: DataView, row: number): PeSection {
  const name = latin1(new Uint8Array(table.buffer, table.byteOffset + row, 8)).replace(/\0.*$/s, '')
  const [virtualSize, rawSize, offset] = [8, 16, 20].map((field) => table.getUint32(row + field, true)) as [
    number,
    number,
    number,
  ]
  return { name, offset, bytes: Math.min(virtualSize, rawSize), rawSize }
}

/** Two that hold the same bytes: what boots is then not what was read, and a small file can pretend to be a large one. */
function refuseOverlaps(
  sections: readonly PeSection[],
  headersEnd: number,
  certificates: { readonly offset: number; readonly size: number },
): void {
  const inFile = sections.filter(({ rawSize }) => rawSize > 0).toSorted((a, b) => a.offset - b.offset)
  let before = { name: 'the headers', end: headersEnd }
  for (const { name, offset, rawSize } of inFile) {
    if (offset < before.end) throw malformed(`its section ${name} overlaps ${before.name}`)
    before = { name, end: offset + rawSize }
  }
  if (certificates.size > 0 && certificates.offset < before.end)
    throw malformed(`its certificate table overlaps ${before.name}`)
}

/** The most common wrong file is an error page saved under the image's name: quote it. */
async function describeNonPe(source: ByteSource): Promise<string> {
  if (source.size === 0) return 'it is empty'
  const start = latin1(await source.read(0, 80))
  const printable = start.replaceAll(/[^\x20-\x7e]+/g, ' ').trim()
  return `it is not an EFI program; it starts with "${printable.slice(0, 60)}"`
}
