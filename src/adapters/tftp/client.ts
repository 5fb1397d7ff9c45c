import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Fetched } from '../../core/doctor/ports.ts'
import { acknowledgement, blockSize, enough, parsePacket, readRequest, type ServerPacket } from './packets.ts'

export interface TftpServer {
  readonly host: string
  /** 69 by default. */
  readonly port?: number
}

export interface TftpLimits {
  /** After so long without an answer the last packet is sent again, in ms. */
  readonly resendAfter: number
  /** So often. */
  readonly resends: number
}

const usual: TftpLimits = { resendAfter: 1_000, resends: 4 }

/** What a server says by number (RFC 1350, appendix), and what that mostly is. */
const meanings: Readonly<Record<number, string>> = {
  1: 'it has no such file: does it serve this folder?',
  2: 'it may not read it: check the modes of the file and its folders',
}

/**
 * Reads a file as firmware does, one block after another; at most so many bytes of it, after which the transfer is ended.
 * That is to be less than 65,536 blocks, where numbers would begin again.
 * The port that answers first is the transfer's (RFC 1350, section 4): packets from any other are ignored.
 *
 * @throws AgentError `unreachable` without an answer, `rejected` where the server says no, `malformed`
 */
export async function fetchByTftp(
  { host, port = 69 }: TftpServer,
  file: string,
  {
    most,
    limits = usual,
    signal,
  }: { readonly most: number; readonly limits?: TftpLimits; readonly signal: AbortSignal },
): Promise<Fetched> {
  const at = `the TFTP server ${host}${port === 69 ? '' : `:${port}`}`
  signal.throwIfAborted()
  const { address, family } = await lookup(host).catch((error: unknown) => {
    throw new AgentError('unreachable', `${at}: its name does not resolve`, error)
  })
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  const packets = receive(socket, address)
  try {
    return await transfer({
      at,
      file,
      most,
      limits,
      signal,
      packets,
      send: (packet, to) => sendTo(socket, packet, to ?? port, address),
    })
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('unreachable', `${at}: ${messageOf(error)}`, error)
  } finally {
    socket.close()
  }
}

interface Transfer {
  readonly at: string
  readonly file: string
  readonly most: number
  readonly limits: TftpLimits
  readonly signal: AbortSignal
  readonly packets: Packets
  /** To the transfer's own port, or to the server's. */
  send(packet: Buffer, port: number | undefined): Promise<void>
}

async function transfer({ at, file, most, limits, signal, packets, send }: Transfer): Promise<Fetched> {
  const blocks: Uint8Array[] = []
  let [length, expected, block]: [number, number, number] = [0, 1, 512]
  let size: number | undefined
  let peer: number | undefined
  let last = readRequest(file)
  for (;;) {
    const { packet, from } = await ask(last, peer)
    peer ??= from
    if (packet.kind === 'error') throw refused(at, file, packet)
    if (packet.kind === 'options') {
      // Only the first answer may be one; it is acknowledged as block 0.
      size = sizeIn(packet.options) ?? size
      block = blockIn(packet.options, at)
      last = acknowledgement(0)
      continue
    }
    // What came twice is acknowledged again, and not taken again (RFC 1123, 4.2.3.1).
    if (packet.block !== expected) continue
    blocks.push(packet.bytes)
    length += packet.bytes.length
    last = acknowledgement(packet.block)
    if (packet.bytes.length < block) {
      await send(last, peer)
      return { bytes: Buffer.concat(blocks), size: size ?? length }
    }
    if (length >= most) {
      await send(enough(), peer)
      return { bytes: Buffer.concat(blocks).subarray(0, most), size }
    }
    expected += 1
  }

  /** Sends it until something new comes. */
  async function ask(packet: Buffer, to: number | undefined): Promise<Received> {
    for (let tries = 0; tries <= limits.resends; tries += 1) {
      await send(packet, to)
      const answer = await packets.next(to, limits.resendAfter, signal)
      if (answer) return answer
      signal.throwIfAborted()
    }
    const many = ((limits.resends + 1) * limits.resendAfter) / 1_000
    const what = to === undefined ? 'does not answer' : `stopped in the middle of ${file}`
    throw new AgentError('unreachable', `${at} ${what} (${many} s): does it run, and does a firewall let UDP through?`)
  }
}

function refused(at: string, file: string, { code, text }: ServerPacket & { kind: 'error' }): AgentError {
  const meaning = meanings[code] ?? (text === '' ? `error ${code}` : 'see its log')
  return new AgentError('rejected', `${at} refuses ${file}${text === '' ? '' : ` ("${text}")`}: ${meaning}`)
}

function sizeIn(options: ReadonlyMap<string, string>): number | undefined {
  const told = options.get('tsize')
  return told !== undefined && /^\d{1,15}$/.test(told) ? Number(told) : undefined
}

/** A server may choose a smaller one, and no larger. */
function blockIn(options: ReadonlyMap<string, string>, at: string): number {
  const told = options.get('blksize')
  if (told === undefined) return 512
  const chosen = /^\d{1,5}$/.test(told) ? Number(told) : 0
  if (chosen < 8 || chosen > blockSize)
    throw new AgentError(
      'malformed',
      `${at} wants blocks of ${told.slice(0, 20)} bytes, where ${blockSize} were asked for`,
    )
  return chosen
}

interface Received {
  readonly packet: ServerPacket
  readonly from: number
}

interface Packets {
  /** The next one from this port, or from any; undefined where none came in so many ms, or the signal aborts. */
  next(from: number | undefined, within: number, signal: AbortSignal): Promise<Received | undefined>
}

/** The packets that come from this address, in order. */
function receive(socket: Socket, address: string): Packets {
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

function sendTo(socket: Socket, packet: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(packet, port, address, (error) => (error ? reject(error) : resolve())),
  )
}
