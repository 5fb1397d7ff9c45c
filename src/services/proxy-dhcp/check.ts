import { networkInterfaces } from 'node:os'
import { choosePlaces, type Place } from '../../core/netboot/places.ts'
import { askDaemon } from '../../http/ask-daemon.ts'
import { whoListens } from '../../http/port-holder.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
import type { ProxyDhcpSection } from './section.ts'
import { openSockets, type ProxyPorts, usualPorts } from './sockets.ts'

/** What is wrong with where machines are to be answered. */
export async function checkProxy(
  { section, files }: CheckContext<ProxyDhcpSection | undefined>,
  ports: ProxyPorts = usualPorts,
): Promise<readonly SectionFault[]> {
  if (section === undefined) return []
  const { places, missing } = choosePlaces(section.listen, networkInterfaces())
  const found: SectionFault[] = missing.map((why) => ({ setting: 'proxyDhcp.listen', why }))
  const usable = places.filter(({ family }) => family === 'IPv4')
  if (usable.length > 0) return [...found, ...(await checkPorts(usable, files.state, ports))]
  if (missing.length > 0) return found
  return [{ setting: 'proxyDhcp.listen', why: 'none of these is an IPv4 address, and DHCP has no other' }]
}

/** Tries them for a moment, unless the daemon that runs has them: what is sent to one of us is heard by one of us. */
async function checkPorts(
  places: readonly Place[],
  state: string,
  ports: ProxyPorts,
): Promise<readonly SectionFault[]> {
  if ((await askDaemon(state))?.running.includes('proxy-dhcp')) return []
  try {
    const sockets = await openSockets(
      places,
      () => {},
      () => {},
      ports,
    )
    await sockets[Symbol.asyncDispose]()
    return []
  } catch (error) {
    const fault = await describeListenFault(error as ListenFault, ports)
    // The daemon may have a right that whoever checks has not.
    return [(error as ListenFault).code === 'EACCES' ? { ...fault, severity: 'warning' } : fault]
  }
}

/** What the system says of a socket that it refuses. */
export type ListenFault = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number }

/** Why nothing can listen there, and what to do. */
export async function describeListenFault(
  { code, address, port = 67, message }: ListenFault,
  ports: ProxyPorts = usualPorts,
): Promise<SectionFault> {
  const setting = 'proxyDhcp.listen'
  if (code === 'EACCES')
    return {
      setting,
      why: `this user may not listen on port ${port}: give the daemon CAP_NET_BIND_SERVICE, as docs/netboot.md says for systemd and for containers`,
    }
  if (code === 'EADDRINUSE') {
    const holder = await whoListens(port, { protocol: 'udp', address })
    const isServers = port === ports.server
    const who = holder
      ? `${holder.name} (process ${holder.pid})`
      : `another program${isServers ? ', mostly a DHCP server' : ''}`
    const advice = isServers
      ? 'let that tell machines what to boot, as `caretaker netboot recipe` says'
      : 'stop that, if it is another server for booting'
    return {
      setting,
      why: `port ${port} of this machine is in use by ${who}: ${advice}, or run Caretaker on another machine`,
    }
  }
  if (code === 'EADDRNOTAVAIL') return { setting, why: `${address} is not an address of this machine` }
  return { setting, why: `nothing can listen on port ${port} of ${address}: ${message}` }
}
