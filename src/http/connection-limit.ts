import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface ConnectionLimit {
  /** So many connections of one client at once. */
  readonly most: number
  /** Whose connection it is; undefined where it is not counted. */
  clientOf(socket: Socket): string | undefined
}

/** Hangs up on who has too many connections open, whatever they are for, so that no client keeps others from having one. */
export function limitConnections(server: Server, { most, clientOf }: ConnectionLimit): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const client = clientOf(socket)
    if (client === undefined) return
    const count = (open.get(client) ?? 0) + 1
    open.set(client, count)
    socket.once('close', () => {
      const left = (open.get(client) ?? 1) - 1
      if (left > 0) open.set(client, left)
      else open.delete(client)
    })
    if (count > most) socket.destroy()
  })
}
