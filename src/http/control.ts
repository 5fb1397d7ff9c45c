import { chmod, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import { socketAccess } from './access.ts'
import { createApi } from './api.ts'
import { type Limits, socketLimits } from './limits.ts'

export interface ControlOptions {
  readonly log: Logger
  readonly limits?: Limits
}

/**
 * Serves the Operator over a unix socket, which only the user that runs the daemon may open: no port, no token.
 *
 * @throws AgentError `misconfigured` where the socket can't be opened
 */
export async function serveControl(
  path: string,
  operator: Operator,
  { log, limits = socketLimits }: ControlOptions,
): Promise<AsyncDisposable> {
  const api = createApi(operator, { limits, access: socketAccess, log })
  const listener = getRequestListener(api.fetch)
  const server = createServer(
    {
      headersTimeout: limits.headersWithin,
      requestTimeout: limits.requestWithin,
      keepAliveTimeout: limits.idle,
      connectionsCheckingInterval: Math.min(limits.headersWithin, 5_000),
    },
    (incoming, outgoing) => {
      limitReading(outgoing, limits.readWithin)
      void listener(incoming, outgoing)
    },
  )
  server.maxConnections = limits.connections
  // A socket that a killed daemon left behind; that it is nobody's is known from the lock on the state directory.
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new AgentError('misconfigured', `the control socket ${path} can't be opened: ${messageOf(error)}`, error)),
    )
    server.listen(path, resolve)
  })
  // Whatever the umask says, and wherever the state directory was made.
  await chmod(path, 0o600)
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await rm(path, { force: true })
    },
  }
}

/** Hangs up on a client that does not read its answer. While the answer is made, nothing is sent, and nothing is late. */
function limitReading(outgoing: ServerResponse, within: number): void {
  const { writeHead } = outgoing
  outgoing.writeHead = ((...given: Parameters<typeof writeHead>) => {
    outgoing.setTimeout(within, () => outgoing.destroy())
    return writeHead.apply(outgoing, given)
  }) as typeof writeHead
}
