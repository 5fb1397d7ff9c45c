import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Speaker extends AsyncDisposable {
  readonly port: number
  readonly connections: number
}

/** Somebody who listens where upsd should be, and answers each line in a way of their own. */
export async function startSpeaker(
  address: string,
  answer: (line: string, socket: Socket) => void | Promise<void>,
): Promise<Speaker> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n').slice(0, -1)) void answer(line, socket)
    })
  }).listen(0, address)
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
