import type { AgentError } from '../../core/errors.ts'
import { settled } from './abort.ts'
import type { NutConnection } from './connection.ts'

export interface ReconnectionOptions {
  /** Before an attempt. @throws AgentError where it is too early for another one */
  readonly check: () => void
  readonly establish: (signal: AbortSignal) => Promise<NutConnection>
  /** Ends whatever is under way, for good. */
  readonly closing: AbortSignal
  readonly tooLate: () => AgentError
}

export interface Reconnection {
  /** The present connection, or a new one where that is closed. */
  connected(signal: AbortSignal): Promise<NutConnection>
  /** What there is, or is on its way. */
  latest(): Promise<NutConnection> | undefined
  /** The next call makes another one. */
  drop(): void
}

/** One attempt at a time, whoever waits for it: a second connection would be logged in a second time. */
export function createReconnection({ check, establish, closing, tooLate }: ReconnectionOptions): Reconnection {
  let connection: Promise<NutConnection> | undefined
  return {
    connected: async (signal) => {
      for (let seen = connection; ; seen = connection) {
        const known = seen && (await settled(seen, signal, tooLate))
        if (known && !known.closed) return known
        // Somebody else may have begun anew while we waited.
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
