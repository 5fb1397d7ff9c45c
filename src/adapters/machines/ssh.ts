import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import { runChild, type ChildEnd } from './child.ts'
import { explainLogin, judgeEnd, type Login } from './ssh-trouble.ts'
import { calledOff, type Means } from './options.ts'
import { knownAs } from './ssh-files.ts'

export interface SshShutdown {
  readonly kind: 'ssh'
  readonly user: string
  /** 22 by default. */
  readonly port?: number | undefined
  /** Path of the private key, which has no passphrase. */
  readonly key: string
  /** Path of the file with its host key, as `ssh-keyscan` writes it. */
  readonly knownHosts: string
  /** `sudo shutdown -h now` by default. Goes to the user's shell there as it is, so forced commands can compare it. */
  readonly command?: string | undefined
  /**
   * What a rehearsal runs, such as `sudo -n -l shutdown`. By default it logs in and runs nothing: a key with a forced
   * command would run that in any case, and the rehearsal would shut the machine down.
   */
  readonly rehearsal?: string | undefined
}

/** One machine that is to be shut down, or rehearsed; and for errors, what is being done. */
export interface SshOrder {
  readonly doing: string
  readonly address: string
  readonly ssh: SshShutdown
}

/**
 * Printed here and not there, by ssh's LocalCommand, once the login has succeeded and before the command says anything. In
 * the errors it parts a banner and ssh's own trouble from what came after.
 */
const marker = 'caretaker is logged in'

/**
 * Returns when the machine has taken the command: it ended with 0, or the connection ended after the login.
 *
 * @throws AgentError `rejected` where the command ends by itself with anything else
 */
export async function shutDownBySsh(order: SshOrder, means: Means, signal: AbortSignal): Promise<void> {
  const { doing, ssh } = order
  const { command = 'sudo shutdown -h now' } = ssh
  const { end, login } = await run(order, ['-T', command], means, signal)
  // Only ssh itself ends with 255, and then it matters whether it had come as far as the command.
  if (end.code === 255 && !isLoggedIn(end.stdout)) throw explainLogin(doing, end.stderr, login)
  const verdict = judgeEnd(end.code, afterLogin(end.stderr))
  if (verdict !== 'taken') throw new AgentError('rejected', `${doing}: ${verdict.refused}`)
}

/** The same login, without the shutdown command. */
export async function rehearseBySsh(order: SshOrder, means: Means, signal: AbortSignal): Promise<void> {
  const { doing, ssh } = order
  const { rehearsal } = ssh
  const { end, login } = await run(order, rehearsal === undefined ? ['-N'] : ['-T', rehearsal], means, signal)
  if (rehearsal === undefined ? isLoggedIn(end.stdout) : end.code === 0) return
  if (end.code === 255 && !isLoggedIn(end.stdout)) throw explainLogin(doing, end.stderr, login)
  const verdict = judgeEnd(end.code, afterLogin(end.stderr))
  const why = verdict === 'taken' ? 'the connection was lost during the rehearsal' : verdict.refused
  throw new AgentError(verdict === 'taken' ? 'unreachable' : 'rejected', `${doing}: ${why}`)
}

async function run(
  { doing, address: name, ssh }: SshOrder,
  [mode, command]: readonly ['-T' | '-N', string?],
  { names, searchPath, limits }: Means,
  signal: AbortSignal,
): Promise<{ readonly end: ChildEnd; readonly login: Login }> {
  const { user, port = 22, key, knownHosts } = ssh
  const login = { user, address: name, port, key, knownHosts }
  const wrong = refuse(login)
  if (wrong !== undefined) throw new AgentError('misconfigured', `${doing}: ${wrong}`)
  await readable(doing, key, 'the private key of its `ssh.key`')
  await readable(doing, knownHosts, `the file of its host key: run \`ssh-keyscan -p ${port} ${name} > ${knownHosts}\``)
  if (signal.aborted) throw calledOff(doing, signal)
  const { addresses, isStale } = await names.find(name).catch((error: unknown) => {
    throw new AgentError('unreachable', `${doing}: ${messageOf(error)}`, error)
  })
  // ssh tries a name with several addresses itself, unless it can't resolve it.
  const target = isStale || addresses.length === 1 ? addresses[0].address : name
  const late = new AbortController()
  let timer = setTimeout(() => late.abort('login'), limits.login)
  let isIn = false
  const look = (stdout: string) => {
    if (isIn || !isLoggedIn(stdout)) return
    isIn = true
    clearTimeout(timer)
    timer = setTimeout(() => late.abort('command'), limits.command)
  }
  try {
    const end = await runChild({
      program: 'ssh',
      args: [...optionsFor(login), mode, '--', target, ...(command === undefined ? [] : [command])],
      environment: { PATH: searchPath, LC_ALL: 'C' },
      signal: AbortSignal.any([signal, late.signal]),
      onOutput: look,
      isEnough: (stdout) => mode === '-N' && isLoggedIn(stdout),
    }).catch((error: unknown) => {
      throw explainStart(doing, error)
    })
    if (signal.aborted) throw calledOff(doing, signal)
    if (late.signal.aborted) throw tooLate(doing, late.signal.reason, limits)
    return { end, login }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Nothing that a configuration, an agent or a terminal of the user's could change (ssh_config(5)); an older OpenSSH must
 * know each of these.
 */
function optionsFor({ user, address, port, key, knownHosts }: Login): string[] {
  const options: Readonly<Record<string, string>> = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: `"${percentless(knownHosts)}"`,
    GlobalKnownHostsFile: '/dev/null',
    // The file's line stays right when the address is one that we remember.
    HostKeyAlias: knownAs(address, port),
    UpdateHostKeys: 'no',
    IdentitiesOnly: 'yes',
    PreferredAuthentications: 'publickey',
    ConnectTimeout: '10',
    ConnectionAttempts: '1',
    ServerAliveInterval: '2',
    ServerAliveCountMax: '2',
    ClearAllForwardings: 'yes',
    // ERROR would not say that a session was refused.
    LogLevel: 'INFO',
    PermitLocalCommand: 'yes',
    LocalCommand: `echo ${marker}; echo ${marker} >&2`,
  }
  return [
    '-F',
    'none',
    ...Object.entries(options).flatMap(([option, value]) => ['-o', `${option}=${value}`]),
    '-i',
    percentless(key),
    '-l',
    user,
    '-p',
    String(port),
  ]
}

/** ssh puts things in the place of `%h` and its like. */
const percentless = (path: string) => path.replaceAll('%', '%%')

/** All that is left of long errors was said after it. */
function afterLogin(stderr: string): string {
  const at = stderr.indexOf(`${marker}\n`)
  return at === -1 ? stderr : stderr.slice(at + marker.length + 1)
}

const isLoggedIn = (stdout: string) => stdout.startsWith(`${marker}\n`)

/** Why these values are unsafe for ssh's command line: it must not read a name as an option or a URL. */
function refuse({ user, address, port, key, knownHosts }: Login): string | undefined {
  if (!/^[A-Za-z0-9_.:][A-Za-z0-9_.:%-]*$/.test(address)) return 'its address is neither a host name nor an IP address'
  if (!/^[A-Za-z0-9_.][^\s\p{Cc}]*$/u.test(user)) return 'its SSH user is not a valid user name'
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return 'its SSH port is not a TCP port'
  const odd = [key, knownHosts].find((path) => path.startsWith('-') || /[\p{Cc}"\\]|\$\{/u.test(path))
  return odd === undefined ? undefined : 'a path for ssh begins with a dash, or contains a quote, a backslash or `${`'
}

async function readable(doing: string, path: string, what: string): Promise<void> {
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'does not exist' : 'is not readable by the user that Caretaker runs as'
    throw new AgentError('misconfigured', `${doing}: ${path} ${why}; it must be ${what}`, error)
  })
}

function explainStart(doing: string, error: unknown): AgentError {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT')
    return new AgentError('misconfigured', `${doing}: ssh is not installed here: install openssh-client`)
  if (code === 'ERR_INVALID_ARG_VALUE')
    return new AgentError('misconfigured', `${doing}: its command contains a NUL character`)
  return new AgentError('unreachable', `${doing}: ssh could not be started: ${messageOf(error)}`, error)
}

function tooLate(doing: string, what: unknown, limits: Means['limits']): AgentError {
  if (what === 'login') return new AgentError('timed-out', `${doing}: no login within ${limits.login / 1_000} s`)
  return new AgentError(
    'timed-out',
    `${doing}: its command was still running after ${limits.command / 1_000} s: let it return at once and shut down in the background`,
  )
}
