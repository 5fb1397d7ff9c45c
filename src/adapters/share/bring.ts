import { chmod, rename, rm } from 'node:fs/promises'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { type Manifest, syncDirectory, writeWhole } from './files.ts'
import { imagePath, type Layout, makePlace, manifestPath, partPath, placeOf } from './layout.ts'
import { discard } from './part.ts'
import { downloadProven, type Proving } from './proof.ts'
import { refuseSignature, refuseUkiFile } from './uki-file.ts'

/** The source of an image, and the facts for its manifest. */
export interface Origin extends Proving {
  readonly architecture: string
  /** PEM: what signs the images; none where signatures are not verified. */
  readonly signedBy: () => Promise<readonly string[]>
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
  { architecture, schematicOf, signedBy, ...proving }: Origin,
  signal: AbortSignal,
): Promise<void> {
  const place = placeOf(layout, order)
  await makePlace(layout, place)
  const part = partPath(layout, place)
  const { bytes, sha256 } = await downloadProven(part, order, proving, signal)
  await check(part, order, schematicOf(order.schematic))
  await checkSignature(part, order, await signedBy())
  const { version, schematic } = order
  const manifest: Manifest = { version, schematic, architecture, sha256, bytes, stagedAt: proving.now().toISOString() }
  // Containers often have a umask of 0077, and a TFTP server serves only world-readable files.
  await chmod(part, 0o644)
  await rename(part, imagePath(layout, place))
  await rm(`${part}.etag`, { force: true })
  await writeWhole(manifestPath(place), JSON.stringify(manifest, null, 2))
  await syncDirectory(place)
}

/** @throws AgentError `malformed` for an image that is signed by none of these */
async function checkSignature(part: string, order: ImageOrder, pinned: readonly string[]): Promise<void> {
  if (pinned.length === 0) return
  const refusal = await refuseSignature(part, { pinned, mustBeSigned: false })
  if (refusal === undefined) return
  await discard(part)
  throw new AgentError('malformed', `the image that the Factory sent for ${order.version} was rejected: ${refusal}`)
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
