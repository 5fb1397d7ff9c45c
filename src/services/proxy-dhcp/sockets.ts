import { createSocket, type Socket } from 'node:dgram'
import type { Place } from '../../core/netboot/places.ts'

/** Where DHCP is spoken: its own ports and address for everybody, but in a test. */
export interface ProxyPorts {
  readonly server: number
  readonly client: number
  readonly proxy: number
  readonly broadcast: string
  /** Where broadcasts are heard. */
  readonly everywhere: string
}

export const usualPorts: ProxyPorts = {
  server: 67,
  client: 68,
  proxy: 4011,
  broadcast: '255.255.255.255',
  everywhere: '0.0.0.0',
}

/** A message, and where it came in. */
export interface Heard {
  readonly bytes: Buffer
  readonly from: { readonly address: string; readonly port: number }
  /** `server`: port 67. `proxy`: port 4011. */
  readonly at: 'server' | 'proxy'
  /** Our own address that it was sent to; undefined of a broadcast, for which no system tells the network. */
  readonly place: Place | undefined
}

export interface Sockets extends AsyncDisposable {
  /** Sends from one of our addresses: a broadcast leaves by the interface that has it. */
  send(
    packet: Uint8Array,
    from: { readonly place: Place; readonly at: Heard['at'] },
    to: { readonly address: string; readonly port: number },
  ): Promise<void>
}

/**
 * Opens what is needed for these places: one socket that hears broadcasts, and for each place one that what goes out leaves
 * from, and that hears what relays pass on; and one for port 4011. Port 67 is shared with a DHCP server of this machine
 * that shares it, too.
 *
 * @throws the system's error, with its code, address and port
 */
export async function openSockets(
  places: readonly Place[],
  hear: (heard: Heard) => void,
  failed: (error: Error) => void,
  ports: ProxyPorts = usualPorts,
): Promise<Sockets> {
  await using stack = new AsyncDisposableStack()
  const open = (address: string, port: number, at: Heard['at'], place: Place | undefined) =>
    openOne({ address, port }, stack, (bytes, from) => hear({ bytes, from, at, place }), failed)
  await open(ports.everywhere, ports.server, 'server', undefined)
  const servers = new Map<string, Socket>()
  const proxies = new Map<string, Socket>()
  for (const place of places) {
    const server = await open(place.address, ports.server, 'server', place)
    server.setBroadcast(true)
    servers.set(place.address, server)
    proxies.set(place.address, await open(place.address, ports.proxy, 'proxy', place))
  }
  const parts = stack.move()
  return {
    send: (packet, { place, at }, { address, port }) => {
      const socket = (at === 'server' ? servers : proxies).get(place.address)!
      return new Promise((resolve, reject) => {
        socket.send(packet, port, address, (error) => (error ? reject(error) : resolve()))
      })
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function openOne(
  at: { readonly address: string; readonly port: number },
  stack: AsyncDisposableStack,
  hear: (bytes: Buffer, from: Heard['from']) => void,
  failed: (error: Error) => void,
): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  stack.defer(() => new Promise((resolve) => socket.close(() => resolve())))
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(at, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  socket.on('error', failed)
  socket.on('message', (bytes, { address, port }) => hear(bytes, { address, port }))
  return socket
}
