import { AgentError, type ErrorCode } from '../../core/errors.ts'
import { lastLines, lastWords } from './quoting.ts'

/** What a sentence about a failed login names. */
export interface Login {
  readonly user: string
  readonly address: string
  readonly port: number
  readonly key: string
  readonly knownHosts: string
}

/**
 * Why ssh could not log in, from what it printed (OpenSSH sshconnect.c, sshconnect2.c, sshkey.c, authfile.c, in the C
 * locale). An unknown message counts as unreachable: it may be temporary.
 */
export function explainLogin(doing: string, said: string, login: Login): AgentError {
  const { user, address, port, key, knownHosts } = login
  const keyscan = `ssh-keyscan -p ${port} ${address}`
  const known: readonly (readonly [RegExp, ErrorCode, string])[] = [
    [
      /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
      'misconfigured',
      `its host key differs from the one in ${knownHosts}: another machine may be answering at ${address}; if it was ` +
        `reinstalled, replace its old lines there with the output of \`${keyscan}\``,
    ],
    [
      /key is known for|Host key verification failed/,
      'misconfigured',
      `its host key is not in ${knownHosts}: run \`${keyscan} >> ${knownHosts}\` and compare it with the machine's own`,
    ],
    [
      /UNPROTECTED PRIVATE KEY|bad permissions/,
      'misconfigured',
      `ssh refuses the key ${key} because others can read it: run \`chmod 600 ${key}\``,
    ],
    [
      /Load key .*(?:invalid format|error in libcrypto|unsupported|incorrect passphrase)/,
      'misconfigured',
      `${key} is not a private key that ssh can use: it must have no passphrase`,
    ],
    [
      /Permission denied|Too many authentication failures/,
      'misconfigured',
      `permission denied for ${user} with the key ${key}: add its public key to ${user}'s authorized_keys there; the ` +
        'key must have no passphrase',
    ],
    [/No user exists for uid/, 'misconfigured', `ssh needs a line in /etc/passwd for the user that Caretaker runs as`],
    [
      /Unable to negotiate|no matching/,
      'misconfigured',
      `it shares no algorithm with the ssh client here: ${lastLines(said, 1)}`,
    ],
    [/Bad configuration option|command-line/, 'misconfigured', `the ssh client here is too old: ${lastLines(said, 1)}`],
    [/Connection refused/, 'unreachable', 'connection refused: is its SSH server running, and is the port right?'],
    [/Could not resolve/, 'unreachable', 'its name does not resolve: check DNS, or use its IP address'],
    [/No route to host|Network is unreachable/, 'unreachable', 'no route to host: is it on, and is the network up?'],
    [/timed out|not responding/, 'unreachable', 'no answer in time: is it on?'],
  ]
  const [, code, why] = known.find(([pattern]) => pattern.test(said)) ?? []
  if (code !== undefined) return new AgentError(code, `${doing}: ${why}`)
  const last = lastLines(said)
  return new AgentError('unreachable', `${doing}: no login${last === '' ? '; ssh gives no reason' : `: ${last}`}`)
}

/** How a command ended after the login, as far as ssh tells. */
export type CommandEnd = 'taken' | { readonly refused: string }

/**
 * A machine that shuts down closes the connection, and ssh exits with 255; a shell whose command was killed exits with
 * 128 plus the signal. Both count as success.
 */
export function judgeEnd(code: number | null, stderr: string): CommandEnd {
  if (code === 0 || code === 129 || code === 137 || code === 143) return 'taken'
  const said = lastLines(stderr)
  if (code !== 255)
    return { refused: `its command exited with code ${code}${said === '' ? ' without output' : `: ${said}`}` }
  // The session was never opened (MaxSessions, a tunnel-only user), so the command did not run.
  if (/open failed|exec request failed/.test(stderr))
    return { refused: `the login works, but it runs no command: ${said}` }
  if (isCutOff(stderr)) return 'taken'
  // Killed without a word, or ended with 255 by itself: only the latter has something to say, as Perl's `die` does.
  return said === '' ? 'taken' : { refused: `its command exited with code 255: ${said}` }
}

function isCutOff(stderr: string): boolean {
  return /closed by remote host|Connection reset|Broken pipe|not responding|Connection .*(?:closed|reset)/i.test(
    lastWords(stderr, 1_000),
  )
}
