import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { canonicalAddress, clientKey, isLoopback } from './addresses.ts'

export interface ConnectionLimit {
  readonly most: number
  /** Behind these are many clients. */
  isExempt(address: string): boolean
}

/** Hangs up on who has too many connections open, whatever they are for. Programs on this machine share what there is. */
export function limitConnections(server: Server, { most, isExempt }: ConnectionLimit): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    if (isLoopback(address) || isExempt(address)) return
    const client = clientKey(address)
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
