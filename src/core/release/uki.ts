import { AgentError } from '../errors.ts'
import { withoutEnd } from '../text-end.ts'
import type { Architecture, ImageOrder } from './image.ts'

/** A file, or anything else that can be read in places. */
export interface ByteSource {
  readonly size: number
  /** `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>
}

/** What a Unified Kernel Image says of itself. */
export interface Uki {
  readonly architecture: Architecture | 'unknown'
  readonly sections: readonly { readonly name: string; readonly bytes: number }[]
  /** The fields of `.osrel`. */
  readonly osRelease: Readonly<Record<string, string>>
  /** VERSION_ID of `.osrel`, `v1.13.9`. */
  readonly version: string | undefined
  readonly commandLine: string
  readonly kernel: string | undefined
  readonly signed: boolean
}

const machines: Readonly<Record<number, Architecture>> = { 0x8664: 'amd64', 0xaa64: 'arm64' }

/**
 * Reads the headers and the small sections of a UKI: a PE32+ program for EFI (Microsoft PE/COFF specification, sections
 * 2 to 4) whose sections carry an operating system (UAPI.5 Unified Kernel Image).
 *
 * @throws AgentError `malformed`, saying what is wrong with the file
 */
export async function readUki(source: ByteSource): Promise<Uki> {
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
  if (optionalSize < 152 || sectionCount > 96) throw malformed('the PE header is not that of an EFI program')

  const optional = await at(start + 24, optionalSize, 'the optional header')
  if (optional.getUint16(0, true) !== 0x20b) throw malformed('it is not a 64-bit (PE32+) program')
  if (optional.getUint16(68, true) !== 10) throw malformed('it is not an EFI application')
  const certificate = { offset: optional.getUint32(144, true), size: optional.getUint32(148, true) }
  let end = certificate.offset + certificate.size

  const table = await at(start + 24 + optionalSize, sectionCount * 40, 'the section table')
  const sections = Array.from({ length: sectionCount }, (_, index) => {
    const base = index * 40
    const name = latin1(new Uint8Array(table.buffer, table.byteOffset + base, 8)).replace(/\0.*$/s, '')
    const [bytes, rawSize, offset] = [8, 16, 20].map((field) => table.getUint32(base + field, true)) as [
      number,
      number,
      number,
    ]
    end = Math.max(end, offset + rawSize)
    return { name, bytes: Math.min(bytes, rawSize), offset }
  })
  if (end > source.size) throw malformed(`it is truncated: ${end} bytes expected, ${source.size} present`)

  const text = async (name: string) => {
    // A name may come twice, with another boot profile; the first is the one that boots by default.
    const section = sections.find((candidate) => candidate.name === name)
    if (!section) return undefined
    if (section.bytes > 1_048_576) throw malformed(`its section ${name} is too large to be text`)
    return withoutEnd(new TextDecoder().decode(await source.read(section.offset, section.bytes)), '\0')
  }
  const missing = ['.osrel', '.cmdline', '.linux', '.initrd'].filter(
    (name) => !sections.some((section) => section.name === name && section.bytes > 0),
  )
  if (missing.length > 0) throw malformed(`it has no section ${missing.join(', ')}`)

  const osRelease = parseOsRelease((await text('.osrel')) ?? '')
  return {
    architecture: machines[header.getUint16(4, true)] ?? 'unknown',
    sections: sections.map(({ name, bytes }) => ({ name, bytes })),
    osRelease,
    version: osRelease['VERSION_ID'],
    commandLine: ((await text('.cmdline')) ?? '').trim(),
    kernel: await text('.uname'),
    signed: certificate.size > 0,
  }
}

/** Why this image is not the one that was requested; undefined if it is. */
export function refuseUki(uki: Uki, order: ImageOrder): string | undefined {
  if (uki.architecture !== order.architecture)
    return `it is for ${uki.architecture}, and ${order.architecture} was requested`
  const id = uki.osRelease['ID']
  if (id !== 'talos' && id !== 'talos_enterprise') return `it is not Talos but ${id ?? 'something without a name'}`
  if (uki.version !== order.version)
    return `it is ${uki.version ?? 'without a version'}, and ${order.version} was requested`
  const words = uki.commandLine.split(/\s+/)
  if (!words.includes('talos.platform=metal')) return 'its command line lacks talos.platform=metal'
  const absent = order.kernelArguments.find((argument) => !argument.startsWith('-') && !words.includes(argument))
  if (absent !== undefined) return `its command line lacks ${absent}, which the schematic adds`
  return undefined
}

/** Reads os-release(5): `KEY="value"` by lines. */
function parseOsRelease(text: string): Record<string, string> {
  const fields: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim())
    if (match) fields[match[1]!] = match[2] ?? match[3] ?? match[4] ?? ''
  }
  return fields
}

/** The most common wrong file is an error page saved under the image's name: quote it. */
async function describeNonPe(source: ByteSource): Promise<string> {
  if (source.size === 0) return 'it is empty'
  const start = latin1(await source.read(0, 80))
  const printable = start.replaceAll(/[^\x20-\x7e]+/g, ' ').trim()
  return `it is not an EFI program; it starts with "${printable.slice(0, 60)}"`
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function malformed(why: string): AgentError {
  return new AgentError('malformed', why)
}
