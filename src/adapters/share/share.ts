import { join } from 'node:path'
import { AgentError } from '../../core/errors.ts'
import {
  describeVariant,
  type ImageOrder,
  type ImageRef,
  isSameImage,
  type StagedImage,
  type StagedRef,
} from '../../core/release/image.ts'
import type { Factory, Share } from '../../core/release/ports.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { bring } from './bring.ts'
import { sha256Of } from './files.ts'
import { checkDirectory, type Layout, publishedPath } from './layout.ts'
import { readNames } from './names.ts'
import { translateError } from './trouble.ts'
import { type BytesMemory, noMemory } from './proof.ts'
import { pruneImages, pruneParts } from './prune.ts'
import { publish } from './publish.ts'
import { whyPlaceNotSigned } from './signed.ts'
import { findImages, findStaged, observe } from './staged.ts'
import { sectionsOf } from './uki-file.ts'
import { verifyImage } from './verify.ts'
import { whyNotWritable } from './writable.ts'

export interface ShareOptions extends Layout {
  /** How long an observation of the directory may take, in ms. */
  readonly answerWithin?: number
  /** The same where files may be read whole. */
  readonly readWithin?: number
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
  /** Ends with an error where nobody waits any more for what is done here: asked before each change that counts. */
  readonly stillWanted?: () => Promise<void>
}

/**
 * A directory that a TFTP server serves. Every image has a place of its own, and is complete, checked and on the disk
 * before anything points to it. A name that machines boot is swapped by a rename; nothing is ever written in place.
 */
export function createShare({
  directory,
  answerWithin = 10_000,
  readWithin = 300_000,
  now = () => new Date(),
  schematicOf = () => undefined,
  signedBy = async () => [],
  memory = noMemory,
  stillWanted = async () => {},
}: ShareOptions): Share {
  const layout: Layout = { directory }
  const staged = observe(layout, () => findStaged(layout), answerWithin)
  const names = observe(layout, () => readNames(layout), readWithin)

  async function stage(
    order: ImageOrder,
    factory: Pick<Factory, 'warm' | 'open'>,
    signal: AbortSignal,
  ): Promise<StagedImage> {
    // First, because it has a time limit.
    const there = (await staged.fresh()).find((image) => isSameImage(image, order))
    if (there && (await isSigned(order))) return there
    await checkDirectory(layout)
    await bring(layout, order, { factory, now, schematicOf, signedBy, memory, stillWanted }, signal)
    return demand(order)
  }

  /** As certificates demand that may have been pinned after it was staged. */
  async function isSigned(order: ImageOrder): Promise<boolean> {
    const pinned = await signedBy()
    if (pinned.length === 0) return true
    const found = await find(order)
    return found !== undefined && (await whyPlaceNotSigned(found, pinned)) === undefined
  }

  const find = async (image: StagedRef) =>
    (await findImages(layout)).find(({ manifest }) => isSameImage(manifest, image))

  async function verify(image: StagedRef, signal: AbortSignal) {
    const found = await find(image)
    if (!found) throw notStaged(image)
    return verifyImage(layout, found, { pinned: await signedBy(), signal })
  }

  async function publishAs(file: string, image: ImageRef, signal: AbortSignal): Promise<void> {
    const there = (await staged.fresh()).find((one) => isSameImage(one, image))
    if (there?.publishedAs.includes(file) && !(await names.fresh()).some((name) => name.file === file && name.fault))
      return
    signal.throwIfAborted()
    const found = await find(image)
    if (!found) throw notStaged(image)
    await publish(layout, file, found, { now: now(), pinned: await signedBy(), stillWanted })
    const result = await demand(image)
    if (!result.publishedAs.includes(file)) throw elsewhere(publishedPath(layout, file))
  }

  async function demand(image: ImageRef): Promise<StagedImage> {
    const result = (await staged.fresh()).find((one) => isSameImage(one, image))
    if (result) return result
    const what = `${image.version} is gone from the share right after it was staged`
    throw new AgentError('unreachable', `${what}: does something else write there?`)
  }

  const translated = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw error instanceof AgentError ? error : translateError(directory, error)
    })

  return {
    verify: (image, signal) => translated(verify(image, signal)),
    digest: (path, most, signal) => translated(sha256Of(join(directory, path), most, signal)),
    sections: (path) => translated(sectionsOf(join(directory, path))),
    whyNotWritable: (needed) => whyNotWritable(layout, needed),
    staged: () => translated(staged.present()),
    names: () => translated(names.fresh()),
    stage: (order, factory, signal) => translated(stage(order, factory, signal)),
    publish: (file, image, signal) => translated(publishAs(file, image, signal)),
    prune: (surplus, signal) =>
      translated(
        (async () => {
          await staged.fresh()
          signal.throwIfAborted()
          await stillWanted()
          await pruneImages(layout, surplus)
          await pruneParts(layout, now())
        })(),
      ),
  }
}

function notStaged(image: StagedRef): AgentError {
  return new AgentError('not-found', `${image.version} for ${describeVariant(image)} is not staged on the share`)
}

function elsewhere(what: string): AgentError {
  return new AgentError(
    'unreachable',
    `${what} is not the image that was just published: does something else write to the share?`,
  )
}
