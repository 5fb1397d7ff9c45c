import { chmod, lstat, rename, rm } from 'node:fs/promises'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { Operator } from '../core/operator.ts'
import { socketAccess } from './access.ts'
import { createApi } from './api.ts'
import { type Limits, socketLimits } from './limits.ts'
import { connectionsWithin } from './open-files.ts'
import { closeServer, createHttpServer } from './serve.ts'

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
  const server = createHttpServer((request, wire) => api.fetch(request, wire), {
    limits: { ...limits, connections: connectionsWithin(limits.connections, 1 / 8) },
  })
  // A socket that a killed daemon left behind; that it is nobody's is known from the lock on the state directory.
  await clear(path)
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
      await closeServer(server)
      await rm(path, { force: true })
    },
  }
}

/** A folder, as Docker makes one where a mount is missing, is moved aside: there may be something in it. */
async function clear(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined)
  if (there?.isDirectory()) await rename(path, `${path}.damaged-${Date.now()}`)
  else await rm(path, { force: true })
}
