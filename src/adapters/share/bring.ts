import { chmod, rename, rm } from 'node:fs/promises'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import type { Factory } from '../../core/release/ports.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { type Manifest, syncDirectory, writeWhole } from './files.ts'
import { imagePath, type Layout, makePlace, manifestPath, partPath, placeOf } from './layout.ts'
import { discard, download } from './part.ts'
import { refuseUkiFile } from './uki-file.ts'

/** The source of an image, and the facts for its manifest. */
export interface Origin {
  readonly factory: Pick<Factory, 'warm' | 'open'>
  readonly architecture: string
  readonly now: () => Date
  /** What an id of the order stands for, where that is known. */
  readonly schematicOf: (id: string) => Schematic | undefined
}

/**
 * Downloads an image into its place. It is complete, checked and on the disk when its manifest is there.
 *
 * @throws AgentError `malformed` for what is not the image that was ordered
 */
export async function bring(
  layout: Layout,
  order: ImageOrder,
  { factory, architecture, now, schematicOf }: Origin,
  signal: AbortSignal,
): Promise<void> {
  const place = placeOf(layout, order)
  await makePlace(layout, place)
  const part = partPath(layout, place)
  const { bytes, sha256 } = await download(part, order, factory, signal)
  await check(part, order, schematicOf(order.schematic))
  const { version, schematic } = order
  const manifest: Manifest = { version, schematic, architecture, sha256, bytes, stagedAt: now().toISOString() }
  // Containers often have a umask of 0077, and a TFTP server serves only world-readable files.
  await chmod(part, 0o644)
  await rename(part, imagePath(layout, place))
  await rm(`${part}.etag`, { force: true })
  await writeWhole(manifestPath(place), JSON.stringify(manifest, null, 2))
  await syncDirectory(place)
}

async function check(part: string, order: ImageOrder, schematic: Schematic | undefined): Promise<void> {
  const refusal = await refuseUkiFile(part, order, schematic).catch((error: unknown) =>
    error instanceof AgentError && error.code === 'malformed'
      ? error.message.replace(`${part}: `, '')
      : Promise.reject(error),
  )
  if (refusal === undefined) return
  await discard(part)
  throw new AgentError('malformed', `the image that the Factory sent for ${order.version} was rejected: ${refusal}`)
}
