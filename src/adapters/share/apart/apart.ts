import type { ShareProbe } from '../../../core/doctor/ports.ts'
import { isSameImage, type StagedRef } from '../../../core/release/image.ts'
import type { Share } from '../../../core/release/ports.ts'
import type { Schematic } from '../../../core/release/schematic.ts'
import { createPool, type PoolOptions } from './pool.ts'
import { type BytesMemory, noMemory } from '../proof.ts'
import type { CallName, Calls } from './wire.ts'

export interface ApartOptions extends PoolOptions {
  readonly schematicOf: (id: string) => Schematic | undefined
  /** Certificates that signed images must be signed by, PEM. */
  readonly signedBy?: () => Promise<readonly string[]>
  /** What URLs answered before. */
  readonly memory?: BytesMemory
  /** How long a look may take, in ms. */
  readonly answerWithin?: number
  /** How long the share may do nothing while files are read or written whole, in ms: a slow NAS syncs 100 MB in half a minute. */
  readonly workWithin?: number
}

/** The share, and what only the doctor asks of it. */
export interface ApartShare extends Share, Pick<ShareProbe, 'write'> {
  /** In bytes; undefined where its file system does not tell. */
  freeSpace(): Promise<number | undefined>
  [Symbol.dispose](): void
}

/**
 * The share, worked on in processes of its own. A mount whose server is gone blocks every call to it, for hours if need be,
 * in one of the few threads that also resolve names; a process that hangs is given up, and costs nothing but itself.
 * Each download has one for itself, and looks share another, which ends when nobody has looked for a while. The one for looks
 * is taken for a download where nothing else is asked of it, as it has started already, and is that again afterwards.
 */
export function createApartShare(options: ApartOptions): ApartShare {
  const {
    schematicOf,
    signedBy = async () => [],
    memory = noMemory,
    answerWithin = 10_000,
    workWithin = 180_000,
  } = options
  const pool = createPool(options)
  /** Looks that are under way, each for all who ask. */
  const looks = new Map<CallName, Promise<unknown>>()

  async function ask<Name extends CallName>(
    name: Name,
    given: Calls[Name]['given'],
    { within, signal }: { readonly within: number; readonly signal?: AbortSignal },
  ): Promise<Calls[Name]['answer']> {
    try {
      return await pool.desk().call(name, given, { within, signal, given: pool.giveUp })
    } finally {
      pool.rest()
    }
  }

  const look = <Name extends 'staged' | 'names'>(name: Name, within: number) =>
    (looks.get(name) ?? begin(name, within)) as Promise<Calls[Name]['answer']>

  function begin(name: 'staged' | 'names', within: number): Promise<unknown> {
    const begun = ask(name, undefined, { within })
    const over = () => void looks.delete(name)
    begun.then(over, over)
    looks.set(name, begun)
    return begun
  }

  return {
    digest: (path, most, signal) => ask('digest', { path, most }, { within: workWithin, signal }),
    sections: (path, signal) => ask('sections', { path }, { within: answerWithin, signal }),
    staged: () => look('staged', answerWithin),
    names: () => look('names', workWithin),
    stage: async (order, factory, signal) => {
      const there = (await look('staged', answerWithin)).find((image) => isSameImage(image, order))
      const pinned = await signedBy()
      if (there && pinned.length === 0) return there
      const own = pool.takeOwn()
      try {
        const given = { order, schematic: schematicOf(order.schematic), signedBy: pinned }
        const image = await own.call('stage', given, {
          within: workWithin,
          signal,
          factory,
          memory,
          given: pool.giveUp,
        })
        pool.giveBack(own)
        return image
      } catch (error) {
        own.end()
        throw error
      }
    },
    verify: async (image, signal) =>
      ask('verify', { image: refOf(image), signedBy: await signedBy() }, { within: 3 * workWithin, signal }),
    publish: async (file, image, signal) =>
      ask('publish', { file, image: refOf(image), signedBy: await signedBy() }, { within: workWithin, signal }),
    prune: (surplus, signal) => ask('prune', surplus, { within: workWithin, signal }),
    write: async (bytes, signal) => {
      const { file } = await ask('probe', bytes, { within: answerWithin, signal })
      return { file, remove: () => ask('unprobe', file, { within: answerWithin }) }
    },
    whyNotWritable: (needed) => ask('writable', needed, { within: answerWithin }),
    freeSpace: () => ask('space', undefined, { within: answerWithin }),
    [Symbol.dispose]: () => pool[Symbol.dispose](),
  }
}

/** Nothing else goes to the other process. */
function refOf<T extends StagedRef>({
  version,
  schematic,
  architecture,
  secureBoot,
  kind,
}: T): Pick<T, keyof StagedRef> {
  return { version, schematic, architecture, secureBoot, kind }
}
