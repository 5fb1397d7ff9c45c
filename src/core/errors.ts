import { wordsOfSystemError } from './system-words.ts'

/**
 * Every failure that crosses a port is one of these. Adapters translate their library's errors into them; nothing else
 * in the agent knows gRPC, HTTP or errno codes.
 *
 * | code            | meaning                                                       | tried again |
 * |-----------------|---------------------------------------------------------------|-------------|
 * | unreachable     | no answer: down, rebooting, or cut off                        | yes         |
 * | timed-out       | it did not become so in time                                  | yes         |
 * | not-now         | something blocks it that passes by itself                     | yes         |
 * | rejected        | it answered no                                                | no          |
 * | not-found       | a person asked about something that does not exist            | no          |
 * | malformed       | it answered something we can't read                           | no          |
 * | misconfigured   | our own configuration, or what a person asked for, is wrong   | no          |
 * | unauthenticated | a door does not know who asks                                 | no          |
 * | forbidden       | whoever asks may not                                          | no          |
 * | internal        | a bug of ours: its `cause` is what was thrown, with its stack | no          |
 */
export const errorCodes = [
  'unreachable',
  'timed-out',
  'not-now',
  'rejected',
  'not-found',
  'malformed',
  'misconfigured',
  'unauthenticated',
  'forbidden',
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }

  /** Whether the same call may succeed later without anyone changing anything. */
  get retryable(): boolean {
    return this.code === 'unreachable' || this.code === 'timed-out' || this.code === 'not-now'
  }
}

/**
 * Adds what we were doing: `upgrade cp-1: pull image: 10.0.0.2 unreachable`. Keeps the code and the cause; what no one
 * expected stays unexpected, as `internal`.
 */
export function during(doing: string, error: unknown): AgentError {
  const code = error instanceof AgentError ? error.code : 'internal'
  return new AgentError(code, saidOnce(doing, messageOf(error)), error)
}

/** Both in one sentence, and nothing twice: whoever throws may have named what it was about, or said what was being done. */
function saidOnce(doing: string, message: string): string {
  const subject = doing.slice(doing.lastIndexOf(' ') + 1)
  const rest = message.startsWith(`${subject}: `) ? message.slice(subject.length + 2) : message
  const parts = [doing, ...rest.split(': ')]
  return parts.filter((part, index) => part !== parts[index - 1]).join(': ')
}

/** The first error of this kind among one and its causes; undefined where there is none. */
export function findError<T extends Error>(error: unknown, kind: new (...given: never) => T): T | undefined {
  if (error instanceof kind) return error
  return error instanceof Error && error.cause !== undefined ? findError(error.cause, kind) : undefined
}

/** Whether it is a bug, and not a failure that an adapter has translated. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof AgentError) || error.code === 'internal'
}

/** The text of a failure for people. A bug asks for a report, with its message. */
export function describeFailure(error: unknown): string {
  return isUnexpected(error) ? `internal error; please report it with the log: ${messageOf(error)}` : messageOf(error)
}

/** The text of anything that was thrown; a failure of the file system is put into words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? (wordsOfSystemError(error) ?? error.message) : String(error)
}

/**
 * What Node says of a connection that did not come about, in words: `connect ECONNREFUSED 10.0.0.2:443` is `connection
 * refused`. Whoever shows it has named the address.
 */
export function describeConnectionError(text: string): string {
  const [, code = '', name] = /^(?:connect|read|write|getaddrinfo) (E[A-Z_]+)(?: (\S+))?/.exec(text) ?? []
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    EPIPE: 'connection closed',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'no route to its network',
    ETIMEDOUT: 'no answer',
    ENOTFOUND: `the name ${name} is unknown`,
    EAI_AGAIN: `the name ${name} can't be looked up: no name server answers`,
  }
  return words[code] ?? text
}

export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
