import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { calledOff } from './options.ts'
import { allOutlets, broadcastOf, describeOutlets, type Interfaces, type Outlet, outletsTo } from './outlets.ts'

export interface PacketOrder {
  readonly doing: string
  readonly packets: readonly Buffer[]
  /** IPv4 addresses. 255.255.255.255 is sent from every interface whose network the machine is in. */
  readonly destinations: readonly string[]
  readonly port: number
  /** The name of an interface that all of them leave by. */
  readonly leavesBy: string | undefined
  /** IP addresses of the machine, as far as known. */
  readonly machine: readonly string[]
  readonly signal: AbortSignal
  readonly log: Logger | undefined
}

/** A way for a packet: from an address of ours, or by what the kernel's routes say. */
interface Way {
  readonly from: string | undefined
  readonly destination: string
}

/** To all in the network of the address that it is sent from (RFC 919). No router passes it on. */
const everyone = '255.255.255.255'
/** Copies of each packet: UDP may lose some, and an extra one is harmless. */
const copies = 3
/** In ms, for opening the sockets and sending. */
const sentWithin = 5_000

/** @throws AgentError `unreachable` where not one packet left, and where the interface is not there */
export async function sendPackets(order: PacketOrder): Promise<void> {
  const { doing, packets, port, signal, log } = order
  const ways = waysOf(order, networkInterfaces())
  const limited = AbortSignal.any([signal, AbortSignal.timeout(sentWithin)])
  const sockets = new Map<string | undefined, Socket>()
  try {
    const outcomes = await orAborted(limited, () =>
      Promise.all(
        [...Map.groupBy(ways, ({ from }) => from)].map(async ([from, group]) => {
          const socket = createSocket({ type: 'udp4', lookup: onlyAddresses })
          sockets.set(from, socket)
          const broken = await open(socket, from).catch(messageOf)
          if (typeof broken === 'string')
            return group.map(({ destination }) => `${destination} from ${from}: ${broken}`)
          return Promise.all(group.map(({ destination }) => sendTo(socket, packets, port, destination)))
        }),
      ),
    )
    const failures = outcomes.flat().filter((why) => why !== undefined)
    if (failures.length === ways.length) throw new Error(failures.join('; ') || 'there is no destination')
    // The others were sent: one unreachable destination is not a failure.
    for (const reason of failures) log?.warn({ reason }, `${doing}: could not send to one of its destinations`)
  } catch (error) {
    if (signal.aborted) throw calledOff(doing, signal)
    throw new AgentError('unreachable', `${doing}: no magic packet could be sent: ${messageOf(error)}`, error)
  } finally {
    for (const socket of sockets.values()) socket.close()
  }
}

/**
 * Where packets for a machine would leave; nothing is sent.
 *
 * @throws AgentError `unreachable` where no interface is in its network, or none leads to its broadcast address
 */
export async function findOutlets(order: Omit<PacketOrder, 'packets' | 'log' | 'signal'>): Promise<readonly Outlet[]> {
  const { doing, machine, destinations, leavesBy } = order
  const all = networkInterfaces()
  if (leavesBy !== undefined) return outletsBy(doing, leavesBy, all)
  const isBroad = destinations.includes(everyone)
  const routed = await Promise.all(
    destinations.filter((one) => one !== everyone).map((one) => routeTo(one, order.port, all)),
  )
  const found = [...(isBroad ? outletsTo(all, machine) : []), ...routed.filter((one) => typeof one !== 'string')]
  if (found.length > 0) return found
  const others = allOutlets(all)
  const here = others.length === 0 ? 'none' : describeOutlets(others)
  const missing = [
    ...(isBroad ? [`no network interface here is in the network of ${machine.join(' or ') || 'its address'}`] : []),
    ...routed.filter((one) => typeof one === 'string'),
  ]
  throw new AgentError(
    'unreachable',
    `${doing}: ${missing.join('; ')} (found: ${here}), and magic packets pass no router: set wake.broadcast or wake.interface`,
  )
}

/** What is left out where a machine's network is not known: a packet by each interface is better than none. */
function waysOf({ doing, destinations, leavesBy, machine }: PacketOrder, all: Interfaces): readonly Way[] {
  if (leavesBy !== undefined) {
    const own = outletsBy(doing, leavesBy, all)
    const broadcasts = own.flatMap(({ broadcast }) => broadcast ?? [])
    return [...new Set([...destinations, ...broadcasts])].map((destination) => ({
      from: own[0]!.address,
      destination,
    }))
  }
  const near = outletsTo(all, machine)
  return [...new Set(destinations)].flatMap((destination): readonly Way[] => {
    if (destination !== everyone) return [{ from: undefined, destination }]
    const outlets = near.length > 0 ? near : allOutlets(all)
    return outlets.flatMap(({ address: from, broadcast }) => [
      { from, destination },
      ...(broadcast === undefined ? [] : [{ from, destination: broadcast }]),
    ])
  })
}

/** Undefined where at least one copy left, else why none did. */
async function sendTo(
  socket: Socket,
  packets: readonly Buffer[],
  port: number,
  destination: string,
): Promise<string | undefined> {
  const all = Array.from({ length: copies }, () => packets).flat()
  const sent = await Promise.allSettled(all.map((packet) => send(socket, packet, port, destination)))
  const failed = sent.filter((copy) => copy.status === 'rejected')
  return failed.length < all.length ? undefined : `${destination}: ${messageOf(failed[0]!.reason)}`
}

function send(socket: Socket, packet: Buffer, port: number, destination: string): Promise<void> {
  return new Promise((resolve, reject) =>
    // What is wrong with the port itself is thrown, and ends here too.
    socket.send(packet, port, destination, (error) => (error ? reject(error) : resolve())),
  )
}

/** Linux sends a broadcast from the interface whose address its socket has (ip-route's "special hack" for them). */
async function open(socket: Socket, address: string | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.bind(address === undefined ? {} : { address }, resolve)
  })
  socket.setBroadcast(true)
}

/** Where a packet to this address leaves by the kernel's routes, or why it does not. Connecting a UDP socket sends nothing. */
async function routeTo(destination: string, port: number, all: Interfaces): Promise<Outlet | string> {
  const socket = createSocket({ type: 'udp4', lookup: onlyAddresses })
  try {
    await open(socket, undefined)
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', resolve)
      // With a callback of ours it would be told there of an error, and nowhere else.
      socket.connect(port, destination)
    })
    const { address } = socket.address()
    const by = Object.entries(all).find(([, own]) => own?.some((one) => one.address === address))
    return { interface: by?.[0] ?? 'an interface', address, broadcast: destination }
  } catch (error) {
    return `${destination} has no route (${messageOf(error)})`
  } finally {
    socket.close()
  }
}

/** The IPv4 addresses of an interface. Interfaces come and go. */
function outletsBy(doing: string, name: string, all: Interfaces): readonly Outlet[] {
  const own = Object.hasOwn(all, name) ? (all[name] ?? []) : []
  const outlets = own
    .filter(({ family }) => family === 'IPv4')
    .map(({ address, netmask }) => ({ interface: name, address, broadcast: broadcastOf(address, netmask) }))
  if (outlets.length > 0) return outlets
  const others = Object.keys(all).filter((other) => all[other]!.some(({ family }) => family === 'IPv4'))
  throw new AgentError(
    'unreachable',
    `${doing}: no interface ${name} with an IPv4 address; found: ${others.join(', ') || 'none'}`,
  )
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
