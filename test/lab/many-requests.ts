import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'

interface Asked {
  readonly host: string
  readonly port: number
  readonly from: string
  /** As it is written, whole. */
  readonly request: string
}

/** Writes a request three thousand times on one connection, and takes no answer. Answers how many of them Node made an object of. */
export async function askWithoutEnd({ host, port, from, request }: Asked): Promise<number> {
  let count = 0
  const see = (message: unknown) => {
    const { remoteAddress } = (message as { readonly request: IncomingMessage }).request.socket
    if (remoteAddress?.endsWith(from)) count += 1
  }
  subscribe('http.server.request.start', see)
  onTestFinished(() => void unsubscribe('http.server.request.start', see))
  const socket = connect({ host, port, localAddress: from })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(request.repeat(3_000))
  // It hears that it is hung up on only where it reads.
  socket.resume()
  await closed
  return count
}
