import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { PublishedName } from '../../core/release/published.ts'
import { judgeShare, type ShareHealth, type ShareLook } from '../../core/release/share-health.ts'

export interface ShareWatchOptions {
  readonly names: () => Promise<readonly PublishedName[]>
  readonly settings: () => WatchedShare
  /** How many names were published in this directory when that was last seen well. */
  readonly used: (directory: string) => number
  readonly tell: (health: ShareHealth) => void
  /** Something is to be published again. */
  readonly changed: (file: string) => Promise<void>
  readonly signal: AbortSignal
}

export interface WatchedShare {
  readonly directory: string
  /** In ms. */
  readonly checkEvery: number
  readonly changed: 'restore' | 'report'
}

/** In ms: what may pass by itself, such as a NAS that starts anew, is told after the second look. */
const again = 15_000

/**
 * Looks at the published files for as long as the agent runs. What was changed by others is told at once; that the share
 * is away where it was so at two looks.
 */
export async function watchShare({ names, settings, used, tell, changed, signal }: ShareWatchOptions): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {})
  let wasAway = false
  let told: ReadonlyMap<string, string> = new Map()
  while (!signal.aborted) {
    const { checkEvery, directory, changed: policy } = settings()
    await pause(wasAway ? Math.min(again, checkEvery) : checkEvery)
    if (signal.aborted) return
    const look: ShareLook = await names().then(
      (found) => ({ names: found }),
      (error: unknown) => ({ fault: messageOf(error) }),
    )
    if (signal.aborted) return
    const health = judgeShare(look, { directory, used: used(directory), changed: policy })
    if (health.away === undefined || wasAway) tell(health)
    wasAway = health.away !== undefined
    if (policy === 'restore') {
      for (const [file, { text }] of health.changed) if (told.get(file) !== text) await changed(file)
    }
    // Whoever is to restore it tries again by himself.
    told = new Map([...health.changed].map(([file, { text }]) => [file, text]))
  }
}
