import { chmod, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import { list } from './files.ts'
import { translateError } from './part.ts'

/** The layout of the share: every image has its own directory, `talos/<version>/<schematic>`. */
export interface Layout {
  /** What the TFTP server serves. */
  readonly directory: string
  /** The name that machines boot: `metal-amd64-uki.efi`. */
  readonly image: string
}

/** The one that machines boot. */
export const publishedPath = ({ directory, image }: Layout) => join(directory, image)
export const imagePath = ({ image }: Layout, place: string) => join(place, image)
export const manifestPath = (place: string) => join(place, 'manifest.json')
/** A download in progress. */
export const partPath = ({ image }: Layout, place: string) => join(place, `.${image}.part`)

export function placeOf({ directory }: Layout, { version, schematic }: Pick<ImageOrder, 'version' | 'schematic'>) {
  return join(directory, 'talos', version, schematic.slice(0, 12))
}

/** The places of all images, whole or not. */
export async function listPlaces({ directory }: Layout): Promise<string[]> {
  const places: string[] = []
  for (const version of await list(join(directory, 'talos'))) {
    for (const schematic of await list(join(directory, 'talos', version)))
      places.push(join(directory, 'talos', version, schematic))
  }
  return places
}

/** @throws AgentError `misconfigured` where the share is not there */
export async function checkDirectory({ directory }: Layout): Promise<void> {
  const info = await stat(directory).catch(() => undefined)
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
