import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A wire between a client and a server that takes its time. */
export interface SlowWire extends AsyncDisposable {
  /** `127.0.0.1:40123`: where the client connects to. */
  readonly address: string
}

/**
 * Passes on what the server writes after a delay, in ms, and in one piece: what the network does to answers that come
 * within its round trip. What the client writes passes at once.
 */
export async function slowWire(
  to: { readonly address: string; readonly port: number },
  delay: number,
): Promise<SlowWire> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(to.port, to.address)
    const pieces: Buffer[] = []
    const flush = () => {
      if (pieces.length > 0) client.write(Buffer.concat(pieces.splice(0)))
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.on('data', (bytes: Buffer) => {
      if (pieces.push(bytes) === 1) setTimeout(flush, delay)
    })
    upstream.on('end', () => {
      flush()
      client.end()
    })
    client.on('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
