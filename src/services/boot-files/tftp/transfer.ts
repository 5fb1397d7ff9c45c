import type { Socket } from 'node:dgram'
import { messageOf } from '../../../core/errors.ts'
import { createRate } from '../../../core/netboot/making-room.ts'
import type { AbortReason } from '../../../core/netboot/boot-event.ts'
import type { TransferOptions } from '../../../core/netboot/tftp/options.ts'
import {
  acknowledgedBlock,
  errorCode,
  formatError,
  formatOptions,
  parseReply,
  writeDataHeader,
} from '../../../core/netboot/tftp/packet.ts'
import { createSender, type Sender } from '../../../core/netboot/tftp/sender.ts'
import { createReader } from '../files/reader.ts'
import type { SharedFile } from '../files/shared-file.ts'
import type { Watched } from '../watched.ts'

export interface TftpTransfer {
  /** To be called every few ms: whether something is late. */
  tick(now: number): void
  /** Ends it from our side, and says so to the client. */
  stop(): void
  /** Ends it without a word to the client, which is no longer there, or was not at all. */
  leave(): void
  /** Ends it because others have no room, and says so to the client. */
  oust(): void
  /** Whether the client has answered at all. */
  readonly isAnswered: boolean
  /** Bytes a second, of late. */
  rateAt(now: number): number
}

export interface TftpTransferOptions {
  /** Bound and connected: packets of others do not reach it (RFC 1350, section 4: another TID). */
  readonly socket: Socket
  readonly file: SharedFile
  readonly options: TransferOptions
  readonly watched: Watched
  readonly now: () => number
  /** Called once, when it is over; `whole` where the client has it all. */
  ended(whole: boolean): void
}

const headerSize = 4
/**
 * In ms: a port that is closed for so long stays closed; what the client said before that may come after it. Any other error that
 * somebody reports is of what lies between, such as a firewall that is loaded anew: the time says when it is too late.
 */
const closedFor = 50

/** Sends one file to one client. The socket and the file are closed with it. */
export function createTftpTransfer({ socket, file, options, watched, now, ended }: TftpTransferOptions): TftpTransfer {
  const { blockSize, windowSize, accepted } = options
  const { size } = file
  const blocks = Math.floor(size / blockSize) + 1
  const sender = createSender({ blocks, windowSize, hasOptions: accepted !== undefined, now: now() })
  const source = createSource(file, { blockSize, blocks, windowSize, ending: watched.ending })
  const answer = accepted && formatOptions(accepted)
  let [hasStarted, isOver] = [false, false]
  let closedAt: number | undefined

  const arrived = () => Math.min(size, sender.arrived * blockSize)

  function start(): void {
    if (hasStarted) return
    hasStarted = true
    watched.started(size, file.version, { blockSize, windowSize })
  }

  const rate = createGrowth()

  const pump = createPump({
    socket,
    sender,
    source,
    answer,
    now,
    isLockStep: windowSize === 1,
    isOver: () => isOver,
    failed: (error) => fail('unreadable', messageOf(error), 'the file can not be read'),
  })

  function receive(packet: Buffer): void {
    if (isOver) return
    closedAt = undefined
    const block = acknowledgedBlock(packet)
    if (block < 0) {
      hear(packet)
      return
    }
    const time = now()
    sender.acknowledged(block, time)
    if (!hasStarted && sender.isAnswered) start()
    if (sender.outcome === 'done') finish()
    else pump(time)
  }

  function hear(packet: Buffer): void {
    const reply = parseReply(packet)
    if (reply.kind !== 'error') return
    // EDK2 ends so after it has learned the size; no block was asked for yet.
    if (!hasStarted && options.asksSize) {
      watched.probed(size)
      over(false)
    } else {
      start()
      // RFC 1350: 3 says that no more fits, which is where EDK2 finds the file larger than it was told (PXE-E05).
      abort(reply.code === errorCode.full ? 'changed' : 'hung-up', reply.text)
    }
  }

  function finish(): void {
    start()
    watched.done(size, sender.resent)
    over(true)
  }

  /** It is not there any more: it has what it wanted, or has not. */
  function lost(reason: AbortReason, text: string): void {
    if (sender.mayBeWhole) finish()
    else abort(reason, text)
  }

  function abort(reason: AbortReason, text: string): void {
    if (isOver) return
    // Whoever has not even answered the first packet was perhaps never there.
    if (hasStarted) watched.aborted(arrived(), reason, text)
    over(false)
  }

  function fail(reason: AbortReason, text: string, said: string): void {
    if (isOver) return
    start()
    socket.send(formatError(errorCode.other, said))
    abort(reason, text)
  }

  function over(whole: boolean): void {
    isOver = true
    source.close()
    socket.close()
    file.drop()
    ended(whole)
  }

  socket.on('message', receive)
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'ECONNREFUSED') closedAt ??= now()
  })
  pump(now())

  return {
    tick: (time) => {
      if (isOver) return
      rate.reach(arrived(), time)
      if (hasStarted) watched.progressed(arrived())
      if (closedAt !== undefined && time - closedAt > closedFor) lost('hung-up', 'its port is closed')
      if (isOver || time < sender.deadline) return
      sender.expired(time)
      if (sender.outcome === 'silent') lost('silent', '')
      else pump(time)
    },
    stop: () => (sender.isAnswered ? fail('stopped', '', 'the server stops') : abort('stopped', '')),
    leave: () => abort('hung-up', 'it began anew'),
    oust: () => fail('slow', '', 'others have no room'),
    rateAt: (time) => rate.at(time),
    get isAnswered() {
      return sender.isAnswered
    },
  }
}

/** How fast a sum grows. */
function createGrowth() {
  const rate = createRate()
  let reached = 0
  return {
    reach: (sum: number, time: number) => {
      if (sum > reached) rate.add(sum - reached, time)
      reached = sum
    },
    at: rate.at,
  }
}

interface SourceOptions {
  readonly blockSize: number
  /** Of the file. */
  readonly blocks: number
  readonly windowSize: number
  /** Waited for before the last block is given out. */
  ending(): Promise<void>
}

/** The packets of a file, one for each block of a window, used again and again. */
function createSource(file: SharedFile, { blockSize, blocks, windowSize, ending }: SourceOptions) {
  const reader = createReader(file)
  let mayEnd = false
  const packets = Array.from({ length: Math.min(windowSize, blocks) }, () => Buffer.allocUnsafe(headerSize + blockSize))
  const offsetOf = (block: number) => (block - 1) * blockSize
  const lengthOf = (block: number) => Math.min(blockSize, file.size - offsetOf(block))
  return {
    /** Undefined where it is to be loaded first: its bytes are not there, or it is the last and may not leave yet. `isFree`: the packet of a block before it may be written over. */
    packetOf: (block: number, isFree: boolean): Buffer | undefined => {
      if (block === blocks && !mayEnd) return undefined
      const length = lengthOf(block)
      const mayReuse = isFree && length === blockSize
      const packet = mayReuse ? packets[block % packets.length]! : Buffer.allocUnsafe(headerSize + length)
      if (!reader.copy(offsetOf(block), length, packet, headerSize)) return undefined
      writeDataHeader(packet, block)
      return packet
    },
    load: async (block: number) => {
      await reader.load(offsetOf(block), lengthOf(block))
      if (block !== blocks || mayEnd) return
      await ending()
      mayEnd = true
    },
    close: reader.close,
  }
}

interface PumpOptions {
  readonly socket: Socket
  readonly sender: Sender
  readonly source: ReturnType<typeof createSource>
  /** The OACK. */
  readonly answer: Uint8Array | undefined
  readonly isLockStep: boolean
  readonly now: () => number
  isOver(): boolean
  failed(error: unknown): void
}

/** Sends what is to be sent whenever it is called, and goes on by itself where that had to be loaded first. */
function createPump({ socket, sender, source, answer, isLockStep, now, isOver, failed }: PumpOptions) {
  let isLoading = false
  /** The next block of what is to be sent; the plan it belongs to. */
  let [cursor, planFrom, planTo] = [0, 0, -1]

  /** Sends what is to be sent, as far as it is loaded. */
  function pump(time: number): void {
    if (isOver() || isLoading) return
    const { from, to } = sender
    if (from !== planFrom || to !== planTo) {
      cursor = from
      planFrom = from
      planTo = to
    }
    if (from > to) return
    // What waits in the socket still may not be written over. In lock-step it has arrived, or is a copy of no more use.
    const isFree = isLockStep || socket.getSendQueueCount() === 0
    for (; cursor <= to; cursor += 1) {
      if (cursor === 0) {
        socket.send(answer!)
        continue
      }
      const packet = source.packetOf(cursor, isFree)
      if (!packet) {
        load(cursor)
        return
      }
      socket.send(packet)
    }
    planTo = -1
    planFrom = 0
    sender.sent(time)
  }

  function load(block: number): void {
    isLoading = true
    source.load(block).then(
      () => {
        isLoading = false
        pump(now())
      },
      (error: unknown) => {
        isLoading = false
        failed(error)
      },
    )
  }

  return pump
}
