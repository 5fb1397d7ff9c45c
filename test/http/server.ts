import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { AgentError } from '../../src/core/errors.ts'
import type { Operator } from '../../src/core/operator.ts'
import type { Access } from '../../src/http/access.ts'
import { createApi } from '../../src/http/api.ts'
import { socketLimits } from '../../src/http/limits.ts'
import { silentLog } from '../fakes/log.ts'
import type { Identity } from '../lab/authority.ts'

export interface TestServer extends AsyncDisposable {
  readonly url: string
  /** Hangs up on everybody. */
  cut(): void
}

/** The API on a port, for whoever has the token. */
export async function serveApi(operator: Operator, token: string, tls?: Identity): Promise<TestServer> {
  const access: Access = {
    admit: (c) => {
      if (c.req.header('authorization') === `Bearer ${token}`) return { name: 'token laptop', verified: true }
      throw new AgentError('unauthenticated', 'there is no such token')
    },
  }
  const api = createApi(operator, { limits: socketLimits, access, log: silentLog })
  const listener = getRequestListener(api.fetch)
  return serveAnything((incoming, outgoing) => void listener(incoming, outgoing), tls)
}

/** Anything else that listens. */
export async function serveAnything(listener: RequestListener, tls?: Identity): Promise<TestServer> {
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    cut: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
