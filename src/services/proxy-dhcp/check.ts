import { networkInterfaces } from 'node:os'
import { choosePlaces } from '../../core/netboot/places.ts'
import { whoListens } from '../../http/port-holder.ts'
import type { CheckContext, SectionFault } from '../../operations/service.ts'
import type { ProxyDhcpSection } from './section.ts'

/** What is wrong with where machines are to be answered. */
export async function checkProxy({
  section,
}: CheckContext<ProxyDhcpSection | undefined>): Promise<readonly SectionFault[]> {
  if (section === undefined) return []
  const { places, missing } = choosePlaces(section.listen, networkInterfaces())
  const found: SectionFault[] = missing.map((why) => ({ setting: 'proxyDhcp.listen', why }))
  if (missing.length === 0 && places.every(({ family }) => family !== 'IPv4'))
    found.push({ setting: 'proxyDhcp.listen', why: 'none of these is an IPv4 address, and DHCP has no other' })
  return found
}

/** What the system says of a socket that it refuses. */
export type ListenFault = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number }

/** Why nothing can listen there, and what to do. */
export async function describeListenFault({ code, address, port = 67, message }: ListenFault): Promise<SectionFault> {
  const setting = 'proxyDhcp.listen'
  if (code === 'EACCES')
    return {
      setting,
      why: `this user may not listen on port ${port}: give the daemon CAP_NET_BIND_SERVICE, as docs/netboot.md says for systemd and for containers`,
    }
  if (code === 'EADDRINUSE') {
    const holder = await whoListens(port, { protocol: 'udp' })
    const who = holder ? `${holder.name} (process ${holder.pid})` : 'another program, mostly a DHCP server'
    return {
      setting,
      why: `port ${port} of this machine is in use by ${who}: let that tell machines what to boot, as \`caretaker netboot recipe\` says, or run Caretaker on another machine`,
    }
  }
  if (code === 'EADDRNOTAVAIL') return { setting, why: `${address} is not an address of this machine` }
  return { setting, why: `nothing can listen on port ${port} of ${address}: ${message}` }
}
