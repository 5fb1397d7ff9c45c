import type { Socket } from 'node:net'
import { createAllowance } from '../../core/allowance.ts'
import { canonicalAddress } from '../../core/address.ts'
import { clientKey } from '../../http/addresses.ts'
import type { DoorLimits } from './limits.ts'

/** Why a connection is hung up on before a byte of it was read. */
export type Unwanted = 'stranger' | 'too-many'

export interface ConnectionGate {
  /** Looks at a new connection, and hangs up on it where there is to be none. Answers whether it stays. */
  admit(socket: Socket): boolean
  /** A request has arrived by it: it is not in anybody's way any more. */
  asks(socket: Socket): void
}

export interface GateOptions {
  readonly limits: DoorLimits
  readonly isAllowed: (address: string) => boolean
  /** Whether it is in a network of ours: there each IPv6 address counts for itself, because all machines share one /64. */
  readonly isNear?: (address: string) => boolean
  /** Whether something is approved for a machine at this address: however many strangers there are, it comes in. */
  readonly isExpected: (address: string) => boolean
  /** Monotonic, in ms. */
  readonly now: () => number
  readonly unwanted: (why: Unwanted, address: string) => void
}

/**
 * Bounds what strangers cost before anything of theirs is read: no handshake, no parser. Where all places are taken, who
 * has said nothing for longest makes room, so that whoever has something to ask comes in.
 */
export function createConnectionGate(options: GateOptions): ConnectionGate {
  const { limits, isAllowed, isNear = () => false, isExpected, now, unwanted } = options
  const each = createAllowance(limits, now)
  const all = createAllowance({ burst: limits.allBurst, perSecond: limits.allPerSecond }, now)
  const open = new Map<string, number>()
  /** Those that have not asked yet, the oldest first. */
  const silent = new Map<string, Socket>()
  let total = 0

  function refuse(socket: Socket, why: Unwanted, address: string): false {
    socket.destroy()
    unwanted(why, address)
    return false
  }
  function count(socket: Socket, client: string): void {
    total += 1
    open.set(client, (open.get(client) ?? 0) + 1)
    const peer = peerOf(socket)
    silent.set(peer, socket)
    socket.once('close', () => {
      total -= 1
      silent.delete(peer)
      const left = (open.get(client) ?? 1) - 1
      if (left > 0) open.set(client, left)
      else open.delete(client)
    })
  }

  return {
    admit: (socket) => {
      const address = canonicalAddress(socket.remoteAddress ?? '')
      // It has hung up already.
      if (address === undefined) {
        socket.destroy()
        return false
      }
      const client = isNear(address) || isExpected(address) ? address : clientKey(address)
      if (!isAllowed(address)) return refuse(socket, 'stranger', address)
      const isOver = (open.get(client) ?? 0) >= limits.perAddress
      if (isOver || !each.take(client)) return refuse(socket, 'too-many', address)
      if (!all.take('') && !isExpected(address)) return refuse(socket, 'too-many', address)
      if (total >= limits.connections) {
        const [oldest] = silent
        if (!oldest) return refuse(socket, 'too-many', address)
        silent.delete(oldest[0])
        oldest[1].destroy()
      }
      count(socket, client)
      return true
    },
    asks: (socket) => void silent.delete(peerOf(socket)),
  }
}

/** By which a connection is known: the socket of TLS is another one than the one that it stands on. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
