import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** So many requests of one connection may wait for their answers: browsers and programs send one after the other's answer. */
const mostWaiting = 16

/**
 * Hangs up on a connection that sends requests faster than they are answered. Node keeps all of them, and looks through all
 * for each: some thousands in a row, refused or not, hold the event loop for seconds, and with it whoever watches the power.
 */
export function limitPipelining(server: Server): void {
  const waiting = new WeakMap<Socket, number>()
  const add = (socket: Socket, count: number) => {
    const sum = (waiting.get(socket) ?? 0) + count
    waiting.set(socket, sum)
    if (sum > mostWaiting) socket.destroy()
  }
  server.prependListener('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    add(socket, 1)
    outgoing.once('close', () => add(socket, -1))
  })
  // Those beyond `maxRequestsPerSocket`.
  server.prependListener('dropRequest', ({ socket }: IncomingMessage) => add(socket, 1))
}
