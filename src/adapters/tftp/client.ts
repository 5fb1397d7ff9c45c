import { AgentError, messageOf } from '../../core/errors.ts'
import type { Fetched } from '../../core/doctor/ports.ts'
import { BootServerRefusal } from '../../core/release/served.ts'
import { acknowledgement, blockSize, enough, readRequest, type ServerPacket } from './packets.ts'
import { openTftpSocket, type TftpSocket } from './socket.ts'

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

/** An ACK that may have been lost is sent again no sooner than this, in ms: two of a kind may make two windows. */
const ackAgainAfter = 20

/** What a server says by number (RFC 1350, appendix), and what that mostly is. */
const meanings: Readonly<Record<number, string>> = {
  1: 'it has no such file: does it serve this folder?',
  2: 'it may not read it: check the modes of the file and its folders',
}

/** A server that answers no. */
function refusalOf(at: string, file: string, { code, text }: ServerPacket & { kind: 'error' }): BootServerRefusal {
  const meaning = meanings[code] ?? (text === '' ? `error ${code}` : 'see its log')
  return new BootServerRefusal(code, `${at} refuses ${file}${text === '' ? '' : ` ("${text}")`}: ${meaning}`)
}

export interface ReadOptions {
  /** Called with what comes, in order; answers whether more is wanted. */
  readonly take: (bytes: Uint8Array) => boolean
  /** How many blocks the server may send before it waits; firmware asks for 4 (EDK2, PcdPxeTftpWindowSize). */
  readonly window?: number
  readonly limits?: TftpLimits
  readonly signal: AbortSignal
}

/**
 * Reads a file as firmware does, at most so many bytes of it, after which the transfer is ended.
 *
 * @throws AgentError as `readByTftp`
 */
export async function fetchByTftp(
  server: TftpServer,
  file: string,
  { most, ...rest }: Omit<ReadOptions, 'take'> & { readonly most: number },
): Promise<Fetched> {
  const blocks: Uint8Array[] = []
  let length = 0
  const { size } = await readByTftp(server, file, {
    ...rest,
    take: (bytes) => {
      blocks.push(bytes)
      length += bytes.length
      return length < most
    },
  })
  return { bytes: Buffer.concat(blocks).subarray(0, most), size }
}

/**
 * Reads a file block by block, however long it is: numbers go on from 0 after 65,535, as firmware counts them. The port
 * that answers first is the transfer's (RFC 1350, section 4): packets from any other are ignored. Answers the file's size
 * in bytes, where it is known.
 *
 * @throws AgentError `unreachable` without an answer, BootServerRefusal where the server says no, `malformed`
 */
export async function readByTftp(
  { host, port = 69 }: TftpServer,
  file: string,
  options: ReadOptions,
): Promise<{ readonly size: number | undefined }> {
  const at = `the TFTP server ${host}${port === 69 ? '' : `:${port}`}`
  options.signal.throwIfAborted()
  using socket = await openTftpSocket(host, at)
  try {
    return await transfer({ at, file, port, socket }, options)
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('unreachable', `${at}: ${messageOf(error)}`, error)
  }
}

interface Transfer {
  readonly at: string
  readonly file: string
  /** The server's, where requests go. */
  readonly port: number
  readonly socket: TftpSocket
}

async function transfer({ at, file, port, socket }: Transfer, options: ReadOptions) {
  const { take, window: wanted = 1, limits = usual, signal } = options
  /** Of blocks, from 1 on, without an end. */
  let expected = 1
  let [block, window, since, length] = [512, 1, 0, 0]
  let size: number | undefined
  let peer: number | undefined
  let [last, sentAt, tries] = [readRequest(file, wanted), 0, 0]
  let [isGreeted, isGap] = [false, false]
  const send = async (packet: Buffer) => {
    last = packet
    sentAt = performance.now()
    since = 0
    await socket.send(packet, peer ?? port)
  }
  await send(last)
  for (;;) {
    const received = await socket.next(peer, limits.resendAfter, signal)
    signal.throwIfAborted()
    if (!received) {
      if (++tries > limits.resends) throw silent()
      // Of a window that broke off, what has come so far.
      await send(peer === undefined || expected === 1 ? last : acknowledgement(expected - 1))
      continue
    }
    const { packet, from } = received
    peer ??= from
    if (packet.kind === 'error') throw refusalOf(at, file, packet)
    if (packet.kind === 'options') {
      // Only the first answer may be one; it is acknowledged as block 0, again and again where that is lost.
      if (expected > 1) continue
      if (!isGreeted) [isGreeted, tries] = [true, 0]
      size = sizeIn(packet.options) ?? size
      block = blockIn(packet.options, at)
      window = windowIn(packet.options, wanted, at)
      await send(acknowledgement(0))
      continue
    }
    if (packet.block !== (expected & 0xffff)) {
      if (packet.block === 1 && expected === 0x1_0000 && window === 1)
        throw new AgentError('malformed', `${at} counts on from 1 after block 65,535, where firmware expects 0`)
      await onOther(packet.block)
      continue
    }
    ;[tries, isGap] = [0, false]
    length += packet.bytes.length
    const isWanted = take(packet.bytes)
    const isLast = packet.bytes.length < block
    expected += 1
    since += 1
    if (isLast || since === window || !isWanted)
      await send(isLast || isWanted ? acknowledgement(expected - 1) : enough())
    if (isLast) return { size: size ?? length }
    if (!isWanted) return { size }
  }

  /** What came twice, or what comes after one that was lost. It is not taken: the server sends it again from there on. */
  async function onOther(number: number): Promise<void> {
    if (expected === 1) return
    const ahead = (number - expected) & 0xffff
    const isAhead = ahead < window
    if (isAhead && isGap) return
    if (!isAhead && performance.now() - sentAt < ackAgainAfter) return
    isGap = isAhead
    await send(acknowledgement(expected - 1))
  }

  function silent(): AgentError {
    const many = ((limits.resends + 1) * limits.resendAfter) / 1_000
    const what = peer === undefined ? 'does not answer' : `stopped in the middle of ${file}`
    return new AgentError('unreachable', `${at} ${what} (${many} s): does it run, and does a firewall let UDP through?`)
  }
}

function sizeIn(options: ReadonlyMap<string, string>): number | undefined {
  const told = options.get('tsize')
  return told !== undefined && /^\d{1,15}$/.test(told) ? Number(told) : undefined
}

/** A server may choose a smaller one, and no larger. */
function blockIn(options: ReadonlyMap<string, string>, at: string): number {
  const told = options.get('blksize')
  return told === undefined ? 512 : chosen(told, { least: 8, most: blockSize }, `${at} wants blocks of`, 'bytes')
}

function windowIn(options: ReadonlyMap<string, string>, most: number, at: string): number {
  const told = options.get('windowsize')
  return told === undefined ? 1 : chosen(told, { least: 1, most }, `${at} wants windows of`, 'blocks')
}

function chosen(told: string, { least, most }: { least: number; most: number }, what: string, unit: string): number {
  const number = /^\d{1,5}$/.test(told) ? Number(told) : 0
  if (number < least || number > most)
    throw new AgentError('malformed', `${what} ${told.slice(0, 20)} ${unit}, where ${most} were asked for`)
  return number
}
