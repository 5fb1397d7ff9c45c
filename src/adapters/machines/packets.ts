import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { calledOff } from './options.ts'

export interface PacketOrder {
  readonly doing: string
  readonly packet: Buffer
  /** IPv4 addresses. */
  readonly destinations: readonly string[]
  readonly port: number
  /** The name of an interface. */
  readonly leavesBy: string | undefined
  readonly signal: AbortSignal
  readonly log: Logger | undefined
}

/** Copies of each packet: UDP may lose some, and an extra one is harmless. */
const copies = 3
/** In ms, for opening the socket and sending. */
const sentWithin = 5_000

/** @throws AgentError `unreachable` where not one packet left, and where the interface is not there */
export async function sendPackets(order: PacketOrder): Promise<void> {
  const { doing, packet, port, leavesBy, signal, log } = order
  const from = leavesBy === undefined ? undefined : addressesOf(doing, leavesBy)
  const destinations = [...new Set([...order.destinations, ...(from?.broadcasts ?? [])])]
  const limited = AbortSignal.any([signal, AbortSignal.timeout(sentWithin)])
  const socket = createSocket({ type: 'udp4', lookup: onlyAddresses })
  try {
    const outcomes = await orAborted(limited, async () => {
      await bind(socket, from?.address)
      socket.setBroadcast(true)
      return Promise.all(destinations.map((destination) => sendTo(socket, packet, port, destination)))
    })
    const failures = outcomes.filter((why) => why !== undefined)
    if (failures.length === destinations.length) throw new Error(failures.join('; ') || 'there is no destination')
    // The others were sent: one unreachable destination is not a failure.
    for (const reason of failures) log?.warn({ reason }, `${doing}: could not send to one of its destinations`)
  } catch (error) {
    if (signal.aborted) throw calledOff(doing, signal)
    throw new AgentError('unreachable', `${doing}: no magic packet could be sent: ${messageOf(error)}`, error)
  } finally {
    socket.close()
  }
}

/** Undefined where at least one copy left, else why none did. */
async function sendTo(socket: Socket, packet: Buffer, port: number, destination: string): Promise<string | undefined> {
  const sent = await Promise.allSettled(Array.from({ length: copies }, () => send(socket, packet, port, destination)))
  const failed = sent.filter((copy) => copy.status === 'rejected')
  return failed.length < copies ? undefined : `${destination}: ${messageOf(failed[0]!.reason)}`
}

function send(socket: Socket, packet: Buffer, port: number, destination: string): Promise<void> {
  return new Promise((resolve, reject) =>
    // What is wrong with the port itself is thrown, and ends here too.
    socket.send(packet, port, destination, (error) => (error ? reject(error) : resolve())),
  )
}

function bind(socket: Socket, address: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.bind(address === undefined ? {} : { address }, resolve)
  })
}

/** Its first IPv4 address, and the broadcast address of each of its networks. Interfaces come and go. */
function addressesOf(
  doing: string,
  name: string,
): { readonly address: string; readonly broadcasts: readonly string[] } {
  const all = networkInterfaces()
  const own = (Object.hasOwn(all, name) ? (all[name] ?? []) : []).filter(({ family }) => family === 'IPv4')
  const [first] = own
  if (first)
    return { address: first.address, broadcasts: own.flatMap((one) => broadcastOf(one.address, one.netmask) ?? []) }
  const others = Object.keys(all).filter((other) => all[other]!.some(({ family }) => family === 'IPv4'))
  throw new AgentError(
    'unreachable',
    `${doing}: no interface ${name} with an IPv4 address; found: ${others.join(', ') || 'none'}`,
  )
}

/** The last address of the network; undefined where it has no broadcast, as /31 (RFC 3021) and /32. */
export function broadcastOf(address: string, netmask: string): string | undefined {
  const [own, mask] = [address, netmask].map((text) => text.split('.').map(Number)) as [number[], number[]]
  if (mask[3]! >= 254) return undefined
  return own.map((part, index) => part | (~mask[index]! & 255)).join('.')
}

/** No names: each packet would cost a lookup in a DNS that may be down as well. */
function onlyAddresses(
  host: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(isIPv4(host) ? null : new Error('not an IPv4 address'), host, 4)
}

function orAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('not sent in time'))
    signal.addEventListener('abort', late, { once: true })
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', late))
  })
}
