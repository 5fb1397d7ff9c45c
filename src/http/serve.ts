import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, type ServerOptions } from 'node:https'
import { getRequestListener } from '@hono/node-server'
import type { Limits } from './limits.ts'
import { limitPipelining } from './pipelining.ts'

/** What a request came by: bindings of whatever answers it. */
export interface Wire {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

export interface ServeOptions {
  readonly limits: Limits
  /** PEM texts. With them it speaks TLS, from 1.2 on. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /**
   * Looks at a request before anything else does; answers it and ends its connection, and returns true, where it goes no
   * further.
   */
  readonly refuse?: (wire: Wire) => boolean
  /** What is answered where a request can't be read, or where the answer fails. */
  readonly failed?: (error: unknown) => Response
}

/** An HTTP server that cuts off who is slow to ask or to read. It does not listen yet. */
export function createHttpServer(
  answer: (request: Request, wire: Wire) => Response | Promise<Response>,
  { limits, tls, refuse = () => false, failed }: ServeOptions,
): Server {
  const listener = getRequestListener(
    (request, wire) => answer(request, wire as Wire),
    failed ? { errorHandler: failed } : {},
  )
  const options: ServerOptions = {
    headersTimeout: limits.headersWithin,
    requestTimeout: limits.requestWithin,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: Math.min(limits.headersWithin, 5_000),
  }
  const refused = new WeakSet<IncomingMessage['socket']>()
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming
    // What came behind a request that was refused, in the same packet.
    if (refused.has(socket) || socket.destroyed) return
    limitReading(outgoing, limits.readWithin)
    if (refuse({ incoming, outgoing })) refused.add(socket)
    else void listener(incoming, outgoing)
  }
  const server = tls
    ? createSecureServer(
        {
          ...options,
          ...tls,
          minVersion: 'TLSv1.2',
          handshakeTimeout: limits.headersWithin,
        },
        onRequest,
      )
    : createServer(options, onRequest)
  server.maxConnections = limits.connections
  limitPipelining(server)
  return server
}

/** Takes no more requests, and hangs up on those that are under way. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

/** Hangs up on a client that does not read its answer. While the answer is made, nothing is sent, and nothing is late. */
function limitReading(outgoing: ServerResponse, within: number): void {
  const { writeHead } = outgoing
  outgoing.writeHead = ((...given: Parameters<typeof writeHead>) => {
    outgoing.setTimeout(within, () => outgoing.destroy())
    return writeHead.apply(outgoing, given)
  }) as typeof writeHead
}
