import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * | state     | means                                                                                     |
 * |-----------|-------------------------------------------------------------------------------------------|
 * | up        | everything passes                                                                         |
 * | cut       | whoever connects is cut off at once, as by a router without a line                        |
 * | silent    | connections are taken and nothing passes, as where packets are dropped on the way         |
 * | no-return | what the client sends arrives, and nothing comes back: the line fails before the answer   |
 */
export type LineState = 'up' | 'cut' | 'silent' | 'no-return'

/** The way from a client to a server, which may fail. */
export interface InternetLine extends AsyncDisposable {
  /** `127.0.206.9:40123`: where the client connects to. */
  readonly host: string
  /** How it is for new connections; those that are open end. */
  set(state: LineState): void
  /** How many connections a client holds open now. */
  readonly connections: number
}

export async function startInternetLine(
  to: URL,
  { address, state: first = 'up' }: { readonly address: string; readonly state?: LineState },
): Promise<InternetLine> {
  const clients = new Set<Socket>()
  let state = first

  function pass(client: Socket, returns: boolean): void {
    const upstream = connect(Number(to.port), to.hostname)
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
    client.pipe(upstream)
    if (returns) upstream.pipe(client)
    else upstream.resume()
  }

  const server = createServer((client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('close', () => clients.delete(client))
    if (state === 'cut') client.resetAndDestroy()
    else if (state === 'silent') client.resume()
    else pass(client, state === 'up')
  })
  server.listen(0, address)
  await once(server, 'listening')
  const end = () => {
    for (const client of clients) client.destroy()
  }
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      state = next
      end()
    },
    get connections() {
      return clients.size
    },
    async [Symbol.asyncDispose]() {
      end()
      server.close()
      await once(server, 'close')
    },
  }
}
