import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { parseConfig } from '../../../src/config/config.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import type { BootEvent } from '../../../src/core/netboot/dhcp-event.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../../src/core/netboot/dhcp/packet.ts'
import type { Interfaces } from '../../../src/core/netboot/places.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { type ProxyLimits, proxyLimits } from '../../../src/services/proxy-dhcp/limits.ts'
import { section } from '../../../src/services/proxy-dhcp/section.ts'
import { startProxy } from '../../../src/services/proxy-dhcp/work.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { silentLog } from '../../fakes/log.ts'

/** Addresses of the loopback that stand for a network: ours, where broadcasts are heard, and where clients hear theirs. */
export const ownAddress = '127.0.125.1'
const everywhere = '127.0.125.8'
const clients = '127.0.125.9'

/** An address of an interface. */
export const addressed = (address: string) => ({ address, family: 'IPv4', netmask: '255.255.255.0', internal: false })
const lan = addressed(ownAddress)

export interface ProxyOptions {
  /** Lines of the section `proxyDhcp`, beside where it listens. */
  readonly proxy?: Readonly<Record<string, unknown>>
  /** Lines of the section `share`, beside its directory. */
  readonly share?: string
  /** The section of what serves files. */
  readonly bootFiles?: object
  /** Lines of the configuration. */
  readonly config?: string
  /** What is published on the share. */
  readonly names?: readonly PublishedName[]
  readonly limits?: Partial<ProxyLimits>
  readonly now?: () => Date
  /** The interfaces of this machine. */
  readonly interfaces?: () => Interfaces
  /** In place of ports that are free. */
  readonly ports?: { readonly server: number; readonly proxy: number }
}

/** Ports that are free on our own address. */
export const freePorts = async () => ({ server: await freePort(), proxy: await freePort() })

/** The proxy on ports of its own, with one client whose socket hears what everybody would. */
export async function openProxy({
  proxy = {},
  share = '',
  config = '',
  bootFiles,
  names = [],
  limits = {},
  now = () => new Date(),
  interfaces = () => ({ lan: [lan] }),
  ports,
}: ProxyOptions = {}) {
  await using stack = new AsyncDisposableStack()
  const client = await bind(stack, clients)
  const { server, proxy: again } = ports ?? (await freePorts())
  const journal = memoryJournal()
  const alerts = createAlerts(journal, now)
  let lookUps = 0
  const counting: typeof journal = {
    ...journal,
    records: (kind) => {
      lookUps += 1
      return journal.records(kind)
    },
  }
  const seen: BootEvent[] = []
  const meter = createMeter()
  const own = section.parse({ listen: ['lan'], ...proxy })!
  const text = `schematic: homelab\nshare: { directory: share, ${share} }\n${config}`
  const whole = { ...parseConfig(text, 'test.yaml'), proxyDhcp: own, bootFiles }
  const stop = new AbortController()
  let restarts = 0
  const running = await startProxy(
    {
      section: own,
      config: () => whole,
      ports: { journal: counting, share: { names: async () => names } } as never,
      onEvent: () => {},
      alerts,
      log: silentLog,
      signal: stop.signal,
      notice: { boot: (event: BootEvent) => void seen.push(event) } as never,
      now,
      monotonic: () => performance.now(),
      meter,
      restart: () => void (restarts += 1),
    },
    {
      ports: { server, client: client.address().port, proxy: again, broadcast: clients, everywhere },
      limits: { ...proxyLimits, ...limits },
      interfaces,
      looksEvery: 20,
    },
  )
  stack.use(running)
  const heard: DhcpMessage[] = []
  client.on('message', (bytes) => heard.push(parseDhcp(bytes)!))
  const send = (bytes: Uint8Array, to: { readonly address: string; readonly port: number }) =>
    new Promise<void>((resolve) => client.send(bytes, to.port, to.address, () => resolve()))
  const parts = stack.move()
  return {
    heard,
    seen,
    meter,
    /** How often something was asked of the journal. */
    lookUps: () => lookUps,
    alerts,
    journal,
    running,
    restarts: () => restarts,
    /** To everybody, at port 67. */
    broadcast: (message: DhcpMessage) => send(formatDhcp(message), { address: everywhere, port: server }),
    /** To us alone, at port 67, as a relay does. */
    relay: (message: DhcpMessage) => send(formatDhcp(message), { address: ownAddress, port: server }),
    askAgain: (message: DhcpMessage) => send(formatDhcp(message), { address: ownAddress, port: again }),
    raw: (bytes: Uint8Array) => send(bytes, { address: everywhere, port: server }),
    /** Once everything that was sent before has been looked at: answers nothing, and is told of. */
    settled: async (message: DhcpMessage) => {
      const count = seen.length
      await send(formatDhcp(message), { address: everywhere, port: server })
      while (seen.length === count) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await parts.disposeAsync()
    },
  }
}

async function bind(stack: AsyncDisposableStack, address: string, port = 0): Promise<Socket> {
  const socket = createSocket('udp4')
  stack.defer(() => new Promise((resolve) => socket.close(() => resolve())))
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

async function freePort(): Promise<number> {
  await using stack = new AsyncDisposableStack()
  return (await bind(stack, ownAddress)).address().port
}
