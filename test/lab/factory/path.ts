import { refusal } from './answers.ts'
import type { Arch } from '../uki-writer.ts'

/** What the last part of an image's path asks for. */
export interface Profile {
  readonly kind: 'uki' | 'cmdline' | 'other'
  readonly platform: string
  readonly arch: Arch
  readonly secureboot: boolean
}

const architectures: Readonly<Record<string, Arch>> = { amd64: 'amd64', arm64: 'arm64', x86_64: 'amd64', i386: 'amd64' }

/** Platforms that images are made for. */
export const knownPlatforms = new Set(
  `akamai aws azure cloudstack digital-ocean equinixMetal exoscale gcp hcloud metal nocloud opennebula openstack oracle
  scaleway upcloud vmware vultr`.split(/\s+/),
)

/** internal/profile/profile.go ParseFromPath */
export function parsePath(path: string): Profile {
  const parsing = 'error parsing profile from path:'
  const [, prefix, bare] =
    /^(kernel-|initramfs-(?=.*\.xz$)|cmdline-|installer-(?=.*\.tar$))(.*?)(?:\.xz|\.tar)?$/.exec(path) ?? []
  const [, image, suffix] =
    /^(.+?)(-uki\.efi|-installer-.*\.tar|\.iso|\.(?:raw|qcow2|vhd|ova)(?:\.tar\.gz|\.gz|\.xz|\.zst)?)$/.exec(path) ?? []
  const rest = bare ?? image
  if (rest === undefined) throw refusal(400, `${parsing} invalid profile path: "${path}"`)
  const name = rest.replace(/-secureboot$/, '')
  const dash = name.lastIndexOf('-')
  const needsPlatform = prefix === undefined || prefix === 'cmdline-'
  if (needsPlatform && dash < 0) throw refusal(400, `${parsing} invalid platform-arch: "${name}"`)
  const arch = architectures[needsPlatform ? name.slice(dash + 1) : name]
  if (arch === undefined) throw refusal(400, `${parsing} invalid architecture: "${name.slice(dash + 1)}"`)
  return {
    kind: suffix === '-uki.efi' ? 'uki' : prefix === 'cmdline-' ? 'cmdline' : 'other',
    platform: needsPlatform ? name.slice(0, dash) : 'metal',
    arch,
    secureboot: rest !== name,
  }
}

/** internal/mime/mime.go */
export function contentType(path: string): string {
  const types: Record<string, string> = {
    efi: 'application/efi',
    iso: 'application/x-iso9660-image',
    xz: 'application/x-xz',
    gz: 'application/gzip',
    qcow2: 'application/x-qemu-disk',
  }
  return types[/\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''] ?? 'application/octet-stream'
}
