import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSameImage } from '../../core/release/image.ts'
import type { Surplus } from '../../core/release/published.ts'
import { list, removeEmpty } from './files.ts'
import { type Layout, listPlaces, publishedPath, recordPath } from './layout.ts'
import { findImages, findNames } from './staged.ts'

/** A partial download that was not resumed for this long is removed, in ms. */
const staleAfter = 24 * 3_600_000
/** An image that is kept apart waits so long for a person, in ms. */
const heldFor = 30 * 86_400_000

/** Removes names, then the images that no other name has. */
export async function pruneImages(layout: Layout, { images, names }: Surplus): Promise<void> {
  for (const file of names) {
    await rm(publishedPath(layout, file), { force: true })
    await rm(recordPath(layout, file), { force: true })
  }
  // Whatever was decided: what machines boot is never taken away.
  const served = await findNames(layout)
  for (const { place, manifest } of await findImages(layout)) {
    if (!images.some((image) => isSameImage(image, manifest))) continue
    if (served.some(({ record }) => isSameImage(record, manifest))) continue
    await rm(place, { recursive: true, force: true })
    await removeEmpty(dirname(place))
  }
}

/** Removes leftovers of crashes and abandoned downloads. */
export async function pruneParts(layout: Layout, now: Date): Promise<void> {
  const { directory } = layout
  for (const name of await list(directory)) {
    if (isPart(name) && (await isStale(join(directory, name), now))) await rm(join(directory, name), { force: true })
  }
  for (const place of await listPlaces(layout)) {
    const parts = (await list(place)).filter((name) => isPart(name) || isHeld(name))
    if (parts.length === 0) continue
    for (const part of parts) {
      const path = join(place, part)
      if (!(await isStale(path, now, isHeld(part) ? heldFor : staleAfter))) continue
      await rm(`${path}.etag`, { force: true })
      await rm(path, { force: true })
    }
    await removeEmpty(place)
    await removeEmpty(dirname(place))
  }
}

/** `.metal-amd64-uki.efi.part`, `.metal-amd64-uki.efi.0123abcd.part`: only we call files so. */
function isPart(name: string): boolean {
  return /^\..+\.part$/.test(name)
}

/** What is kept apart (proof.ts). */
function isHeld(name: string): boolean {
  return /^\..+\.part\.held$/.test(name)
}

async function isStale(path: string, now: Date, after = staleAfter): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  return info !== undefined && now.getTime() - info.mtimeMs > after
}
