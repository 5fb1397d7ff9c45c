import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { StagedImage } from '../../core/release/image.ts'
import { list, removeEmpty } from './files.ts'
import { type Layout, listPlaces, partPath } from './layout.ts'
import { discard } from './part.ts'
import { heldPath } from './proof.ts'

/** A partial download that was not resumed for this long is removed, in ms. */
const staleAfter = 24 * 3_600_000
/** An image that is kept apart waits so long for a person, in ms. */
const heldFor = 30 * 86_400_000

/** Removes surplus images, except the one that was just staged. */
export async function pruneImages({ directory }: Layout, surplus: readonly StagedImage[], justStaged: string) {
  for (const { path } of surplus) {
    const place = dirname(join(directory, path))
    if (place === justStaged) continue
    await rm(place, { recursive: true, force: true })
    await removeEmpty(dirname(place))
  }
}

/** Removes leftovers of crashes and abandoned downloads. */
export async function pruneParts(layout: Layout, now: Date): Promise<void> {
  const { directory, image } = layout
  for (const name of await list(directory)) {
    if (name.startsWith(`.${image}.`) && name.endsWith('.part') && (await isStale(join(directory, name), now)))
      await rm(join(directory, name), { force: true })
  }
  for (const place of await listPlaces(layout)) {
    const part = partPath(layout, place)
    const isForgotten = await isStale(heldPath(part), now, heldFor)
    if (isForgotten) await rm(heldPath(part), { force: true })
    else if (!(await isStale(part, now))) continue
    else await discard(part)
    await removeEmpty(place)
    await removeEmpty(dirname(place))
  }
}

async function isStale(path: string, now: Date, after = staleAfter): Promise<boolean> {
  const info = await stat(path).catch(() => undefined)
  return info !== undefined && now.getTime() - info.mtimeMs > after
}
