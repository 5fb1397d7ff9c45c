import process from 'node:process'
import { CommanderError } from 'commander'
import { AgentError, type ErrorCode, messageOf } from '../core/errors.ts'
import { type Fault, faultAnswer, faultsOf, unplaced } from '../core/fault.ts'
import { output } from './output.ts'
import { asksForJson, exit } from './shell.ts'

const exitOf: Readonly<Record<ErrorCode, number>> = {
  unreachable: exit.unreachable,
  'timed-out': exit.unreachable,
  'not-now': exit.waiting,
  misconfigured: exit.usage,
  'not-found': exit.usage,
  unauthenticated: exit.failed,
  forbidden: exit.failed,
  rejected: exit.failed,
  malformed: exit.failed,
  internal: exit.failed,
}

/**
 * What every failure is with `--json`, also wrong usage and a configuration that can't be read: one object on standard
 * output. `code` is an error code, or `usage`; `faults` has at least one entry, and places where they are known.
 */
export function failureAnswer(code: ErrorCode | 'usage', message: string, faults: readonly Fault[]) {
  return { code, message, faults: faults.map(faultAnswer) }
}

/** Every failure ends here, as one message and an exit code; only an internal error shows its stack. */
export function fail(error: unknown): number {
  if (error instanceof CommanderError) return failUsage(error)
  if (!(error instanceof AgentError)) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error)
    if (asksForJson()) tell('internal', messageOf(error), [])
    output.failure(error, `caretaker: internal error; please report it with these lines: ${stack}`)
    return exit.failed
  }
  if (asksForJson()) tell(error.code, error.message, faultsOf(error))
  else output.failure(error, `caretaker: ${error.message}`)
  return exitOf[error.code]
}

/** Commander has said it already, unless JSON is asked for. */
function failUsage(error: CommanderError): number {
  if (error.exitCode === 0) return exit.ok
  if (asksForJson()) tell('usage', error.message.replace(/^error: /, '').replaceAll('\n', ' '), [])
  return exit.usage
}

function tell(code: ErrorCode | 'usage', message: string, faults: readonly Fault[]): void {
  output.json(failureAnswer(code, message, faults.length > 0 ? faults : [unplaced(message)]))
}

/** `| head` closes the pipe early, which is no error. */
export function endWithPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? exit.ok)
    throw error
  })
}
