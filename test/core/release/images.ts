import { kernelCommandLine, type UkiOptions, writeUki } from '../../lab/uki-writer.ts'
import type { ByteSource } from '../../../src/core/release/byte-source.ts'

/** A small image of v1.13.9 for amd64. */
export function imageOf(changed: Partial<UkiOptions> & { readonly extra?: readonly string[] } = {}): Buffer {
  const { extra, ...options } = changed
  const version = options.version ?? 'v1.13.9'
  const cmdline = kernelCommandLine({
    version,
    arch: options.arch ?? 'amd64',
    platform: 'metal',
    ...(extra ? { extra } : {}),
  })
  return writeUki({ version, cmdline, ...options })
}

/** The bytes as a file, which writes down what is asked of it. */
export function sourceOf(bytes: Uint8Array): ByteSource & { readonly asked: { offset: number; length: number }[] } {
  const asked: { offset: number; length: number }[] = []
  return {
    size: bytes.length,
    asked,
    read: (offset, length) => {
      asked.push({ offset, length })
      return Promise.resolve(bytes.subarray(offset, offset + length))
    },
  }
}

export interface Section {
  readonly name: string
  /** Where its row of the section table begins. */
  readonly row: number
  readonly offset: number
  readonly rawSize: number
}

/** The section table, as the writer laid it out. */
export function sectionsOf(image: Buffer): Section[] {
  const start = image.readUInt32LE(0x3c)
  const table = start + 24 + image.readUInt16LE(start + 20)
  return Array.from({ length: image.readUInt16LE(start + 6) }, (_, index) => {
    const row = table + 40 * index
    return {
      name: image.toString('latin1', row, row + 8).replace(/\0+$/, ''),
      row,
      offset: image.readUInt32LE(row + 20),
      rawSize: image.readUInt32LE(row + 16),
    }
  })
}

export function sectionOf(image: Buffer, name: string): Section {
  return sectionsOf(image).find((section) => section.name === name)!
}
