import { createSocket, type Socket } from 'node:dgram'
import { type Client, edk2 } from '../core/netboot/tftp/wire.ts'

export interface FetchOptions {
  readonly address: string
  readonly port: number
  /** The address that it asks from. */
  readonly from?: string
  readonly fromPort?: number
  readonly mode?: string
  /** As they are sent: `blksize`, `windowsize`, `tsize`. */
  readonly options?: Readonly<Record<string, string>>
  readonly habits?: Client
  /** Whether this packet of data is lost on its way. */
  readonly loses?: () => boolean
  /** Called before each acknowledgement; may take its time. */
  readonly beforeAnswer?: (block: number) => void | Promise<void>
  /** Ends after the OACK, as EDK2 does when it only wants the size. */
  readonly probes?: boolean
}

export interface Fetched {
  readonly bytes: Buffer
  /** What the server has granted. */
  readonly granted: Readonly<Record<string, string>>
  /** Its word where it refused. */
  readonly error: { readonly code: number; readonly text: string } | undefined
  /** Packets of data that came. */
  readonly packets: number
}

/** In ms, as long as EDK2 waits. */
const asksAgainAfter = 4_000

export async function openClient(from: string, port = 0): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576 })
  await new Promise<void>((resolve) => socket.bind(port, from, resolve))
  return socket
}

export function requestFor(
  name: string | Buffer,
  mode = 'octet',
  options: Readonly<Record<string, string>> = {},
): Buffer {
  const words = [mode, ...Object.entries(options).flat()].map((word) => `${word}\0`).join('')
  return Buffer.concat([Buffer.from([0, 1]), Buffer.from(name), Buffer.from(`\0${words}`)])
}

export const acknowledgement = (block: number) => Buffer.from([0, 4, (block >> 8) & 0xff, block & 0xff])

/** Fetches a file by TFTP as firmware does. Resolves when it is whole, or refused; rejects where nothing comes for long. */
export async function fetchFile(name: string | Buffer, options: FetchOptions): Promise<Fetched> {
  const { address, port, from = '127.0.0.1', habits = edk2, loses = () => false, beforeAnswer, probes } = options
  const socket = await openClient(from, options.fromPort)
  const parts: Buffer[] = []
  let granted: Record<string, string> = {}
  let [peer, packets, begun] = [port, 0, false]
  let client = habits(1, Infinity)
  let blockSize = 512
  let last = requestFor(name, options.mode, options.options)
  const send = (packet: Buffer) => socket.send((last = packet), peer, address)
  return new Promise<Fetched>((resolve, reject) => {
    let tries = 0
    /** After a last word, which is to leave before the socket closes. */
    const end = (error?: Fetched['error'], word?: Buffer) => {
      clearTimeout(waiting)
      socket.removeAllListeners('message')
      const close = () => {
        socket.close()
        resolve({ bytes: Buffer.concat(parts), granted, error, packets })
      }
      if (word) socket.send(word, peer, address, close)
      else close()
    }
    const waiting = setTimeout(function again() {
      tries += 1
      if (tries > 6) {
        socket.close()
        reject(new Error(`nothing came for ${name.toString()} after ${packets} packets`))
        return
      }
      socket.send(last, peer, address)
      waiting.refresh()
    }, asksAgainAfter)
    let turn: Promise<void> = Promise.resolve()
    const take = async (packet: Buffer) => {
      const kind = packet.readUInt16BE(0)
      if (kind === 5) return end({ code: packet.readUInt16BE(2), text: packet.subarray(4, -1).toString() })
      if (kind === 6) {
        // A copy that was late.
        if (packets > 0) return
        const words = packet.subarray(2).toString().split('\0')
        if (!begun)
          granted = Object.fromEntries(
            words.flatMap((word, index) => (index % 2 === 0 && word !== '' ? [[word, words[index + 1]!]] : [])),
          )
        begun = true
        blockSize = Number(granted['blksize'] ?? 512)
        client = habits(Number(granted['windowsize'] ?? 1), Infinity)
        if (probes) {
          return end(undefined, Buffer.from('\0\u0005\0\u0008User aborted the transfer\0'))
        }
        await beforeAnswer?.(0)
        return send(acknowledgement(0))
      }
      packets += 1
      if (loses()) return
      const block = packet.readUInt16BE(2)
      const before = client.expected
      const answer = client.receive(block)
      const isNew = client.expected > before
      if (isNew) {
        waiting.refresh()
        tries = 0
        parts.push(Buffer.from(packet.subarray(4)))
      }
      const isLast = isNew && packet.length - 4 < blockSize
      if (answer === undefined && !isLast) return
      await beforeAnswer?.(before)
      const said = acknowledgement(isLast ? client.expected - 1 : answer!)
      if (isLast) end(undefined, said)
      else send(said)
    }
    socket.on('message', (packet, sender) => {
      if (peer === port) peer = sender.port
      if (sender.port !== peer) return
      if (beforeAnswer) turn = turn.then(() => take(packet))
      else void take(packet)
    })
    send(last)
  })
}
