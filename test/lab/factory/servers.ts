import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** The two servers of a factory: itself, and the object storage behind it. */
export interface Servers {
  /** Both listen; again on the same ports after a stop. */
  start(): Promise<void>
  /** Stops them, and cuts what is under way. */
  stop(): Promise<void>
  /** 'http://address:port'; throws where they are not started. */
  url(which: keyof Handles): string
  /** The same, and where they were or will be while they are not started. */
  origin(which: keyof Handles): string
  /** Aborts with the next stop. */
  stopping(): AbortSignal
}

export interface Handles {
  readonly factory: Handle
  readonly storage: Handle
}

/** `port` is the factory's own, 0 for any free one. */
export function createServers(address: string, port: number, handles: Handles): Servers {
  const ports = { factory: port, storage: 0 }
  let servers: Server[] = []
  let stopping = new AbortController()

  async function listen(which: keyof Handles): Promise<Server> {
    const server = createServer((request, response) => {
      // Only the end of the lab, or of the client, comes to here: the answer has nobody to go to.
      handles[which](request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(ports[which], address, resolve)
    })
    return server
  }

  const origin = (which: keyof Handles) => `http://${address}:${ports[which]}`

  return {
    async start() {
      if (servers.length > 0) throw new Error('the factory is already started')
      stopping = new AbortController()
      const factory = await listen('factory')
      const storage = await listen('storage')
      servers = [factory, storage]
      ports.factory = portOf(factory)
      ports.storage = portOf(storage)
    },
    async stop() {
      const open = servers
      servers = []
      stopping.abort()
      for (const server of open) {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        server.closeAllConnections()
        await closed
      }
    },
    url(which) {
      if (servers.length === 0) throw new Error('the factory is not started')
      return origin(which)
    },
    origin,
    stopping: () => stopping.signal,
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server is not listening')
  return address.port
}
