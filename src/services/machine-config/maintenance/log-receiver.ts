import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { AgentError, messageOf } from '../../../core/errors.ts'
import { peerAddress } from '../../../http/addresses.ts'

/** Connections of one machine, and of all. */
const most = { each: 2, all: 64 }
/** In bytes. */
const longestLine = 16_384
/** Lines of one connection in a second: a kernel's log since its boot comes at once. */
const mostLines = 5_000
/** In ms. */
const idleAfter = 15 * 60_000

export interface LogReceiverOptions {
  readonly address: string
  readonly port: number
  /** Whose lines are taken; others are hung up on. */
  isWanted(address: string): boolean
  line(address: string, text: string): void
}

/**
 * Takes the kernel's log of machines that have a `KmsgLogConfig`: JSON, one object a line (siderolabs/talos
 * runtime/logging/sender_jsonlines.go). What is no such line is left out.
 *
 * @throws AgentError `misconfigured` where it can't listen
 */
export async function receiveLogs({ address, port, isWanted, line }: LogReceiverOptions): Promise<AsyncDisposable> {
  const sockets = new Map<Socket, string>()
  const server = createServer((socket) => {
    const from = peerAddress(socket)
    socket.on('error', () => socket.destroy())
    const own = [...sockets.values()].filter((one) => one === from).length
    if (!isWanted(from) || own >= most.each || sockets.size >= most.all) {
      socket.destroy()
      return
    }
    sockets.set(socket, from)
    socket.setTimeout(idleAfter, () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    readLines(socket, (text) => {
      const said = messageIn(text)
      if (said !== undefined) line(from, said)
    })
  })
  server.listen({ host: address, port, exclusive: true })
  await once(server, 'listening').catch((error: unknown) => {
    throw new AgentError('misconfigured', `can't listen on ${address}:${port}: ${messageOf(error)}`, error)
  })
  server.on('error', () => {})
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets.keys()) socket.destroy()
      await closed
    },
  }
}

/** Ends a connection whose lines are too long, or too many. */
function readLines(socket: Socket, take: (line: string) => void): void {
  let rest = ''
  let [second, count] = [0, 0]
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    const now = Math.floor(performance.now() / 1_000)
    if (now !== second) [second, count] = [now, 0]
    count += lines.length
    if (rest.length > longestLine || count > mostLines) socket.destroy()
    else for (const line of lines) if (line.length <= longestLine) take(line)
  })
}

function messageIn(line: string): string | undefined {
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown }
    return typeof msg === 'string' ? msg : undefined
  } catch {
    return undefined
  }
}
