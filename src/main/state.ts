import { existsSync, readdirSync, statSync } from 'node:fs'
import process from 'node:process'
import { lockState, StateInUse } from '../adapters/journal/lock.ts'
import type { Alerts } from '../core/alert.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { lastGoodIn } from './last-good.ts'

export interface TakenState extends Disposable {
  /** Why the state directory can't be used. What is to be kept there stays in memory. */
  readonly fault: string | undefined
  /** Whether an agent has run here before: then what is damaged must not keep the next one from guarding the power. */
  readonly hasRun: boolean
  /** Whether there must be a journal. */
  readonly hasJournal: boolean
}

/**
 * Takes the state directory. Where an agent has run before, one that is damaged, read-only or closed to us is done
 * without; on a first start it is a mistake in the configuration.
 *
 * @throws AgentError `misconfigured` where another agent has it, or on a first start
 */
export function takeState(directory: string): TakenState {
  const hasJournal = existsSync(lastGoodIn(directory))
  const hasRun = hasJournal || mayHaveRun(directory)
  try {
    const lock = lockState(directory)
    return { fault: undefined, hasRun, hasJournal, [Symbol.dispose]: () => lock[Symbol.dispose]() }
  } catch (error) {
    if (error instanceof StateInUse || !hasRun) throw error
    return { fault: messageOf(error), hasRun, hasJournal, [Symbol.dispose]: () => {} }
  }
}

/** Tells people that nothing can be kept. */
export function reportState({ fault }: TakenState, alerts: Alerts, log: Logger): void {
  if (fault !== undefined)
    log.error({ reason: fault }, 'the state directory can not be used; the power is guarded without')
  alerts.report(
    'state.unusable',
    fault === undefined
      ? undefined
      : {
          severity: 'critical',
          subject: 'state',
          text: `nothing can be kept in the state directory: ${fault}`,
          action: 'Check its disk and its permissions, then restart Caretaker: until then a restart forgets an outage',
        },
  )
}

/** Traces of an agent; a directory that is ours and that we can't look into may have some. */
function mayHaveRun(directory: string): boolean {
  try {
    return readdirSync(directory).some((name) => name.startsWith('journal.db'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    return code === 'EIO' || isOurs(directory)
  }
}

function isOurs(directory: string): boolean {
  try {
    return statSync(directory).uid === process.geteuid?.()
  } catch {
    return false
  }
}
