import { AgentError, type ErrorCode } from '../../core/errors.ts'

/**
 * What a refusal means, and what to do (RFC 9271; networkupstools/nut docs/net-protocol.txt "Error
 * responses" and server/netcmds.h). `code` is 'rejected' where nothing else is said.
 */
const meanings: Readonly<Record<string, { readonly text: string; readonly code?: ErrorCode }>> = {
  'ACCESS-DENIED': {
    text: 'check the user, the password and the allowed hosts (upsd.users; on a Synology "permitted devices")',
  },
  'UNKNOWN-UPS': { text: 'it has no UPS of that name; `upsc -l HOST` lists them, a Synology calls it "ups"' },
  // Without its driver the UPS is out of reach; everything else is an answer.
  'DATA-STALE': {
    text: 'its driver gets no fresh data from the UPS; check the cable, or restart the driver',
    code: 'unreachable',
  },
  'DRIVER-NOT-CONNECTED': {
    text: 'the driver of this UPS is not running; start it on the server',
    code: 'unreachable',
  },
  'VAR-NOT-SUPPORTED': { text: 'this UPS has no such variable; `upsc` lists those it has' },
  'CMD-NOT-SUPPORTED': { text: 'this UPS has no such command; `upscmd -l` lists those it has' },
  'INVALID-ARGUMENT': { text: 'it does not accept this argument; an older server may not know it' },
  'INSTCMD-FAILED': { text: "the command did not reach the driver; check the driver's log" },
  'SET-FAILED': { text: "the value did not reach the driver; check the driver's log" },
  READONLY: { text: 'this variable can only be read; `upsrw` lists those that can be set' },
  'TOO-LONG': { text: 'the value is longer than this variable may be; `upsrw` shows the limit' },
  'INVALID-VALUE': { text: 'this variable does not accept the value; `upsrw` lists those it does' },
  'FEATURE-NOT-SUPPORTED': { text: 'this server was built without it' },
  'FEATURE-NOT-CONFIGURED': { text: 'this server supports it, but it is not configured (upsd.conf)' },
  'ALREADY-SSL-MODE': { text: 'the connection is already encrypted' },
  'UNKNOWN-COMMAND': { text: 'it does not know this command; the server may be too old' },
  'USERNAME-REQUIRED': { text: 'set user and password' },
  'PASSWORD-REQUIRED': { text: 'set user and password' },
  'INVALID-USERNAME': { text: 'it has no such user; check upsd.users' },
  'INVALID-PASSWORD': { text: 'the password is wrong; check upsd.users' },
  // Repeated words on one connection; a new connection starts fresh.
  'ALREADY-SET-USERNAME': { text: 'a user was named on this connection before', code: 'unreachable' },
  'ALREADY-SET-PASSWORD': { text: 'a password was given on this connection before', code: 'unreachable' },
  'ALREADY-LOGGED-IN': { text: 'this connection is already logged in', code: 'unreachable' },
  'ALREADY-ATTACHED': { text: 'this connection is already logged in', code: 'unreachable' },
  // Answers of GET TRACKING.
  FAILED: { text: "the driver could not do it; check the driver's log" },
  UNKNOWN: { text: 'the driver does not know it, or the server was restarted and has forgotten it' },
  // Before NUT 1.5 (docs/net-protocol.txt, "Old command removal notice").
  'VAR-UNKNOWN': { text: 'this UPS has no such variable' },
  'UNKNOWN-TYPE': { text: 'it does not know the type of this variable' },
  'UNKNOWN-INSTCMD': { text: 'this UPS has no such command' },
  'MISSING-ARGUMENT': { text: 'an argument is missing' },
  'INVALID-COMMAND': { text: 'it does not know this command' },
}

/** upsd said `ERR <code> [text]`. */
export class NutRefusal extends AgentError {
  readonly nutCode: string

  /** `doing` names what was refused, `at` who refused it, `extra` are the words after the code (NUT 2.8.6 and later). */
  constructor(nutCode: string, doing: string, at: string, extra: readonly string[] = []) {
    const meaning = meanings[nutCode]
    const said = [nutCode, ...extra].join(' ').slice(0, 200)
    const text = meaning ? `${said}: ${meaning.text}` : `${said}: NUT's documentation does not list it`
    super(meaning?.code ?? 'rejected', `upsd at ${at} refuses ${doing}: ${text}`)
    this.nutCode = nutCode
  }
}

/**
 * The answer to a question of ours, in step with the others, that can be meant in more than one way. It is told with its
 * line, and never cut in half.
 */
export class UnclearAnswer extends AgentError {
  constructor(message: string) {
    super('malformed', message)
  }
}

/** Whether it is a refusal with one of these codes. */
export function isRefusal(error: unknown, ...codes: readonly string[]): error is NutRefusal {
  return error instanceof NutRefusal && codes.includes(error.nutCode)
}

/** The codes for words that were repeated on one connection. */
export const outOfOrder = ['ALREADY-SET-USERNAME', 'ALREADY-SET-PASSWORD', 'ALREADY-LOGGED-IN'] as const

/** The codes of a server that does not support a command, or was built without it. */
export const notKnown = [
  'UNKNOWN-COMMAND',
  'INVALID-ARGUMENT',
  'FEATURE-NOT-SUPPORTED',
  'FEATURE-NOT-CONFIGURED',
] as const

/** The codes of a server that answers questions only to users whom it knows. */
export const forUsersOnly = [
  'USERNAME-REQUIRED',
  'PASSWORD-REQUIRED',
  'LOGIN-REQUIRED',
  'ACCESS-DENIED',
  'INVALID-USERNAME',
] as const
