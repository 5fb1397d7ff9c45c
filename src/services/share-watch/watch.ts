import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { PublishedName } from '../../core/release/published.ts'
import { judgeShare, type ShareHealth, type ShareLook } from '../../core/release/share-health.ts'

export interface ShareWatchOptions {
  readonly names: () => Promise<readonly PublishedName[]>
  readonly settings: () => WatchedShare
  /** How many names were published in this directory when that was last seen well. */
  readonly used: (directory: string) => number
  /** What the last staging failed for, where that was the share in this directory. */
  readonly waits: (directory: string) => ShareWait | undefined
  /** Why no image can be written that needs so many bytes; undefined where one can. */
  readonly whyNotWritable: (needed: number | undefined) => Promise<string | undefined>
  readonly tell: (health: ShareHealth) => void
  /** Something is to be published again. */
  readonly changed: (file: string) => Promise<void>
  /** It can be staged on again: it was away, or a staging has failed. */
  readonly returned: () => Promise<void>
  readonly signal: AbortSignal
}

export interface WatchedShare {
  readonly directory: string
  /** In ms. */
  readonly checkEvery: number
  readonly changed: 'restore' | 'report'
}

export interface ShareWait {
  /** In bytes: so much must be free, where that is known. */
  readonly needed?: number | undefined
}

/** In ms: what may pass by itself, such as a NAS that starts anew, is told after the second look. */
const again = 15_000

/**
 * Looks at the published files for as long as the agent runs. What was changed by others is told at once; that the share
 * is away where it was so at two looks.
 */
export async function watchShare(options: ShareWatchOptions): Promise<void> {
  const { settings, used, waits, tell, changed, signal } = options
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {})
  let wasAway = false
  let told: ReadonlyMap<string, string> = new Map()
  while (!signal.aborted) {
    const { checkEvery, directory, changed: policy } = settings()
    await pause(wasAway || waits(directory) ? Math.min(again, checkEvery) : checkEvery)
    if (signal.aborted) return
    const health = judgeShare(await look(options), { directory, used: used(directory), changed: policy })
    if (signal.aborted) return
    if (health.away === undefined || wasAway) tell(health)
    if (health.away === undefined) await tellReturn(options, directory, wasAway)
    wasAway = health.away !== undefined
    if (policy === 'restore') {
      for (const [file, { text }] of health.changed) if (told.get(file) !== text) await changed(file)
    }
    // Whoever is to restore it tries again by himself.
    told = new Map([...health.changed].map(([file, { text }]) => [file, text]))
  }
}

async function look({ names }: ShareWatchOptions): Promise<ShareLook> {
  return names().then(
    (found) => ({ names: found }),
    (error: unknown) => ({ fault: messageOf(error) }),
  )
}

async function tellReturn(options: ShareWatchOptions, directory: string, wasAway: boolean): Promise<void> {
  const { waits, whyNotWritable, returned, signal } = options
  const wait = waits(directory)
  if (!wait && !wasAway) return
  const why = await whyNotWritable(wait?.needed).catch(messageOf)
  if (why === undefined && !signal.aborted) await returned()
}
