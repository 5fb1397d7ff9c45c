import { once } from 'node:events'
import * as net from 'node:net'

/** A server that answers what it is told to, and keeps the bytes of each request as they came. */
export interface RawServer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly string[]
  /** The next ones, in turn; the last one stays. */
  answer(...answers: readonly RawAnswer[]): void
  until(count: number): Promise<void>
}

/** The whole answer, head and all; undefined: none, and the connection stays open. */
export type RawAnswer = string | undefined | ((request: string) => string | undefined)

export async function startRawServer(address: string, port = 0): Promise<RawServer> {
  const requests: string[] = []
  const sockets = new Set<net.Socket>()
  const waiting = new Set<() => void>()
  let answers: readonly RawAnswer[] = [undefined]
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (end === -1 || text.length < end + 4 + length) return
      requests.push(text)
      const [first, ...rest] = answers
      if (rest.length > 0) answers = rest
      const said = typeof first === 'function' ? first(text) : first
      if (said !== undefined) socket.end(said)
      for (const wake of waiting) wake()
    })
  })
  server.listen(port, address)
  await once(server, 'listening')
  return {
    url: `http://${address}:${(server.address() as net.AddressInfo).port}`,
    requests,
    answer: (...given) => void (answers = given),
    until: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (requests.length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** An answer of HTTP/1.1 with this body. */
export function ok(body: string, status = '200 OK'): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

export const pending = (code: string) => ok(`pending: ${code}`, '503 Service Unavailable')
