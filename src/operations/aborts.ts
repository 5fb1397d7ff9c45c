import type { Journal } from '../core/journal.ts'
import type { Abort } from '../core/upgrade/abort.ts'
import { type Origin, remembered } from './facts.ts'

/** So many aborted releases are remembered: far more than are ever to come. */
const keptAborts = 50

/** Aborts the rollout of a release; those that were aborted before stay so. */
export function abortRelease(journal: Journal, release: string, origin: Origin): void {
  const others = abortsIn(journal).filter((one) => one.release !== release)
  const kept = [...others, { release, ...origin }].slice(-keptAborts)
  remembered.aborted.remember(
    journal,
    kept.map((one) => one.release),
  )
  remembered.abortedBy.remember(
    journal,
    Object.fromEntries(
      kept.flatMap(({ release: version, by, at }) =>
        by === undefined || at === undefined ? [] : [[version, { by, at }]],
      ),
    ),
  )
}

/** Takes back every abort. */
export function withdrawAborts(journal: Journal): void {
  remembered.aborted.remember(journal, undefined)
  remembered.abortedBy.remember(journal, undefined)
}

/** All that are aborted, oldest first. */
export function abortsIn(journal: Journal): readonly Abort[] {
  const origins = remembered.abortedBy.recall(journal) ?? {}
  return (remembered.aborted.recall(journal) ?? []).map((release) => ({ release, ...origins[release] }))
}

/** The abort of this release. */
export function abortOf(journal: Journal, version: string | undefined): Abort | undefined {
  return abortsIn(journal).find(({ release }) => release === version)
}

export function isAborted(journal: Journal, version: string | undefined): boolean {
  return abortOf(journal, version) !== undefined
}
