import { join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import type { ImageOrder, StagedImage } from '../../core/release/image.ts'
import type { Factory, Share } from '../../core/release/ports.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { bring } from './bring.ts'
import { sha256Of } from './files.ts'
import { checkDirectory, type Layout, placeOf, publishedPath } from './layout.ts'
import { translateError } from './part.ts'
import { type BytesMemory, noMemory } from './proof.ts'
import { pruneImages, pruneParts } from './prune.ts'
import { publish } from './publish.ts'
import { observeStaged } from './staged.ts'

export interface ShareOptions extends Layout {
  readonly architecture: string
  /** How many staged images are kept, the published one among them. */
  readonly keep: number
  /** How long an observation of the directory may take, in ms. */
  readonly answerWithin?: number
  readonly now?: () => Date
  /**
   * What the id of a schematic stands for, so that what an image carries is compared by its contents. Where it is not
   * known, ids are compared, which the Factory's builder may compute otherwise.
   */
  readonly schematicOf?: (id: string) => Schematic | undefined
  /** Certificates that signed images must be signed by, PEM; without any, signatures are not verified. */
  readonly signedBy?: () => Promise<readonly string[]>
  /** What URLs answered before. */
  readonly memory?: BytesMemory
}

/**
 * A directory that a TFTP server serves. Every image has a place of its own, and is complete, checked and on the disk
 * before anything points to it. The name that machines boot is swapped by a rename; nothing is ever written in place.
 */
export function createShare({
  directory,
  image,
  architecture,
  keep,
  answerWithin = 10_000,
  now = () => new Date(),
  schematicOf = () => undefined,
  signedBy = async () => [],
  memory = noMemory,
}: ShareOptions): Share {
  const layout: Layout = { directory, image }
  const staged = observeStaged(layout, answerWithin)

  async function stage(
    order: ImageOrder,
    { publish: wanted }: { readonly publish: boolean },
    factory: Pick<Factory, 'warm' | 'open'>,
    signal: AbortSignal,
  ): Promise<StagedImage> {
    // First, because it has a time limit.
    const there = (await staged.fresh()).find(isFor(order))
    await checkDirectory(layout)
    const place = placeOf(layout, order)
    if (!there) await bring(layout, order, { factory, architecture, now, schematicOf, signedBy, memory }, signal)
    if (wanted && !there?.published) await publish(layout, place)
    await pruneImages(layout, (await staged.fresh()).slice(keep), place)
    await pruneParts(layout, now())
    const result = (await staged.fresh()).find(isFor(order))
    if (result && (result.published || !wanted)) return result
    throw new AgentError(
      'unreachable',
      `${publishedPath(layout)} is not the image that was just published: does something else write to the share?`,
    )
  }

  return {
    digest: (path, most, signal) =>
      sha256Of(join(directory, path), most, signal).catch((error: unknown) => {
        throw translateError(join(directory, path), error)
      }),
    staged: staged.present,
    stage: (order, options, factory, signal) =>
      stage(order, options, factory, signal).catch((error: unknown) => {
        throw error instanceof AgentError ? error : translateError(directory, error)
      }),
  }
}

const isFor = (order: ImageOrder) => (image: StagedImage) =>
  image.version === order.version && image.schematic === order.schematic
