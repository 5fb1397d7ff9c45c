import { assertNever } from '../errors.ts'

export const architectures = ['amd64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

/**
 * | kind   | is                                                                                               |
 * |--------|--------------------------------------------------------------------------------------------------|
 * | uki    | one program for UEFI firmware, by TFTP or HTTP                                                   |
 * | kernel | kernel, initramfs and command line, for iPXE: what is published is a script that names all three |
 * | iso    | for machines that boot a medium                                                                  |
 */
export const imageKinds = ['uki', 'kernel', 'iso'] as const
export type ImageKind = (typeof imageKinds)[number]

/** What the Factory builds of a schematic and a release, apart from what it is called. */
export interface Variant {
  readonly architecture: Architecture
  /** Signed, for machines whose firmware boots nothing else. */
  readonly secureBoot: boolean
  readonly kind: ImageKind
}

/** An image of one release, wherever it is. */
export interface ImageRef extends Variant {
  readonly version: string
  /** The schematic's id, 64 hex digits. */
  readonly schematic: string
}

/** An image to bring onto the share. */
export interface ImageOrder extends ImageRef {
  /** The schematic's own kernel arguments, which the image's command line must hold. */
  readonly kernelArguments: readonly string[]
  /** Which of its files is asked for; without it the first. */
  readonly asset?: string
}

/** One of an image's files, as it was when it was staged. */
export interface StagedFile {
  readonly name: string
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

export interface StagedImage {
  readonly version: string
  readonly schematic: string
  readonly architecture: string
  readonly secureBoot: boolean
  readonly kind: ImageKind
  /** Of its file; where it has several, of the kernel. */
  readonly sha256: string
  /** Of all its files. */
  readonly bytes: number
  /** ISO 8601. */
  readonly stagedAt: string
  /** The path of its first file below the share's directory. */
  readonly path: string
  /** The names under which machines boot it. */
  readonly publishedAs: readonly string[]
  /** Whether there is such a name. */
  readonly published: boolean
}

/** Which one it is. */
export type StagedRef = Pick<StagedImage, keyof ImageRef>

/** Images that machines of the homelab boot, one a release, and the name on the share that one of them has. */
export interface Image extends Variant {
  /** What people call it. */
  readonly name: string
  /** A file of config/schematics, without .yaml. */
  readonly schematic: string
  /** The published name. It may hold `{version}`, which is filled in by `publishedName`. */
  readonly file: string
  /** The nodes that boot it, where that is said. */
  readonly nodes: readonly string[]
  /** Its one node has no installation on a disk, and boots this each time. */
  readonly diskless: boolean
}

/** What machines get of an image now. */
export interface ImageStatus {
  readonly name: string
  readonly file: string
  /** What the name serves; undefined where it serves nothing. */
  readonly published: StagedImage | undefined
  /** Why that is not the target release, or why a person should look. */
  readonly note: string | undefined
}

/** The settings that images follow from. */
export interface ImageSettings {
  readonly schematic: string
  readonly share: { readonly image: string; readonly architecture: Architecture }
  readonly images: readonly ImageSetting[]
}

/** An entry of `images`. */
export interface ImageSetting {
  readonly name: string
  readonly schematic?: string | undefined
  readonly architecture: Architecture
  readonly secureBoot: boolean
  readonly kind: ImageKind
  readonly file?: string | undefined
  readonly nodes: readonly string[]
  readonly diskless: boolean
}

/**
 * The images of a configuration. Without `images` there is one: that of `schematic`, `share.image` and
 * `share.architecture`. Nothing else knows that there are two ways to write it.
 */
export function imagesOf({ schematic, share, images }: ImageSettings): readonly Image[] {
  if (images.length === 0) {
    const { image: file, architecture } = share
    return [
      { name: architecture, schematic, architecture, secureBoot: false, kind: 'uki', file, nodes: [], diskless: false },
    ]
  }
  return images.map((given) => {
    const { name, architecture, secureBoot, kind, nodes, diskless } = given
    const own = given.schematic ?? schematic
    const usual = diskless ? `${name}-${usualFile(given)}` : usualFile(given)
    const file = fill(given.file ?? usual, { schematic: own, arch: architecture })
    return { name, schematic: own, architecture, secureBoot, kind, file, nodes, diskless }
  })
}

/** The name on the share that an image of this release is published under. */
export function publishedName({ file }: Pick<Image, 'file'>, version: string): string {
  return fill(file, { version })
}

/** Whether each release of an image has a name of its own. */
export function hasReleaseInName({ file }: Pick<Image, 'file'>): boolean {
  return file.includes('{version}')
}

/** Whether a name on the share is one of this image, of whatever release. */
export function isNameOf({ file }: Pick<Image, 'file'>, name: string): boolean {
  const [before, after] = file.split('{version}')
  if (after === undefined) return name === file
  const version = name.slice(before!.length, name.length - after.length)
  return name === `${before}${version}${after}` && /^v\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/.test(version)
}

/** What may stand in braces in the name of a file. */
export const placeholders = ['{schematic}', '{arch}', '{version}'] as const

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole)
}

/** As the Factory calls its files, but for the script, which is ours. */
function usualFile(variant: Variant): string {
  return variant.kind === 'kernel' ? 'metal-{arch}.ipxe' : assetsOf(variant)[0]!
}

/**
 * The files of an image by the Factory's names for them (siderolabs/image-factory internal/profile/profile.go
 * ParseFromPath), the one that is booted first.
 */
export function assetsOf({ architecture, secureBoot, kind }: Variant): readonly string[] {
  const metal = `metal-${architecture}${secureBoot ? '-secureboot' : ''}`
  switch (kind) {
    case 'uki':
      return [`${metal}-uki.efi`]
    case 'iso':
      return [`${metal}.iso`]
    case 'kernel':
      return [`kernel-${architecture}`, `initramfs-${architecture}.xz`, `cmdline-${metal}`]
    default:
      return assertNever(kind)
  }
}

/** Whether both are the same image: of one release, one schematic, built alike. */
export function isSameImage(a: SameImage, b: SameImage): boolean {
  return a.version === b.version && a.schematic === b.schematic && isSameVariant(a, b)
}

type SameImage = Pick<ImageRef, 'version' | 'schematic' | 'secureBoot' | 'kind'> & { readonly architecture: string }

/** Whether both are built alike, of whatever release and schematic. */
export function isSameVariant(a: Omit<SameImage, 'version' | 'schematic'>, b: typeof a): boolean {
  return a.architecture === b.architecture && a.secureBoot === b.secureBoot && a.kind === b.kind
}

/** `arm64`, `amd64 SecureBoot`, `amd64 ISO`: what sets an image apart from others of its release and schematic. */
export function describeVariant({ architecture, secureBoot, kind }: Omit<SameImage, 'version' | 'schematic'>): string {
  const words = { uki: '', kernel: ' kernel', iso: ' ISO' } as const
  return `${architecture}${secureBoot ? ' SecureBoot' : ''}${words[kind]}`
}
