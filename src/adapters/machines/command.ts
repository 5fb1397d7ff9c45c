import { AgentError, messageOf } from '../../core/errors.ts'
import { withoutSecrets } from '../../core/hidden.ts'
import { runChild } from './child.ts'
import { calledOff, type Means } from './options.ts'
import { lastLines } from './quoting.ts'

export interface CommandCall {
  readonly kind: 'command'
  /** A program and its arguments, without a shell. Every user of the machine can see them. */
  readonly command: readonly [string, ...string[]]
  /** The place for secrets. Besides it there are only PATH and LC_ALL=C. */
  readonly environment?: Readonly<Record<string, string>> | undefined
}

/**
 * Runs it and waits for its end.
 *
 * @throws AgentError `rejected` with its last lines where it ends with anything but 0
 */
export async function runCommand(
  doing: string,
  { command: [program, ...args], environment = {} }: CommandCall,
  { searchPath, limits }: Means,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw calledOff(doing, signal)
  const own = AbortSignal.timeout(limits.command)
  const end = await runChild({
    program,
    args,
    environment: { PATH: searchPath, LC_ALL: 'C', ...environment },
    signal: AbortSignal.any([signal, own]),
  }).catch((error: unknown) => {
    throw explainStart(doing, program, error)
  })
  if (signal.aborted) throw calledOff(doing, signal)
  if (own.aborted)
    throw new AgentError(
      'timed-out',
      `${doing}: ${program} did not finish within ${limits.command / 1_000} s and was killed`,
    )
  if (end.code === 0) return
  const how = end.code === null ? `was killed by ${end.killedBy}` : `exited with code ${end.code}`
  const output = end.stderr.trim() === '' ? end.stdout : end.stderr
  const said = lastLines(withoutSecrets(output, Object.values(environment)))
  throw new AgentError('rejected', `${doing}: ${program} ${how}${said === '' ? ' without output' : `: ${said}`}`)
}

function explainStart(doing: string, program: string, error: unknown): AgentError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return new AgentError('misconfigured', `${doing}: ${program} was not found: install it, or give its full path`)
  if (code === 'EACCES')
    return new AgentError('misconfigured', `${doing}: ${program} is not executable: check its permissions`, error)
  if (code === 'ERR_INVALID_ARG_VALUE')
    return new AgentError('misconfigured', `${doing}: the command contains a NUL character`)
  // Too many processes or too little memory passes by itself.
  return new AgentError('unreachable', `${doing}: ${program} could not be started: ${messageOf(error)}`, error)
}
