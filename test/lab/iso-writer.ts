import { writeKernel } from './boot-files.ts'
import { writeFat } from './fat-writer.ts'
import { type Arch, isAtLeast } from './uki-writer.ts'

const sector = 2_048

export interface IsoOptions {
  readonly label: string
  /** By their paths; directories are made. */
  readonly files?: Readonly<Record<string, Buffer>>
  /** What UEFI boots from: a FAT file system. */
  readonly efi?: Buffer | undefined
  /** There is something for BIOS, which is told first. */
  readonly bios?: boolean
}

/** What an ISO of Talos is made of (siderolabs/talos pkg/imager/iso). */
export interface TalosIso {
  readonly version: string
  readonly arch: Arch
  readonly secureBoot?: boolean
  readonly uki: Buffer
  readonly kernel: Buffer
  readonly initramfs: Buffer
  readonly cmdline: string
  /** In place of the usual boot loader. */
  readonly loader?: Buffer
}

/**
 * Before Talos 1.10 GRUB boots a kernel, by UEFI too; since then systemd-boot boots a UKI by UEFI, and for amd64 GRUB is
 * there for BIOS beside it.
 */
export function writeTalosIso(parts: TalosIso): Buffer {
  const { version, arch, secureBoot = false, uki, kernel, initramfs, cmdline } = parts
  const hasUki = secureBoot || isAtLeast(version, 1, 10)
  const hasGrub = !secureBoot && (arch === 'amd64' || !hasUki)
  const name = arch === 'amd64' ? 'BOOTX64.EFI' : 'BOOTAA64.EFI'
  const loader = parts.loader ?? writeKernel(arch, 4_096, `loader ${version}`)
  const quoted = cmdline.replaceAll(/[\\{}&$|;<>"]/g, String.raw`\$&`)
  const entry = (title: string, words: string) =>
    `menuentry "${title}" {\n\tset gfxmode=auto\n\tlinux /boot/vmlinuz ${words}\n\tinitrd /boot/initramfs.xz\n}\n`
  const menu = `set default=0\n${entry('Talos ISO', quoted)}${entry('Reset', `${quoted} talos.experimental.wipe=system`)}`
  return writeIso({
    label: isAtLeast(version, 1, 8) ? `TALOS_${version.toUpperCase().replaceAll(/[-.]/g, '_')}` : 'ISOIMAGE',
    bios: hasGrub && arch === 'amd64',
    efi: writeFat({
      [`EFI/BOOT/${name}`]: loader,
      ...(hasUki && { [`EFI/Linux/Talos-${version}.efi`]: uki, 'loader/loader.conf': Buffer.from('timeout 10\n') }),
    }),
    files: hasGrub
      ? { 'boot/vmlinuz': kernel, 'boot/initramfs.xz': initramfs, 'boot/grub/grub.cfg': Buffer.from(menu) }
      : {},
  })
}

/** An image of a CD that boots (ECMA-119, El Torito), with names as Rock Ridge has them. */
export function writeIso({ label, files = {}, efi, bios = false }: IsoOptions): Buffer {
  const folders = new Map<string, Set<string>>([['', new Set()]])
  for (const path of Object.keys(files)) {
    const names = path.split('/')
    for (let depth = 1; depth <= names.length; depth++) {
      const parent = names.slice(0, depth - 1).join('/')
      folders.set(parent, (folders.get(parent) ?? new Set()).add(names.slice(0, depth).join('/')))
    }
  }
  let next = 20
  const take = (bytes: number) => (next += Math.ceil(bytes / sector)) - Math.ceil(bytes / sector)
  const places = new Map<string, { at: number; bytes: number; isFolder: boolean }>()
  for (const path of folders.keys()) places.set(path, { at: take(sector), bytes: sector, isFolder: true })
  for (const [path, { length }] of Object.entries(files))
    places.set(path, { at: take(length), bytes: length, isFolder: false })
  const efiAt = take(efi?.length ?? 0)
  const iso = Buffer.alloc(next * sector)
  iso.write('\u0001CD001\u0001', 16 * sector, 'latin1')
  iso.write(label.padEnd(32), 16 * sector + 40, 'latin1')
  iso.writeUInt32LE(efi ? efiAt : next, 16 * sector + 80)
  iso.writeUInt16LE(sector, 16 * sector + 128)
  record('\0', places.get('')!).copy(iso, 16 * sector + 156)
  iso.write('\0CD001\u0001EL TORITO SPECIFICATION', 17 * sector, 'latin1')
  iso.writeUInt32LE(19, 17 * sector + 0x47)
  iso.write('\u00ffCD001\u0001', 18 * sector, 'latin1')
  catalogue(bios, efi && efiAt).copy(iso, 19 * sector)
  for (const [path, inside] of folders) {
    const records = [...inside].map((one) => record(one.slice(one.lastIndexOf('/') + 1), places.get(one)!))
    Buffer.concat([record('\0', places.get(path)!), record('\u0001', places.get(path)!), ...records]).copy(
      iso,
      places.get(path)!.at * sector,
    )
  }
  for (const [path, data] of Object.entries(files)) data.copy(iso, places.get(path)!.at * sector)
  efi?.copy(iso, efiAt * sector)
  return iso
}

function record(name: string, { at, bytes, isFolder }: { at: number; bytes: number; isFolder: boolean }): Buffer {
  const isSelf = name < '\u0002'
  const plain = isSelf ? name : `${name.toUpperCase().replaceAll(/[^A-Z0-9.]/g, '_')}${isFolder ? '' : ';1'}`
  const more = isSelf
    ? Buffer.alloc(0)
    : Buffer.concat([Buffer.from(`NM${String.fromCharCode(5 + name.length)}\u0001\0`), Buffer.from(name)])
  const padding = plain.length % 2 === 0 ? 1 : 0
  const length = 33 + plain.length + padding + more.length
  const row = Buffer.alloc(length + (length % 2))
  row.writeUInt8(row.length, 0)
  row.writeUInt32LE(at, 2)
  row.writeUInt32LE(bytes, 10)
  row.writeUInt8(isFolder ? 2 : 0, 25)
  row.writeUInt8(plain.length, 32)
  row.write(plain, 33, 'latin1')
  more.copy(row, 33 + plain.length + padding)
  return row
}

function catalogue(bios: boolean, efiAt: number | undefined): Buffer {
  const entry = (at: number) => {
    const row = Buffer.alloc(32)
    row.writeUInt8(0x88, 0)
    row.writeUInt32LE(at, 8)
    return row
  }
  const head = Buffer.alloc(32)
  head.writeUInt8(1, 0)
  head.writeUInt8(bios ? 0 : 0xef, 1)
  head.writeUInt16LE(0xaa55, 30)
  const section = Buffer.alloc(32)
  section.writeUInt16LE(0xef91, 0)
  section.writeUInt16LE(1, 2)
  const efi = efiAt === undefined ? [] : [entry(efiAt)]
  return Buffer.concat(bios ? [head, entry(20), ...(efiAt === undefined ? [] : [section]), ...efi] : [head, ...efi])
}
