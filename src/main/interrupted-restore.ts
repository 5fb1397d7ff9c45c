import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StateInUse, lockState } from '../adapters/journal/lock.ts'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Journal } from '../core/journal.ts'
import type { Logger } from '../core/log.ts'
import { listOf, text } from '../core/shape.ts'
import { finishSwap, forgetSwap, recordBeside } from './swap-files.ts'

/** In the state directory: what a restore has read, until it is in its place. */
export const stagingFolder = '.restoring'
/** In that folder: what takes the place of what, once all of it is ready. */
export const recordName = 'replacements.json'

/** In that folder: the paths of what is laid ready beside its place. */
export const laidName = 'laid.json'

/** What became of a change of files that a crash or a kill had cut off. */
export interface Finished {
  /** A sentence. */
  readonly told: string
  /** Files were replaced now. */
  readonly isChanged: boolean
  /** It could not be finished: a person has to. */
  readonly isFault: boolean
}

/** Finishes a restore that was cut off, or clears it away where it had not replaced anything. @throws AgentError */
export async function finishRestore(state: string): Promise<Finished | undefined> {
  const staging = join(state, stagingFolder)
  if (!existsSync(staging)) return undefined
  const swap = await finishSwap(join(staging, recordName))
  await clearAway(staging)
  if (swap === undefined) return told('a restore was interrupted before it replaced anything: all is as it was')
  return swap.wasDone ? told(`${swap.what} was complete when it was interrupted`) : changed(swap.what)
}

const told = (text: string): Finished => ({ told: text, isChanged: false, isFault: false })
const changed = (what: string): Finished => ({
  told: `${what} was interrupted, and is finished now`,
  isChanged: true,
  isFault: false,
})

/** Removes what a restore has read and laid ready. */
export async function clearAway(staging: string): Promise<void> {
  const written = await readFile(join(staging, laidName), 'utf8').catch(() => '[]')
  const laid = listOf(text)(JSON.parse(written), laidName)
  await Promise.all(laid.filter((path) => path.endsWith('.restoring')).map((path) => rm(path, { force: true })))
  await rm(staging, { recursive: true, force: true })
}

/**
 * What a daemon does at its start, before it uses anything: finishes what `restore` and `init` have begun with these files. Never
 * rejects, because the power is to be guarded.
 */
export async function finishInterrupted(settings: {
  readonly file: string
  readonly state: string
}): Promise<readonly Finished[]> {
  if (!existsSync(join(settings.state, stagingFolder)) && !existsSync(recordBeside(settings.file))) return []
  try {
    // Whoever restores at this moment has it.
    using _ = lockState(settings.state)
    const restored = await attempt(() => finishRestore(settings.state), 'restore the backup again')
    const written = await attempt(() => finishInit(settings.file), 'run `caretaker init` again')
    return [restored, written].filter((one) => one !== undefined)
  } catch (error) {
    if (error instanceof StateInUse) return []
    return [
      {
        told: `a restore was interrupted, and can't be finished: ${messageOf(error)}`,
        isChanged: false,
        isFault: true,
      },
    ]
  }
}

/** Says it where people look for what happened. */
export function tellFinished(
  finished: readonly Finished[] = [],
  { journal, alerts, log }: { readonly journal: Journal; readonly alerts: Alerts; readonly log: Logger },
): void {
  for (const { told, isFault } of finished) {
    log[isFault ? 'error' : 'warn']({ told }, 'files were being replaced when their process ended')
    journal.write({ kind: 'event', subject: 'state', text: told })
  }
  const fault = finished.find(({ isFault }) => isFault)
  alerts.report('state.unfinished', fault && { severity: 'critical', subject: 'state', text: fault.told })
}

/** Finishes the files that `init` was writing when it was cut off. @throws AgentError */
export async function finishInit(file: string): Promise<Finished | undefined> {
  const swap = await finishSwap(recordBeside(file))
  await forgetSwap(recordBeside(file))
  return swap && !swap.wasDone ? changed(swap.what) : undefined
}

async function attempt(finish: () => Promise<Finished | undefined>, cure: string): Promise<Finished | undefined> {
  try {
    return await finish()
  } catch (error) {
    return {
      told: `what was interrupted can't be finished: ${messageOf(error)}. As its user, ${cure}`,
      isChanged: false,
      isFault: true,
    }
  }
}
