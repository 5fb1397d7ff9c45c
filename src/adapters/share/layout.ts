import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import type { ImageRef } from '../../core/release/image.ts'
import { list, listOwn } from './files.ts'
import { translateError } from './trouble.ts'

/**
 * The layout of the share: every image has its own directory, `talos/<version>/<schematic>`, or `<schematic>-arm64` where
 * it is not the plain UKI for amd64. Its files have the Factory's names there. Names that machines boot lie at the top,
 * and beside each, as `NAME.json`, what it is.
 */
export interface Layout {
  /** What the TFTP server serves. */
  readonly directory: string
}

/** A name that machines boot. */
export const publishedPath = ({ directory }: Layout, file: string) => join(directory, file)
/** What is told of it. */
export const recordPath = (layout: Layout, file: string) => `${publishedPath(layout, file)}.json`
export const filePath = (place: string, file: string) => join(place, file)
export const manifestPath = (place: string) => join(place, 'manifest.json')
/** A download in progress. */
export const partPath = (place: string, file: string) => join(place, `.${file}.part`)

export function placeOf({ directory }: Layout, image: ImageRef): string {
  return join(directory, 'talos', image.version, `${image.schematic.slice(0, 12)}${suffixOf(image)}`)
}

function suffixOf({ architecture, secureBoot, kind }: ImageRef): string {
  const parts = [
    architecture === 'amd64' && kind === 'uki' && !secureBoot ? '' : architecture,
    secureBoot ? 'secureboot' : '',
    kind === 'uki' ? '' : kind,
  ].filter(Boolean)
  return parts.map((part) => `-${part}`).join('')
}

/** The places of all images, whole or not. */
export async function listPlaces({ directory }: Layout): Promise<string[]> {
  const places: string[] = []
  for (const version of await listOwn(join(directory, 'talos'))) {
    for (const schematic of await list(join(directory, 'talos', version)))
      places.push(join(directory, 'talos', version, schematic))
  }
  return places
}

/** @throws AgentError `misconfigured` where the share is not there, `unreachable` where it does not answer */
export async function checkDirectory({ directory }: Layout): Promise<void> {
  const info = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw translateError(directory, error)
  })
  if (!info?.isDirectory())
    throw new AgentError('misconfigured', `share.directory ${directory} does not exist: is the share mounted?`)
}

/** Makes a place that a TFTP server can read. @throws AgentError */
export async function makePlace({ directory }: Layout, place: string): Promise<void> {
  for (const path of [join(directory, 'talos'), dirname(place), place]) {
    try {
      // Not with `recursive`: that says ENOENT of a file system that is mounted read-only.
      await mkdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      // An existing directory is changed only where a TFTP server could not read it.
      if (((await stat(path)).mode & 0o555) !== 0o555) await chmod(path, 0o755)
    } catch (error) {
      throw translateError(path, error)
    }
  }
}
