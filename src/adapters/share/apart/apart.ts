import type { ShareProbe } from '../../../core/doctor/ports.ts'
import { AgentError } from '../../../core/errors.ts'
import { isSameImage, type StagedRef } from '../../../core/release/image.ts'
import type { Share } from '../../../core/release/ports.ts'
import type { Schematic } from '../../../core/release/schematic.ts'
import { createShareProcess, type ShareChild, type ShareProcess } from './process.ts'
import { type BytesMemory, noMemory } from '../proof.ts'
import type { CallName, Calls } from './wire.ts'

export interface ApartOptions {
  /** For messages. */
  readonly directory: string
  readonly start: () => ShareChild
  readonly schematicOf: (id: string) => Schematic | undefined
  /** Certificates that signed images must be signed by, PEM. */
  readonly signedBy?: () => Promise<readonly string[]>
  /** What URLs answered before. */
  readonly memory?: BytesMemory
  /** How long a look may take, in ms. */
  readonly answerWithin?: number
  /** How long the share may do nothing while files are read or written whole, in ms: a slow NAS syncs 100 MB in half a minute. */
  readonly workWithin?: number
  /** How long a process without work is kept, in ms. */
  readonly keptFor?: number
  /** In ms: after one was given up, the next is tried no sooner. */
  readonly triedAgainAfter?: number
}

/** The share, and what only the doctor asks of it. */
export interface ApartShare extends Share, Pick<ShareProbe, 'write'> {
  /** In bytes. */
  freeSpace(): Promise<number>
  [Symbol.dispose](): void
}

/** So many processes that hang may be left behind. They end when the share answers again. */
const mostLost = 3
/** In ms: one that was killed and is still there hangs. */
const lingersAfter = 1_000

/**
 * The share, worked on in processes of its own. A mount whose server is gone blocks every call to it, for hours if need be,
 * in one of the few threads that also resolve names; a process that hangs is given up, and costs nothing but itself.
 * Each download has one, and looks share another, which ends when nobody has looked for a while.
 */
export function createApartShare(options: ApartOptions): ApartShare {
  const {
    directory,
    start,
    schematicOf,
    signedBy = async () => [],
    memory = noMemory,
    answerWithin = 10_000,
    workWithin = 180_000,
    keptFor = 15_000,
    triedAgainAfter = 10_000,
  } = options
  let desk: ShareProcess | undefined
  let resting: NodeJS.Timeout | undefined
  let lost = 0
  let lostAt = -Infinity
  const all = new Set<ShareProcess>()
  /** Looks that are under way, each for all who ask. */
  const looks = new Map<CallName, Promise<unknown>>()

  const silent = () => new AgentError('unreachable', `the share ${directory} does not answer: is its server up?`)

  function open(): ShareProcess {
    if (lost >= mostLost || performance.now() - lostAt < triedAgainAfter) throw silent()
    const child = start()
    let isLost = false
    const leave = () => {
      all.delete(process)
      if (desk === process) desk = undefined
    }
    const process = createShareProcess({
      ...child,
      kill: () => {
        if (!all.has(process)) return
        leave()
        child.kill()
        const lingers = setTimeout(() => {
          isLost = true
          lost += 1
        }, lingersAfter).unref()
        child.onExit(() => clearTimeout(lingers))
      },
    })
    all.add(process)
    child.onExit(() => {
      leave()
      if (isLost) lost -= 1
    })
    return process
  }

  const giveUp = () => {
    lostAt = performance.now()
    return silent()
  }

  function rest(): void {
    clearTimeout(resting)
    resting = setTimeout(() => {
      if (desk?.isIdle) desk.end()
    }, keptFor).unref()
  }

  async function ask<Name extends CallName>(
    name: Name,
    given: Calls[Name]['given'],
    { within, signal }: { readonly within: number; readonly signal?: AbortSignal },
  ): Promise<Calls[Name]['answer']> {
    desk ??= open()
    try {
      return await desk.call(name, given, { within, signal, given: giveUp })
    } finally {
      rest()
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
      const own = open()
      try {
        const given = { order, schematic: schematicOf(order.schematic), signedBy: pinned }
        return await own.call('stage', given, { within: workWithin, signal, factory, memory, given: giveUp })
      } finally {
        own.end()
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
    freeSpace: () => ask('space', undefined, { within: answerWithin }),
    [Symbol.dispose]: () => {
      clearTimeout(resting)
      for (const process of all) process.end()
    },
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
