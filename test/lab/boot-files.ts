import { zstdCompressSync } from 'node:zlib'
import { type Arch, extensionsFrame, filler, type UkiSchematic } from './uki-writer.ts'

/** Files that boot by other ways than as a UKI. They can be told apart from others, and boot nothing. */

/** A kernel of Linux that is a program for EFI as well (Documentation/arch/x86/boot.rst, arch/arm64/booting.rst). */
export function writeKernel(arch: Arch, bytes: number, seed: string): Buffer {
  const kernel = Buffer.concat([Buffer.alloc(0x400), filler(Math.max(bytes, 4_096), seed)])
  kernel.write('MZ', 0, 'latin1')
  kernel.writeUInt32LE(0x80, 0x3c)
  kernel.write('PE\0\0', 0x80, 'latin1')
  kernel.writeUInt16LE(arch === 'amd64' ? 0x8664 : 0xaa64, 0x84)
  if (arch === 'amd64') kernel.write('HdrS', 0x202, 'latin1')
  else kernel.write('ARMd', 0x38, 'latin1')
  return kernel
}

/** An initramfs as a Factory makes it: an archive of its own, and behind it that of the extensions. */
export function writeInitramfs(
  bytes: number,
  seed: string,
  { schematic, extensions }: { readonly schematic: UkiSchematic; readonly extensions: readonly string[] },
): Buffer {
  return Buffer.concat([zstdCompressSync(filler(Math.max(bytes, 4_096), seed)), extensionsFrame(schematic, extensions)])
}
