import type { AgentError } from '../../core/errors.ts'
import { settled } from './abort.ts'
import type { NutConnection } from './connection.ts'

export interface ReconnectionOptions {
  /** Before an attempt. @throws AgentError where it is too early for another one */
  readonly check: () => void
  readonly establish: (signal: AbortSignal) => Promise<NutConnection>
  /** Ends whatever is under way, for good. */
  readonly closing: AbortSignal
  readonly tooLate: (signal: AbortSignal) => AgentError
}

export interface Reconnection {
  /** The present connection, or a new one where that is closed. */
  connected(signal: AbortSignal): Promise<NutConnection>
  /** The current connection, or the attempt at one. */
  latest(): Promise<NutConnection> | undefined
  /** The next call makes another one. */
  drop(): void
}

/** One attempt at a time for all callers: a second connection would be a second login. */
export function createReconnection({ check, establish, closing, tooLate }: ReconnectionOptions): Reconnection {
  let connection: Promise<NutConnection> | undefined
  return {
    connected: async (signal) => {
      for (let seen = connection; ; seen = connection) {
        const known = seen && (await settled(seen, signal, tooLate))
        if (known && !known.closed) return known
        // Another caller may have started a new attempt meanwhile.
        if (connection !== seen) continue
        check()
        connection = establish(AbortSignal.any([signal, closing]))
        return connection
      }
    },
    latest: () => connection,
    drop: () => void (connection = undefined),
  }
}
