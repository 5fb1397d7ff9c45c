import { setTimeout as pause } from 'node:timers/promises'
import { kernelCommandLine } from '../uki-writer.ts'
import { found, type Answer } from './answers.ts'
import { checkAsset, type Asset, type AssetOffer } from './asset.ts'
import { beside } from './beside.ts'
import { contentType } from './path.ts'
import type { Parameters, Route } from './routing.ts'
import type { Servers } from './servers.ts'
import type { Storage } from './storage.ts'
import { withV } from './versions.ts'

/** What images are made, kept and sent with. */
export interface AssetParts extends Omit<AssetOffer, 'isBuilt'> {
  readonly servers: Pick<Servers, 'url' | 'stopping'>
  readonly storage: Storage
  /** The bytes of an image. */
  bytesOf(schematic: string, version: string, path: string): Buffer
}

/** How the Factory answers where an image is asked for, or iPXE's script for one. */
export interface Assets {
  readonly image: Route['answer']
  readonly pxe: (parameters: Parameters) => Answer
  /** All that was built is to be built again. */
  forget(): void
}

/** What a captive portal answers in place of an image. */
export const portalPage = Buffer.from(
  '<!DOCTYPE html>\n<html><body><h1>Please sign in to the network</h1></body></html>\n',
)

export function createAssets({ servers, storage, bytesOf, ...offer }: AssetParts): Assets {
  const { faults } = offer
  const builds = new Map<string, Promise<void>>()

  function asset(parameters: Parameters): Asset {
    return checkAsset(parameters, { ...offer, isBuilt: (key) => builds.has(key) })
  }

  function built(key: string): Promise<void> {
    const build = builds.get(key) ?? pause(faults.buildMs, undefined, { signal: servers.stopping() })
    builds.set(key, build)
    return build
  }

  const image: Assets['image'] = async (parameters, request, url) => {
    const { schematic = '', path = '' } = parameters
    if (/\.(sha(256|512)|sigstore\.json)$/.test(path))
      return beside(path, faults.checksums, (file) => bytesOf(schematic, withV(parameters['version'] ?? ''), file))
    const { key, version } = asset(parameters)
    await built(key)
    if (faults.html) {
      return { status: 200, body: portalPage, headers: { 'content-type': 'text/html; charset=utf-8' }, bulk: true }
    }
    const body = bytesOf(schematic, version, path)
    const disposition = `attachment; filename="${url.searchParams.get('filename') ?? path}"`
    if (faults.redirect && request.method === 'GET') {
      return found(302, `${servers.url('storage')}${storage.sign(key, body, disposition)}`)
    }
    return {
      status: 200,
      body,
      headers: { 'content-type': contentType(path), 'content-disposition': disposition },
      bulk: true,
    }
  }

  /** internal/frontend/http/pxe.go: it never offers an unsigned UKI, whatever is asked for. */
  function pxe(parameters: Parameters): Answer {
    const { schematic: id = '', path = '' } = parameters
    const { version, profile, schematic } = asset({ ...parameters, path: `cmdline-${path}` })
    const extra = schematic.customization.extraKernelArgs
    const cmdline = kernelCommandLine({ version, arch: profile.arch, platform: profile.platform, extra })
    const from = `${servers.url('factory')}/image/${id}/${version}`
    const lines = [`kernel ${from}/kernel-${profile.arch} ${cmdline}`, `initrd ${from}/initramfs-${profile.arch}.xz`]
    return { status: 200, body: `#!ipxe\n\nimgfree\n${lines.join('\n')}\nboot\n` }
  }

  return { image, pxe, forget: () => builds.clear() }
}
