import { messageOf } from '../../core/errors.ts'
import { whoListens } from '../../http/port-holder.ts'
import type { SectionFault } from '../../operations/service.ts'
import type { ListenFault } from './messages.ts'

const protocols = { tftp: 'udp', http: 'tcp' } as const

/** Why nothing can listen where the section wants it, and what to do. */
export async function describeListenFault(
  { by, code, address, text }: ListenFault,
  port: number | undefined,
): Promise<SectionFault> {
  const setting = `bootFiles.${by}.port`
  const protocol = protocols[by]
  const place = `${protocol.toUpperCase()} port ${port} of ${address}`
  if (code === 'EADDRINUSE') {
    const holder = await whoListens(port ?? 0, { protocol, address })
    const who = holder ? `${holder.name} (process ${holder.pid})` : 'another program'
    const advice =
      by === 'tftp'
        ? 'stop that, or leave bootFiles out and let it serve the share; firmware knows no other port'
        : 'stop that, or choose another port'
    return { setting, why: `${place} is in use by ${who}: ${advice}` }
  }
  if (code === 'EACCES')
    return {
      setting,
      why: `this user may not listen on ${place}: give Caretaker CAP_NET_BIND_SERVICE (docs/boot-files.md)`,
    }
  if (code === 'EADDRNOTAVAIL')
    return { setting: 'bootFiles.listen', why: `${address} is not an address of this machine any more` }
  return { setting, why: `nothing can listen on ${place}: ${text}` }
}

/** What a system says when it refuses a port. */
export function listenFaultOf(by: ListenFault['by'], error: unknown, address: string): ListenFault {
  const { code = '' } = error as { code?: string }
  return { by, code, address, text: messageOf(error) }
}
