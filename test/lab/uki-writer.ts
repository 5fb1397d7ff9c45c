import { createCipheriv, createHash } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'

/** The processor an image is for, in Talos' words. */
export type Arch = 'amd64' | 'arm64'

/** What the factory adds to every image's last extension layer (siderolabs/image-factory internal/artifacts/schematic.go). */
export interface UkiSchematic {
  /** Lowercase hexadecimal sha256 of `yaml`. */
  readonly id: string
  readonly yaml: string
  /** The factory's own address, as it signs itself in `author`. */
  readonly factory: string
}

export interface UkiOptions {
  /** Talos version, with or without `v`; `.osrel` always has it with one. */
  readonly version: string
  readonly arch?: Arch
  /** The kernel command line, put into `.cmdline` without newline or NUL. */
  readonly cmdline: string
  /** `ID` of `.osrel`: 'talos', or 'talos_enterprise'. */
  readonly osId?: string
  /** Bytes that the whole file comes to, at least: the rest is deterministic filler inside `.initrd`. */
  readonly fillBytes?: number
  /** Another seed gives other bytes and another header timestamp, as a rebuild of the same image does. */
  readonly seed?: number
  /** Left out: the initrd has one frame, as an image has that no factory built. */
  readonly schematic?: UkiSchematic
  /** Extensions as the catalogue names them, `siderolabs/i915`: each is a layer of the last archive. */
  readonly extensions?: readonly string[]
  /** More entries of the boot menu, as the images of installers and ISOs have them. */
  readonly profiles?: readonly { readonly id: string; readonly title: string; readonly cmdline: string }[]
  /** Replaces what `.initrd` would be. */
  readonly initrd?: Buffer
}

const fileAlignment = 512
const sectionAlignment = 4096
const peOffset = 0x80
const optionalHeaderSize = 240
const machines = { amd64: 0x8664, arm64: 0xaa64 } as const
const code = 0x60000020
const readOnlyData = 0x40000040

interface Section {
  readonly name: string
  readonly data: Buffer
  readonly flags?: number
}

/**
 * A minimal PE32+ unified kernel image, laid out as Talos lays its own out (siderolabs/talos internal/pkg/uki/uki.go and
 * internal/pe/native.go): a stub's sections, then what the stub reads. It parses, it does not boot.
 */
export function writeUki(options: UkiOptions): Buffer {
  const { arch = 'amd64', fillBytes = 0, seed = 0 } = options
  const version = `v${options.version.replace(/^v/, '')}`
  const small = assemble(sectionsOf(options, version, arch, 0), arch, seed)
  if (small.length >= fillBytes) return small
  return assemble(sectionsOf(options, version, arch, fillBytes - small.length), arch, seed)
}

function sectionsOf(options: UkiOptions, version: string, arch: Arch, fill: number): Section[] {
  const seed = options.seed ?? 0
  return [
    { name: '.text', data: Buffer.alloc(fileAlignment, 0xcc), flags: code },
    { name: '.sdmagic', data: Buffer.from('#### LoaderInfo: systemd-stub 257.7 ####\0') },
    { name: '.osrel', data: Buffer.from(osRelease(version, options.osId ?? 'talos')) },
    { name: '.cmdline', data: Buffer.from(options.cmdline) },
    // The builder finds the kernel's own version in x86 kernels only.
    ...(arch === 'amd64' ? [{ name: '.uname', data: Buffer.from('6.18.44-talos') }] : []),
    { name: '.linux', data: Buffer.concat([Buffer.from('MZ'), filler(4094, `linux ${version} ${arch}`)]) },
    { name: '.initrd', data: options.initrd ?? initrd(filler(fill, `rootfs ${version} ${arch} ${seed}`), options) },
    ...(isAtLeast(version, 1, 10) ? [{ name: '.profile', data: Buffer.from('ID=main') }] : []),
    ...(options.profiles ?? []).flatMap(({ id, title, cmdline }) => [
      { name: '.profile', data: Buffer.from(`ID=${id}\nTITLE=${title}`) },
      { name: '.cmdline', data: Buffer.from(cmdline) },
    ]),
  ]
}

/** siderolabs/talos pkg/machinery/version/osrelease.go */
function osRelease(version: string, id: string): string {
  const name = id === 'talos_enterprise' ? 'Talos Enterprise' : 'Talos'
  return [
    `NAME="${name}"`,
    `ID=${id}`,
    `VERSION_ID=${version}`,
    `PRETTY_NAME="${name} (${version})"`,
    'HOME_URL="https://www.talos.dev/"',
    'BUG_REPORT_URL="https://github.com/siderolabs/talos/issues"',
    'VENDOR_NAME="Sidero Labs"',
    'VENDOR_URL="https://www.siderolabs.com/"',
    '',
  ].join('\n')
}

function assemble(sections: readonly Section[], arch: Arch, seed: number): Buffer {
  const table = peOffset + 24 + optionalHeaderSize
  const headers = align(table + 40 * sections.length, fileAlignment)
  const header = Buffer.alloc(headers)
  header.write('MZ', 0, 'latin1')
  header.writeUInt32LE(peOffset, 0x3c)
  header.write('PE\0\0', peOffset, 'latin1')
  header.writeUInt16LE(machines[arch], peOffset + 4)
  header.writeUInt16LE(sections.length, peOffset + 6)
  header.writeUInt32LE(1_780_000_000 + seed, peOffset + 8)
  header.writeUInt16LE(optionalHeaderSize, peOffset + 20)
  header.writeUInt16LE(0x0206, peOffset + 22) // executable, no line numbers, no debug information

  let address = align(headers, sectionAlignment)
  let position = headers
  const body = sections.flatMap(({ name, data, flags = readOnlyData }, index) => {
    const row = table + 40 * index
    const raw = align(data.length, fileAlignment)
    header.write(name, row, 8, 'latin1')
    header.writeUInt32LE(data.length, row + 8)
    header.writeUInt32LE(address, row + 12)
    header.writeUInt32LE(raw, row + 16)
    header.writeUInt32LE(position, row + 20)
    header.writeUInt32LE(flags, row + 36)
    address += align(data.length, sectionAlignment)
    position += raw
    return [data, Buffer.alloc(raw - data.length)]
  })

  const optional = peOffset + 24
  header.writeUInt16LE(0x20b, optional)
  header.writeUInt32LE(fileAlignment, optional + 4) // size of code: .text, the first section
  header.writeUInt32LE(position - headers - fileAlignment, optional + 8)
  header.writeUInt32LE(align(headers, sectionAlignment), optional + 16) // entry point: where .text begins
  header.writeUInt32LE(align(headers, sectionAlignment), optional + 20)
  header.writeUInt32LE(sectionAlignment, optional + 32)
  header.writeUInt32LE(fileAlignment, optional + 36)
  header.writeUInt32LE(address, optional + 56)
  header.writeUInt32LE(headers, optional + 60)
  header.writeUInt16LE(10, optional + 68) // subsystem: EFI application
  header.writeUInt32LE(16, optional + 108)
  return Buffer.concat([header, ...body])
}

/** Two zstd frames, as since Talos 1.8: the system, then the extensions (siderolabs/talos pkg/imager/extensions/rebuild.go). */
function initrd(rootfs: Buffer, { schematic, extensions = [] }: Pick<UkiOptions, 'schematic' | 'extensions'>): Buffer {
  const base = zstd(cpio({ init: Buffer.from('#!/bin/false\n'), 'rootfs.sqsh': rootfs }))
  if (!schematic) return base
  // What is below kernel/ has to be first, and bare: the kernel looks for its microcode before it can unpack.
  const microcode = extensions.some((name) => name.endsWith('-ucode'))
    ? [cpio({ kernel: Buffer.alloc(0), 'kernel/x86/microcode/GenuineIntel.bin': filler(700, 'microcode') }, 512)]
    : []
  return Buffer.concat([...microcode, base, extensionsFrame(schematic, extensions)])
}

/** The last archive of an image from a Factory: a squashfs for each extension, and the list of them. */
export function extensionsFrame(schematic: UkiSchematic, extensions: readonly string[] = []): Buffer {
  const layers = [
    ...extensions.map((name) => ({
      name: name.replace(/^siderolabs\//, ''),
      version: 'v1.0.0',
      author: 'Sidero Labs',
      description: 'An extension.',
      compatibility: { talos: { version: '>= v1.7.0' } },
    })),
    {
      name: 'schematic',
      version: schematic.id,
      author: `Image Factory (${schematic.factory})`,
      description: 'Virtual extension which specifies the schematic of the image built with Image Factory.',
      compatibility: { talos: { version: '>= 1.0.0' } },
      extraInfo: schematic.yaml,
    },
  ]
  // JSON is YAML too, and needs no rules of its own for the schematic's lines.
  const rows = layers.map(
    (metadata, index) => `    - image: ${index}.sqsh\n      metadata: ${JSON.stringify(metadata)}\n`,
  )
  const images = layers.map(({ name }, index) => [`${index}.sqsh`, filler(512, `${name} ${schematic.id}`)] as const)
  return zstd(cpio({ ...Object.fromEntries(images), 'extensions.yaml': Buffer.from(`layers:\n${rows.join('')}`) }))
}

export function zstd(data: Buffer): Buffer {
  return zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: 1 } })
}

/**
 * A "newc" archive: hexadecimal fields of eight digits, names and data padded to four bytes, the whole to `block`, as
 * cpio does.
 */
export function cpio(files: Readonly<Record<string, Buffer>>, block = 4): Buffer {
  const parts: Buffer[] = []
  let inode = 1
  const add = (name: string, data: Buffer, mode: number): void => {
    const fields = [inode++, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0]
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0').toUpperCase()).join('')}${name}\0`
    parts.push(Buffer.from(head.padEnd(align(head.length, 4), '\0'), 'latin1'))
    parts.push(data, Buffer.alloc(align(data.length, 4) - data.length))
  }
  for (const [name, data] of Object.entries(files)) add(name, data, 0o100644)
  add('TRAILER!!!', Buffer.alloc(0), 0)
  const whole = Buffer.concat(parts)
  return Buffer.concat([whole, Buffer.alloc(align(whole.length, block) - whole.length)])
}

/** Bytes that look random, do not compress, and are the same for the same label. */
export function filler(bytes: number, label: string): Buffer {
  const key = createHash('sha256').update(label).digest()
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(Math.max(0, bytes)))
}

export interface CommandLineOptions {
  readonly version: string
  readonly arch: Arch
  readonly platform: string
  /** `customization.extraKernelArgs` of the schematic. */
  readonly extra?: readonly string[]
}

/**
 * The kernel command line of an image, from siderolabs/talos pkg/imager/imager.go and pkg/machinery/kernel/kernel.go:
 * grouped by key; an extra `console` or `talos.platform` takes the place of the default, `-key` and `-key=value` remove.
 */
export function kernelCommandLine({ version, arch, platform, extra = [] }: CommandLineOptions): string {
  const values = new Map<string, string[]>()
  const add = (argument: string): void => {
    const key = keyOf(argument)
    values.set(key, [...(values.get(key) ?? []), argument])
  }
  for (const argument of defaultArguments(version, arch, platform)) add(argument)
  const replaced = new Set<string>()
  for (const argument of extra.flatMap((text) => text.split(/\s+/)).filter((word) => word !== '')) {
    const key = keyOf(argument)
    if (key.startsWith('-')) {
      const positive = argument.slice(1)
      const left = (values.get(keyOf(positive)) ?? []).filter((each) => positive.includes('=') && each !== positive)
      if (left.length > 0) values.set(keyOf(positive), left)
      else values.delete(keyOf(positive))
      continue
    }
    if ((key === 'console' || key === 'talos.platform') && !replaced.has(key)) values.set(key, [])
    replaced.add(key)
    add(argument)
  }
  return [...values.values()].flat().join(' ')
}

function defaultArguments(version: string, arch: Arch, platform: string): string[] {
  const hardened = isAtLeast(version, 1, 14) ? [] : ['init_on_alloc=1']
  return [
    `talos.platform=${platform}`,
    ...(arch === 'arm64' ? ['console=ttyAMA0'] : []),
    'console=tty0',
    ...hardened,
    'slab_nomerge',
    'pti=on',
    'consoleblank=0',
    ...(isAtLeast(version, 1, 14) ? [] : ['nvme_core.io_timeout=4294967295']),
    'printk.devkmsg=on',
    'selinux=1',
    ...(isAtLeast(version, 1, 12) ? ['module.sig_enforce=1'] : []),
    ...(isAtLeast(version, 1, 13) ? ['proc_mem.force_override=never'] : []),
  ]
}

function keyOf(argument: string): string {
  return argument.split('=', 1)[0] ?? argument
}

/** Whether a Talos version belongs to this minor release or a later one; its pre-releases count as the release. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [, foundMajor = '0', foundMinor = '0'] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor)
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to
}
