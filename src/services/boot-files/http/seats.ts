import type { Socket } from 'node:net'
import { chooseToLeave, createRate, type Rate } from '../../../core/netboot/making-room.ts'
import { peerAddress } from '../../../http/addresses.ts'

export interface SeatLimits {
  /** Connections at a time, in all and of one address. */
  readonly connections: number
  readonly perAddress: number
}

export interface SeatOptions {
  readonly limits: SeatLimits
  readonly now: () => number
  /** Who is behind an address: its card, where that is known. */
  readonly holderOf: (client: string) => string
}

/** All connections, so that slow ones keep nobody out. */
export interface Seats {
  /** A new connection, or the TLS socket on it. Where there is no seat it stays open long enough for a 503. */
  take(socket: Socket): void
  /** Whether it got no seat: its request is answered with 503. */
  isTurnedAway(socket: Socket): boolean
  /** Whether it had to make room for another. */
  isOusted(socket: Socket): boolean
  /** So many bytes more have left by this connection. */
  passed(socket: Socket, bytes: number): void
}

interface Seat {
  /** The last that was taken: the one to hang up on. */
  socket: Socket
  readonly client: string
  readonly holder: string
  readonly since: number
  readonly rate: Rate
}

/** In ms: a connection without a seat has so long to send its request and read the 503. */
const turnedAwayWithin = 2_000

export function createSeats({ limits, now, holderOf }: SeatOptions): Seats {
  const seats = new Map<string, Seat>()
  const ousted = new WeakSet<Socket>()
  /** Connections that got no seat, by the same keys: their clients. */
  const turnedAway = new Map<string, string>()

  function admit(key: string, socket: Socket): boolean {
    const client = peerAddress(socket)
    const own = [...seats.values()].filter((seat) => seat.client === client)
    if (own.length >= limits.perAddress) return false
    const holder = holderOf(client)
    const time = now()
    if (seats.size >= limits.connections) {
      const served = [...seats].map(([at, seat]) => ({ ...seat, at, rate: seat.rate.at(time) }))
      const leaving = chooseToLeave(served, holder, time)
      if (!leaving) return false
      seats.delete(leaving.at)
      ousted.add(leaving.socket)
      leaving.socket.destroy()
    }
    seats.set(key, { socket, client, holder, since: time, rate: createRate() })
    return true
  }

  /** Bounded in all and for each address, as seats are: the rest is a flood, and hung up on. */
  function turnAway(key: string, socket: Socket): void {
    const client = peerAddress(socket)
    const own = [...turnedAway.values()].filter((one) => one === client)
    if (own.length >= limits.perAddress || turnedAway.size >= limits.connections) return void socket.destroy()
    turnedAway.set(key, client)
    const timer = setTimeout(() => socket.destroy(), turnedAwayWithin).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      turnedAway.delete(key)
    })
  }

  return {
    take: (socket) => {
      const key = keyOf(socket)
      // What speaks TLS on it comes a second time.
      if (turnedAway.has(key)) return
      const seat = seats.get(key)
      if (seat) seat.socket = socket
      else if (!admit(key, socket)) return turnAway(key, socket)
      socket.once('close', () => {
        if (seats.get(key)?.socket === socket) seats.delete(key)
      })
    },
    isTurnedAway: (socket) => turnedAway.has(keyOf(socket)),
    isOusted: (socket) => ousted.has(socket),
    passed: (socket, bytes) => seats.get(keyOf(socket))?.rate.add(bytes, now()),
  }
}

/** What speaks TLS has the addresses of the connection that it speaks on. */
function keyOf({ remoteAddress = '', remotePort = 0, localAddress = '' }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`
}
