import { type ByteSource, malformed, partOf } from './byte-source.ts'
import { type Asked, readCarried, type ReadingMeans, refuseCarried } from './carried.ts'
import { type Fat, type FatEntry, openFat } from './fat.ts'
import type { ImageOrder } from './image.ts'
import { openIso } from './iso9660.ts'
import { refuseKernel } from './kernel-files.ts'
import { openUki, refuseUki, whyOtherCommandLine } from './uki.ts'

/** What an ISO of Talos boots. */
export interface IsoContents {
  /** The identifier of its volume: `TALOS_V1_13_9`; older ones have none of ours. */
  readonly label: string
  /** What firmware starts by UEFI: systemd-boot, which starts the UKI, or GRUB. */
  readonly loaders: readonly BootLoader[]
  /** What systemd-boot starts: since Talos 1.10, and for SecureBoot. */
  readonly uki: ByteSource | undefined
  /** What GRUB starts: by BIOS, and by UEFI before Talos 1.10. */
  readonly grub: GrubEntry | undefined
}

export interface BootLoader {
  /** `BOOTX64.EFI` for amd64, `BOOTAA64.EFI` for arm64. */
  readonly name: string
  readonly program: ByteSource
}

/** The first entry of GRUB's menu, which it starts by itself. */
export interface GrubEntry {
  readonly kernel: ByteSource
  readonly initramfs: ByteSource
  readonly commandLine: string
}

/** In bytes. */
const largestMenu = 65_536

/**
 * Reads what an ISO boots, by what firmware and boot loaders look for (siderolabs/talos pkg/imager/iso): a FAT file system
 * for UEFI with the UKI in EFI/Linux, and GRUB's menu with a kernel and an initramfs on the CD itself.
 *
 * @throws AgentError `malformed`, saying what is wrong with the file
 */
export async function readIso(source: ByteSource): Promise<IsoContents> {
  const { label, efiAt, find } = await openIso(source)
  const fat = efiAt === undefined ? undefined : await openFat(source, efiAt)
  const menu = await find('boot/grub/grub.cfg')
  return {
    label,
    loaders: fat ? await loadersOf(fat) : [],
    uki: fat && (await ukiOf(fat)),
    grub: menu && (await readMenu(partOf(source, [menu]), find, source)),
  }
}

const programsIn = async (fat: Fat, path: string): Promise<readonly FatEntry[]> =>
  ((await fat.list(path)) ?? []).filter(({ name, isDirectory }) => !isDirectory && /\.efi$/i.test(name))

async function loadersOf(fat: Fat): Promise<readonly BootLoader[]> {
  const loaders: BootLoader[] = []
  for (const entry of await programsIn(fat, 'EFI/BOOT'))
    loaders.push({ name: entry.name.toUpperCase(), program: await fat.open(entry) })
  return loaders
}

async function ukiOf(fat: Fat): Promise<ByteSource | undefined> {
  const ukis = await programsIn(fat, 'EFI/Linux')
  if (ukis.length > 1) throw malformed('it has more than one UKI, and Talos has one')
  return ukis[0] && fat.open(ukis[0])
}

/** GRUB's own menu: `linux PATH ARGUMENTS` and `initrd PATH` (siderolabs/talos pkg/imager/iso/grub.cfg). */
async function readMenu(
  menu: ByteSource,
  find: (path: string) => Promise<{ readonly start: number; readonly end: number } | undefined>,
  source: ByteSource,
): Promise<GrubEntry | undefined> {
  if (menu.size > largestMenu) throw malformed("GRUB's menu is larger than that of any image")
  const text = new TextDecoder().decode(await menu.read(0, menu.size))
  const [, kernelPath, words = ''] = /^[ \t]*linux[ \t]+(\S+)[ \t]*(.*)$/m.exec(text) ?? []
  const [, initramfsPath] = /^[ \t]*initrd[ \t]+(\S+)[ \t]*$/m.exec(text) ?? []
  if (kernelPath === undefined || initramfsPath === undefined) return undefined
  const file = async (path: string) => {
    const extent = await find(path)
    if (!extent) throw malformed(`GRUB starts ${path}, which is not in it`)
    return partOf(source, [extent])
  }
  return {
    kernel: await file(kernelPath),
    initramfs: await file(initramfsPath),
    commandLine: words.replaceAll(/\\([{}&$|;<>"\\])/g, '$1').trim(),
  }
}

const loaderNames = { amd64: 'BOOTX64.EFI', arm64: 'BOOTAA64.EFI' } as const

/**
 * Why an ISO is not the one that was ordered; undefined if it is. Everything that it boots is held against the order:
 * what UEFI starts, and what BIOS does.
 *
 * @throws AgentError `malformed` for what is no ISO that boots
 */
export async function refuseIso(
  source: ByteSource,
  order: ImageOrder,
  asked: Asked,
  means: ReadingMeans,
): Promise<string | undefined> {
  const { label, loaders, uki, grub } = await readIso(source)
  if (!uki && !grub) return 'it is a CD image that boots something other than Talos'
  if (!uki && order.secureBoot) return 'it has no UKI, and an image for SecureBoot was requested'
  if (loaders.length > 0 && !loaders.some(({ name }) => name === loaderNames[order.architecture]))
    return `it boots by ${loaders.map(({ name }) => name).join(', ')}, which is not for ${order.architecture}`
  const carried = async (initrd: ByteSource, start = 0, end = initrd.size) =>
    refuseCarried(await readCarried(initrd, { start, end }, means), asked, means.parseYaml)
  if (uki) {
    if (loaders.length === 0) return 'it has a UKI, and nothing that firmware starts'
    const opened = await openUki(uki)
    const refusal = refuseUki(opened.uki, order) ?? (await carried(uki, opened.initrd.start, opened.initrd.end))
    if (refusal !== undefined) return refusal
  } else if (isOtherLabel(label, order.version)) return `it is labelled ${label}, and ${order.version} was requested`
  if (!grub) return undefined
  const what = uki ? 'what it boots by BIOS: ' : ''
  const refusal =
    (await refuseKernel(grub.kernel, order)) ??
    whyOtherCommandLine(grub.commandLine, order) ??
    (await carried(grub.initramfs))
  return refusal === undefined ? undefined : `${what}${refusal}`
}

/** A kernel does not tell its release; since Talos 1.8 the label does (siderolabs/talos pkg/imager/iso VolumeID). */
function isOtherLabel(label: string, version: string): boolean {
  return label.startsWith('TALOS_') && label !== `TALOS_${version.toUpperCase().replaceAll(/[-.]/g, '_')}`.slice(0, 32)
}
