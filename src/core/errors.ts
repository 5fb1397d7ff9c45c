/**
 * Every failure that crosses a port is one of these. Adapters translate their library's errors into them; nothing else
 * in the agent knows gRPC, HTTP or errno codes.
 *
 * | code          | meaning                                | tried again |
 * |---------------|----------------------------------------|-------------|
 * | unreachable   | no answer: down, rebooting, or cut off | yes         |
 * | timed-out     | it did not become so in time           | yes         |
 * | rejected      | it answered no                         | no          |
 * | malformed     | it answered something we can't read    | no          |
 * | misconfigured | our own configuration is wrong         | no          |
 */
export type ErrorCode = 'unreachable' | 'timed-out' | 'rejected' | 'malformed' | 'misconfigured'

export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return this.code === 'unreachable' || this.code === 'timed-out'
  }
}

/** Adds what we were doing: `upgrade cp-1: pull image: 10.0.0.2 unreachable`. Keeps the code and the cause. */
export function during(doing: string, error: unknown): AgentError {
  if (error instanceof AgentError) return new AgentError(error.code, `${doing}: ${error.message}`, error)
  return new AgentError('malformed', `${doing}: ${messageOf(error)}`, error)
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
