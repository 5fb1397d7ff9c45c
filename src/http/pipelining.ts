import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of a connection that may be under way at a time: nobody whom we serve sends more before the first is answered. */
const mostUnderWay = 16

/** What Node's parser calls for a request; 2 means that what follows is another protocol, and is not read. */
interface Parser {
  onIncoming?: () => number
}

/**
 * Hangs up on a connection that sends requests faster than they are answered. Node keeps all of them, each takes memory until
 * its answer is taken, and Node looks through all for each: some thousands in a row, refused or not, hold the event loop for
 * seconds, and with it whoever watches the power. A listener of `request` finds the socket of such a one destroyed.
 */
export function limitPipelining(server: Server): void {
  const underWay = new WeakMap<Socket, number>()
  const add = (socket: Socket, count: number) => {
    const sum = (underWay.get(socket) ?? 0) + count
    underWay.set(socket, sum)
    if (sum > mostUnderWay) hangUp(socket)
  }
  server.prependListener('request', ({ socket }: IncomingMessage, outgoing: ServerResponse) => {
    add(socket, 1)
    outgoing.once('close', () => add(socket, -1))
  })
  // Those beyond `maxRequestsPerSocket`: they count for as long as the connection lasts.
  server.prependListener('dropRequest', ({ socket }: IncomingMessage) => add(socket, 1))
}

/**
 * In the middle of what was read: two thousand requests fit into one read, and Node would make objects of them all, for each connection.
 * No documented call stops its parser; if this one has no effect any more, they cost memory until the socket is closed.
 */
function hangUp(socket: Socket & { readonly parser?: Parser | null }): void {
  if (socket.parser) socket.parser.onIncoming = () => 2
  socket.destroy()
}
