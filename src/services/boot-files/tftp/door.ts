import { createSocket, type RemoteInfo, type Socket, type SocketType } from 'node:dgram'
import type { RefusalReason } from '../../../core/netboot/boot-event.ts'
import { grantOptions } from '../../../core/netboot/tftp/options.ts'
import { errorCode, formatError, parseRequest } from '../../../core/netboot/tftp/packet.ts'
import { chooseToLeave } from '../../../core/netboot/making-room.ts'
import type { Desk } from '../desk.ts'
import { reasonOf } from '../files/open-file.ts'
import { createTftpTransfer, type TftpTransfer } from './transfer.ts'

/** In ms: how exact the shortest timeout is. */
const ticksEvery = 10
/** In bytes: a window of large blocks, and requests that come while a disk is slow. The system may give less. */
const socketBuffer = 1_048_576

/** A request for a file, or for what we don't do. */
interface Asked {
  readonly key: string
  readonly packet: Buffer
  readonly request: Exclude<ReturnType<typeof parseRequest>, { kind: 'other' }>
}

export interface TftpPlace {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly port: number
}

/** In ms: so long a copy of a request may be under way. A machine that is reset takes longer. */
const copiesWithin = 1_000

/** One running transfer, and what its client asked for. */
interface Running {
  readonly client: string
  /** The request, byte for byte. */
  readonly asked: Buffer
  readonly since: number
  readonly transfer: TftpTransfer
}

/** What is said to a client that is refused (RFC 1350, appendix). Whoever asks too often is told nothing. */
const refusals: Readonly<Record<Exclude<RefusalReason, 'busy'>, readonly [code: number, text: string]>> = {
  'not-found': [errorCode.notFound, 'no such file'],
  forbidden: [errorCode.forbidden, 'no plain file of what is served'],
  unreadable: [errorCode.forbidden, 'the file can not be read'],
  unsupported: [errorCode.forbidden, 'only reading in mode octet is served'],
}

/**
 * Serves files by TFTP on some addresses until it is disposed of. Each transfer has a socket of its own, bound to the
 * address that was asked.
 *
 * @throws Error of the system where it can't listen, with a `code`
 */
export async function openTftp(places: readonly TftpPlace[], desk: Desk): Promise<AsyncDisposable> {
  /** By client address and port, the oldest first. */
  const running = new Map<string, Running>()
  /** Requests that are being answered: the same one that comes again is not another. */
  const coming = new Set<string>()
  /** Those of them that have a place: their clients. */
  const admitted = new Map<string, string>()
  let ticking: NodeJS.Timeout | undefined
  let isClosed = false

  function tick(): void {
    const now = desk.now()
    for (const { transfer } of running.values()) transfer.tick(now)
    if (running.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }

  async function answer(door: Socket, place: TftpPlace, packet: Buffer, { address, port }: RemoteInfo): Promise<void> {
    // Nothing can be sent there (RFC 768).
    if (port === 0) return
    const client = address.replace(/%.*$/, '')
    const key = `${client} ${port}`
    const request = parseRequest(packet)
    if (request.kind === 'other' || coming.has(key)) return
    const before = running.get(key)
    if (before && isCopy(before, packet, desk.now())) return
    if (!desk.allows('tftp', client)) return
    // From the same port: it was reset. A word to it would count as the answer to what it asks now.
    before?.transfer.leave()
    coming.add(key)
    try {
      const refused = await begin(place, { key, packet, request }, { client, address, port })
      if (refused !== undefined && refused !== 'busy') {
        const [code, text] = refusals[refused]
        door.send(formatError(code, text), port, address, () => {})
      }
    } finally {
      coming.delete(key)
      admitted.delete(key)
    }
  }

  async function begin(
    place: TftpPlace,
    { key, packet, request }: Asked,
    { client, address, port }: { readonly client: string; readonly address: string; readonly port: number },
  ): Promise<RefusalReason | undefined> {
    const watched = await desk.watch('tftp', client, request.kind === 'read' ? request.name : '')
    const refuse = (reason: RefusalReason) => {
      watched.refused(reason)
      return reason
    }
    // A mode that changes line ends would spoil every image.
    if (request.kind !== 'read' || request.mode !== 'octet') return refuse('unsupported')
    if (!makeRoom(client)) return refuse('busy')
    admitted.set(key, client)
    const lent = await desk.library.lend(client, request.name)
    if ('refused' in lent) return refuse(lent.refused)
    const { file } = lent
    const socket = await openTransferSocket(place, address, port).catch(reasonOf)
    if (typeof socket === 'string') {
      file.drop()
      // Else nothing can be sent there: it is a group's address, or no way leads there.
      return socket === 'busy' ? refuse('busy') : undefined
    }
    if (isClosed) {
      file.drop()
      socket.close()
      return undefined
    }
    const transfer = createTftpTransfer({
      socket,
      file,
      options: grantOptions(request.options, file.size, desk.limits),
      watched,
      now: desk.now,
      ended: (whole) => {
        if (running.get(key)?.transfer === transfer) running.delete(key)
        if (whole) desk.library.forget(client, request.name)
      },
    })
    running.set(key, { client, asked: packet, since: desk.now(), transfer })
    ticking ??= setInterval(tick, ticksEvery)
    return undefined
  }

  /**
   * Whoever has not answered in time makes room for others, the oldest first: it may be a forged request, or a machine that was reset.
   * Where many machines begin at once none may have answered yet; a newcomer asks again.
   */
  function makeRoom(client: string): boolean {
    const { perAddress, transfers, answersWithin } = desk.limits
    const own = [...running.values()].filter((one) => one.client === client)
    const isFull = own.length + [...admitted.values()].filter((one) => one === client).length >= perAddress
    if (!isFull && running.size + admitted.size < transfers) return true
    const among = isFull ? own : [...running.values()]
    const late = desk.now() - answersWithin
    const unanswered = among.find(({ transfer, since }) => !transfer.isAnswered && since < late)
    unanswered?.transfer.leave()
    if (unanswered || isFull) return unanswered !== undefined
    const leaving = slowest(running.values(), desk, client)
    leaving?.transfer.oust()
    return leaving !== undefined
  }

  const doors = await openDoors(places, answer, desk)
  return {
    [Symbol.asyncDispose]: async () => {
      isClosed = true
      await doors.disposeAsync()
      for (const { transfer } of running.values()) transfer.stop()
      clearInterval(ticking)
    },
  }
}

type Answer = (door: Socket, place: TftpPlace, packet: Buffer, from: RemoteInfo) => Promise<void>

/** @throws Error of the system, with a `code`; none is open then */
async function openDoors(
  places: readonly TftpPlace[],
  answer: Answer,
  { failed }: Pick<Desk, 'failed'>,
): Promise<AsyncDisposableStack> {
  await using opened = new AsyncDisposableStack()
  for (const place of places) {
    const door = await bind(place, place.port)
    opened.defer(() => close(door))
    door.on('message', (packet, from) => {
      answer(door, place, packet, from).catch(failed)
    })
    door.on('error', failed)
  }
  return opened.move()
}

/**
 * Whether a request from the port of a transfer is the one that began it, once more: our first packet is on its way, and is
 * sent again by time. Other words are another request; the same ones after a while are those of a machine that was reset.
 */
function isCopy({ asked, since, transfer }: Running, packet: Buffer, now: number): boolean {
  return asked.equals(packet) && (!transfer.isAnswered || now - since < copiesWithin)
}

/** Whoever acknowledges a block now and then keeps no other machine out. */
function slowest(running: Iterable<Running>, { now, holderOf }: Desk, newcomer: string): Running | undefined {
  const time = now()
  const served = [...running].map((one) => ({
    one,
    holder: holderOf(one.client),
    since: one.since,
    rate: one.transfer.rateAt(time),
  }))
  return chooseToLeave(served, holderOf(newcomer), time)?.one
}

/** @throws Error of the system, with a `code`; the socket is closed then */
export async function openTransferSocket(place: TftpPlace, address: string, port: number): Promise<Socket> {
  const socket = await bind(place, 0)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.connect(port, address, (error?: Error) => (error ? reject(error) : resolve()))
    })
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

function bind({ address, family }: TftpPlace, port: number): Promise<Socket> {
  const type: SocketType = family === 'IPv6' ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: socketBuffer, sendBufferSize: socketBuffer })
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close()
      reject(error)
    }
    socket.once('error', fail)
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}
