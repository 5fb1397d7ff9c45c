import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { AgentError } from '../../core/errors.ts'
import { parsePacket, type ServerPacket } from './packets.ts'

export interface Received {
  readonly packet: ServerPacket
  readonly from: number
}

/** A socket of ours to one server. */
export interface TftpSocket extends Disposable {
  send(packet: Buffer, port: number): Promise<void>
  /** The next packet from this port, or from any; undefined where none came in so many ms, or the signal aborts. */
  next(from: number | undefined, within: number, signal: AbortSignal): Promise<Received | undefined>
}

/** @throws AgentError `unreachable` where the name does not resolve */
export async function openTftpSocket(host: string, at: string): Promise<TftpSocket> {
  const { address, family } = await lookup(host).catch((error: unknown) => {
    throw new AgentError('unreachable', `${at}: its name does not resolve`, error)
  })
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  const { next } = receive(socket, address)
  return {
    next,
    send: (packet, port) =>
      new Promise((resolve, reject) =>
        socket.send(packet, port, address, (error) => (error ? reject(error) : resolve())),
      ),
    [Symbol.dispose]: () => socket.close(),
  }
}

/** The packets that come from this address, in order. */
function receive(socket: Socket, address: string): Pick<TftpSocket, 'next'> {
  const waiting: { readonly data: Buffer; readonly from: number }[] = []
  let wake = () => {}
  let broken: Error | undefined
  socket.on('message', (data: Buffer, { port, address: from }: RemoteInfo) => {
    if (from !== address) return
    waiting.push({ data, from: port })
    wake()
  })
  socket.on('error', (error) => {
    broken = error
    wake()
  })
  return {
    next: async (from, within, signal) => {
      const end = performance.now() + within
      for (;;) {
        for (let one = waiting.shift(); one; one = waiting.shift())
          if (from === undefined || one.from === from) return { packet: parsePacket(one.data), from: one.from }
        if (broken) throw broken
        const left = end - performance.now()
        if (left <= 0 || signal.aborted) return undefined
        await new Promise<void>((resolve) => {
          const settle = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', settle)
            resolve()
          }
          const timer = setTimeout(settle, left)
          signal.addEventListener('abort', settle, { once: true })
          wake = settle
        })
      }
    },
  }
}
