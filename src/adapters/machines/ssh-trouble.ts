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
 * locale). What is not known here counts as no answer: it may pass.
 */
export function explainLogin(doing: string, said: string, login: Login): AgentError {
  const { user, address, port, key, knownHosts } = login
  const keyscan = `ssh-keyscan -p ${port} ${address}`
  const known: readonly (readonly [RegExp, ErrorCode, string])[] = [
    [
      /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
      'misconfigured',
      `its host key is another than the one in ${knownHosts}: somebody else may answer at ${address}; if it was ` +
        `installed anew, put what \`${keyscan}\` prints in the place of its old lines there`,
    ],
    [
      /key is known for|Host key verification failed/,
      'misconfigured',
      `its host key is not in ${knownHosts}: run \`${keyscan} >> ${knownHosts}\` and compare it with the machine's own`,
    ],
    [
      /UNPROTECTED PRIVATE KEY|bad permissions/,
      'misconfigured',
      `others may read the key ${key}, so ssh does not use it: run \`chmod 600 ${key}\``,
    ],
    [
      /Load key .*(?:invalid format|error in libcrypto|unsupported|incorrect passphrase)/,
      'misconfigured',
      `${key} is no private key that ssh can use: it must be one without a passphrase`,
    ],
    [
      /Permission denied|Too many authentication failures/,
      'misconfigured',
      `permission denied for ${user} with the key ${key}: add its public half to ${user}'s authorized_keys there; the ` +
        'key must have no passphrase',
    ],
    [/No user exists for uid/, 'misconfigured', `ssh needs a line in /etc/passwd for the user that Caretaker runs as`],
    [
      /Unable to negotiate|no matching/,
      'misconfigured',
      `it and the ssh here have no algorithm in common: ${lastLines(said, 1)}`,
    ],
    [/Bad configuration option|command-line/, 'misconfigured', `ssh is too old here: ${lastLines(said, 1)}`],
    [/Connection refused/, 'unreachable', 'connection refused: is its SSH server on, and the port right?'],
    [/Could not resolve/, 'unreachable', 'its name does not resolve: check DNS, or use its IP address'],
    [/No route to host|Network is unreachable/, 'unreachable', 'there is no way to it: is it on, and the network up?'],
    [/timed out|not responding/, 'unreachable', 'no answer in time: is it on?'],
  ]
  const [, code, why] = known.find(([pattern]) => pattern.test(said)) ?? []
  if (code !== undefined) return new AgentError(code, `${doing}: ${why}`)
  const last = lastLines(said)
  return new AgentError('unreachable', `${doing}: no login${last === '' ? '; ssh does not say why' : `: ${last}`}`)
}

/** How a command ended after the login, as far as ssh tells. */
export type CommandEnd = 'taken' | { readonly refused: string }

/**
 * A machine that goes down takes the connection along, and ssh ends with 255 then; and a shell whose command was killed
 * says 128 and the signal. Both is what was asked for.
 */
export function judgeEnd(code: number | null, stderr: string): CommandEnd {
  if (code === 0 || code === 129 || code === 137 || code === 143) return 'taken'
  const said = lastLines(stderr)
  if (code !== 255)
    return { refused: `its command ended with code ${code}${said === '' ? ' and said nothing' : `: ${said}`}` }
  // The session was never opened (MaxSessions, a user for tunnels only), so nobody has heard of the command.
  if (/open failed|exec request failed/.test(stderr)) return { refused: `it logs us in and runs nothing: ${said}` }
  if (isCutOff(stderr)) return 'taken'
  // Killed without a word, or ended with 255 by itself: only the latter has something to say, as Perl's `die` does.
  return said === '' ? 'taken' : { refused: `its command ended with code 255: ${said}` }
}

function isCutOff(stderr: string): boolean {
  return /closed by remote host|Connection reset|Broken pipe|not responding|Connection .*(?:closed|reset)/i.test(
    lastWords(stderr, 1_000),
  )
}
