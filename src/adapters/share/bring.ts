import { lstat, rename, rm } from 'node:fs/promises'
import { AgentError } from '../../core/errors.ts'
import { assetsOf, type ImageOrder, type StagedFile } from '../../core/release/image.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { syncDirectory, writeWhole } from './files.ts'
import { filePath, type Layout, makePlace, manifestPath, partPath, placeOf } from './layout.ts'
import type { Manifest } from './manifest.ts'
import { makeReadable } from './own-file.ts'
import { discard } from './part.ts'
import { downloadProven, type Proving } from './proof.ts'
import { digestOf, whyNotSigned } from './signed.ts'
import { whyTaken } from './trouble.ts'

/** The source of an image, and the facts for its manifest. */
export interface Origin extends Proving {
  /** PEM: what signs the images; none where signatures are not verified. */
  readonly signedBy: () => Promise<readonly string[]>
  /** What an id of the order stands for, where that is known. */
  readonly schematicOf: (id: string) => Schematic | undefined
  /** Ends with an error where nobody waits any more for what is done here. */
  readonly stillWanted: () => Promise<void>
}

/**
 * Downloads an image into its place. It is complete, checked and on the disk when its manifest is there.
 *
 * @throws AgentError `malformed` for what is not the image that was ordered
 */
export async function bring(layout: Layout, order: ImageOrder, origin: Origin, signal: AbortSignal): Promise<void> {
  const place = placeOf(layout, order)
  await makePlace(layout, place)
  // It is needed when all has come: loaded meanwhile, with the package that reads YAML, which whoever only looks does without.
  const checks = import('./image-file.ts')
  const assets = assetsOf(order)
  const files: StagedFile[] = []
  for (const name of assets) {
    const asset = { ...order, asset: name }
    const { bytes, sha256 } = await downloadProven(partPath(place, name), asset, origin, signal)
    files.push({ name, bytes, sha256 })
  }
  const parts = assets.map((name) => partPath(place, name))
  const { refuseFiles } = await checks
  const refuse = (paths: readonly string[]) => refuseFiles(paths, order, origin.schematicOf(order.schematic))
  await check(parts, order, (paths) => named(refuse(paths), parts))
  const pinned = await origin.signedBy()
  await checkSignature(parts[0]!, order, pinned)
  await origin.stillWanted()
  for (const [index, name] of assets.entries()) {
    const part = parts[index]!
    await named(settle(part, filePath(place, name)), [part])
  }
  const { version, schematic, architecture, secureBoot, kind } = order
  const manifest: Manifest = {
    version,
    schematic,
    architecture,
    secureBoot,
    kind,
    sha256: files[0]!.sha256,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    stagedAt: origin.now().toISOString(),
    files,
    ...(pinned.length === 0 ? {} : { signers: digestOf(pinned, kind) }),
  }
  await writeWhole(manifestPath(place), JSON.stringify(manifest, null, 2))
  await syncDirectory(place)
}

/** Gives a download the name that the image has in its place. */
async function settle(part: string, path: string): Promise<void> {
  // Containers often have a umask of 0077, and a TFTP server serves only world-readable files.
  await makeReadable(part)
  await rename(part, path)
  await rm(`${part}.etag`, { force: true })
}

/** What fails because somebody has taken a download away is named so. */
async function named<T>(work: Promise<T>, parts: readonly string[]): Promise<T> {
  return work.catch(async (error: unknown) => {
    for (const part of parts) await lstat(part).catch(async () => Promise.reject(await whyTaken(part)))
    throw error
  })
}

/** @throws AgentError `malformed` for an image that is signed by none of these */
async function checkSignature(part: string, order: ImageOrder, pinned: readonly string[]): Promise<void> {
  const refusal = await whyNotSigned(part, { ...order, pinned })
  if (refusal === undefined) return
  await discard(part)
  throw new AgentError('malformed', `the image that the Factory sent for ${order.version} was rejected: ${refusal}`)
}

async function check(
  parts: readonly string[],
  order: ImageOrder,
  refuse: (parts: readonly string[]) => Promise<string | undefined>,
): Promise<void> {
  const refusal = await refuse(parts).catch((error: unknown) =>
    error instanceof AgentError && error.code === 'malformed'
      ? parts.reduce((text, part) => text.replace(`${part}: `, ''), error.message)
      : Promise.reject(error),
  )
  if (refusal === undefined) return
  for (const part of parts) await discard(part)
  throw new AgentError('malformed', `the image that the Factory sent for ${order.version} was rejected: ${refusal}`)
}
