import { execFile, spawnSync } from 'node:child_process'
import { mkdir, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why no ISO can be built here; undefined where one can. */
export function whyNoIso(): string | undefined {
  const missing = ['xorrisofs', 'mkfs.vfat', 'mcopy'].filter(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  )
  return missing.length > 0 ? `${missing.join(', ')} is missing` : undefined
}

export interface IsoParts {
  readonly version: string
  readonly uki: Buffer
  readonly loader: Buffer
  /** What GRUB boots by BIOS. */
  readonly grub?: { readonly kernel: Buffer; readonly initramfs: Buffer; readonly menu: string }
  /** Of a cluster of the FAT file system. */
  readonly sectors?: number
}

/**
 * Builds an ISO for UEFI with the programs and the arguments of Talos' builder (siderolabs/talos pkg/imager/iso/uefi.go);
 * with GRUB's files on the CD, as its builder for both ways has them.
 */
export async function buildIso(
  directory: string,
  { version, uki, loader, grub, sectors = 1 }: IsoParts,
): Promise<string> {
  const [tree, efi, iso] = ['tree', 'efiboot.img', 'metal-amd64.iso'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const folder of ['EFI/Linux', 'EFI/BOOT', 'loader', 'boot/grub'])
    await mkdir(join(tree, folder), { recursive: true })
  await writeFile(join(tree, 'EFI/BOOT/BOOTX64.EFI'), loader)
  await writeFile(join(tree, `EFI/Linux/Talos-${version}.efi`), uki)
  await writeFile(join(tree, 'loader/loader.conf'), 'timeout 10\nsecure-boot-enroll if-safe\n')
  if (grub) {
    await writeFile(join(tree, 'boot/vmlinuz'), grub.kernel)
    await writeFile(join(tree, 'boot/initramfs.xz'), grub.initramfs)
    await writeFile(join(tree, 'boot/grub/grub.cfg'), grub.menu)
  }
  await writeFile(efi, '')
  await truncate(efi, (await stat(join(tree, `EFI/Linux/Talos-${version}.efi`))).size + sectors * 36 * 2 ** 20)
  await run('mkfs.vfat', ['-F', '32', '-n', 'EFI', '--invariant', '-s', String(sectors), efi])
  await run('mcopy', ['-s', '-p', '-Q', '-m', '-i', efi, join(tree, 'EFI'), join(tree, 'loader'), '::'])
  const label = `TALOS_${version.toUpperCase().replaceAll(/[-.]/g, '_')}`
  const places = '-e --interval:appended_partition_2:all:: -append_partition 2 0xef'.split(' ')
  const kinds = '-partition_cyl_align all -partition_offset 16 -iso_mbr_part_type 0x83 -no-emul-boot'.split(' ')
  const files = ['-m', 'efiboot.img', '-iso-level', '3', '-volid', label, '-o', iso, tree]
  await run('xorrisofs', [...places, efi, ...kinds, ...files])
  return iso
}
