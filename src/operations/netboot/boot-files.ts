import type { Config } from '../../config/config.ts'
import { parseIpv4 } from '../../core/address.ts'
import { type BootImage, chooseBootImage } from '../../core/netboot/boot-image.ts'
import type { BootTarget } from '../../core/netboot/dhcp/offer.ts'
import type { BootSource } from '../../core/netboot/rule.ts'
import {
  type Architecture,
  hasReleaseInName,
  type Image,
  type ImageSettings,
  imagesOf,
} from '../../core/release/image.ts'
import { presentName } from '../../core/release/publication.ts'
import type { PublishedName } from '../../core/release/published.ts'

/** What of two services' sections others need to know: who answers machines, and who serves files to them. */
interface BootSections {
  readonly proxyDhcp?: { readonly tftp?: string | undefined; readonly http?: string | undefined } | undefined
  readonly bootFiles?:
    | {
        readonly tftp: false | { readonly port: number }
        readonly http?: { readonly port: number; readonly tls?: object | undefined } | undefined
      }
    | undefined
}

const sectionsIn = (config: Config) => config as BootSections

/** Whether Caretaker answers machines itself. */
export function hasProxy(config: Config): boolean {
  return sectionsIn(config).proxyDhcp !== undefined
}

/**
 * The images that machines boot. One with the release in its name has another name tomorrow: it is left out where nobody
 * knows the names on the share.
 */
export function bootableImages(config: ImageSettings, names: readonly PublishedName[]): readonly Image[] {
  return imagesOf(config).flatMap((image) => {
    if (!hasReleaseInName(image)) return [image]
    const file = presentName(image, names)?.file
    return file === undefined ? [] : [{ ...image, file }]
  })
}

/** The file that machines of an architecture boot, and this one by name. */
export function bootFilesOf(config: ImageSettings, names: readonly PublishedName[]): BootSource['fileFor'] {
  const images: readonly BootImage[] = bootableImages(config, names)
  return (architecture, machine) => chooseBootImage(images, architecture, machine)?.file
}

/** The files of all architectures, for a router: names that change with each release are none for it. */
export function allBootFiles(config: ImageSettings): Partial<Record<Architecture, string>> {
  const fileFor = bootFilesOf(config, [])
  const [amd64, arm64] = [fileFor('amd64', undefined), fileFor('arm64', undefined)]
  return { ...(amd64 === undefined ? {} : { amd64 }), ...(arm64 === undefined ? {} : { arm64 }) }
}

/**
 * IPv4 address of the TFTP server that machines boot from: as configured, else ours where we serve files, else what
 * share.server says. DHCP takes no names.
 *
 * @param own our own address in the network of the machines, where we have one
 */
export function tftpServerOf(config: Config, own: string | undefined): string | undefined {
  const { proxyDhcp, bootFiles } = sectionsIn(config)
  if (proxyDhcp?.tftp !== undefined) return proxyDhcp.tftp
  if (own !== undefined && bootFiles !== undefined && bootFiles.tftp !== false) return own
  const [host = ''] = (config.share.server ?? '').split(':')
  return parseIpv4(host) === undefined ? undefined : host
}

/** Base URL of the server of files by HTTP: as configured, else ours where we serve them in plain HTTP. */
export function httpServerOf(config: Config, own: string | undefined): string | undefined {
  const { proxyDhcp, bootFiles } = sectionsIn(config)
  if (proxyDhcp?.http !== undefined) return proxyDhcp.http
  const http = bootFiles?.http
  if (own === undefined || http === undefined || http.tls !== undefined) return undefined
  return `http://${own}:${http.port}`
}

/** Whether we serve what a machine is told to boot, so that its transfer is seen. `own`: our addresses. */
export function isServedHere(config: Config, target: BootTarget, own: readonly string[]): boolean {
  const { bootFiles } = sectionsIn(config)
  if (bootFiles === undefined) return false
  if (target.by === 'tftp') return bootFiles.tftp !== false && own.includes(target.server)
  if (bootFiles.http === undefined || !URL.canParse(target.url)) return false
  const { hostname, port } = new URL(target.url)
  return own.includes(hostname) && Number(port) === bootFiles.http.port
}
