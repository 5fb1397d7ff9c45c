import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of a connection that may be under way at a time. Nobody whom we serve asks ahead. */
const mostUnderWay = 17

/** What Node's parser calls for a request; 2 means that what follows is another protocol, and is not read. */
interface Parser {
  onIncoming?: () => number
}

/**
 * Counts what is under way on each connection, and hangs up on one with too much, because each request takes memory until its answer
 * is taken. What it answers: whether this request goes on. Without a response it counts for as long as its connection lasts.
 */
export function createPipelining(): (socket: Socket, response?: ServerResponse) => boolean {
  const underWay = new WeakMap<Socket, number>()
  const countOf = (socket: Socket) => underWay.get(socket) ?? 0
  return (socket, response) => {
    underWay.set(socket, countOf(socket) + 1)
    response?.once('close', () => underWay.set(socket, countOf(socket) - 1))
    if (countOf(socket) > mostUnderWay) hangUp(socket)
    return !socket.destroyed
  }
}

/**
 * In the middle of what was read: two thousand requests fit into one read, and Node would make objects of them all, for each connection.
 * No documented word stops its parser; where this one has lost its meaning they cost memory until the socket is closed.
 */
function hangUp(socket: Socket & { readonly parser?: Parser | null }): void {
  if (socket.parser) socket.parser.onIncoming = () => 2
  socket.destroy()
}
