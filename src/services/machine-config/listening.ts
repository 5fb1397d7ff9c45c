import { networkInterfaces } from 'node:os'
import { AgentError, messageOf } from '../../core/errors.ts'
import { choosePlaces, type Places } from '../../core/netboot/places.ts'
import { whoListens } from '../../http/port-holder.ts'
import type { SectionFault } from '../../operations/service.ts'

/** Where it listens. @throws AgentError `misconfigured` where nothing that is named is there */
export function placesFor(listen: readonly string[]): Places {
  const chosen = choosePlaces(listen, networkInterfaces())
  if (chosen.places.length === 0)
    throw new AgentError('misconfigured', `machineConfig.listen: ${chosen.missing.join('; ')}`)
  return chosen
}

/** Why nothing can listen where the section wants it, and what to do. */
export async function describeListenFault(error: unknown, address: string, port: number): Promise<SectionFault> {
  const { code } = error as { readonly code?: string }
  const setting = 'machineConfig.port'
  if (code === 'EADDRINUSE') {
    const holder = await whoListens(port, { address })
    const who = holder ? `${holder.name} (process ${holder.pid})` : 'another program'
    return { setting, why: `port ${port} of ${address} is in use by ${who}: stop that, or choose another port` }
  }
  if (code === 'EACCES') return { setting, why: `this user may not listen on port ${port}: use one above 1023` }
  if (code === 'EADDRNOTAVAIL')
    return { setting: 'machineConfig.listen', why: `${address} is not an address of this machine any more` }
  return { setting: 'machineConfig.listen', why: `nothing can listen on ${address}: ${messageOf(error)}` }
}
