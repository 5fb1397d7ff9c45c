import type { Architecture } from '../release/image.ts'
import { withoutEnd } from '../text-end.ts'
import type { BootTarget } from './dhcp/offer.ts'
import type { DhcpClient } from './dhcp/client.ts'

/** How often a machine boots from the network, as a person has said. */
export type BootRule = 'always' | 'once' | 'never'

/** What decides whether a machine is offered a boot. */
export interface BootStanding {
  /** The name that it has in the configuration; undefined for a stranger. */
  readonly name: string | undefined
  /** What is configured for it. */
  readonly rule: BootRule | undefined
  /** It was seen to run Talos from its own disk. */
  readonly isInstalled: boolean
  /** A person wants it to boot from the network once more. */
  readonly isArmed: boolean
  /** It has booted from here since it was last armed. */
  readonly hasBooted: boolean
  /** It was sent the end of its image, and whether that arrived was not seen, because Caretaker ended then. */
  readonly mayHaveBooted: boolean
}

/** Whether a machine is offered a boot, and why, as a clause. */
export interface StandingAnswer {
  readonly boots: boolean
  readonly why: string
}

/**
 * Whether a machine is to boot from the network, whoever it is. An installed machine is left alone, or it would run what is
 * on the share in place of what it has, and an installation could go round in a circle.
 */
export function decideStanding(standing: BootStanding, unknown: 'offer' | 'ignore'): StandingAnswer {
  const { name, rule, isInstalled, isArmed, hasBooted, mayHaveBooted } = standing
  // Twice is an installation too many; not at all is a command of a person.
  if (mayHaveBooted && (isArmed || rule === 'once'))
    return { boots: false, why: 'it was sent its image, and nobody saw whether it has booted it' }
  if (isArmed) return { boots: true, why: 'it was asked to boot from the network once' }
  switch (rule) {
    case 'always':
      return { boots: true, why: 'netboot.machines says always' }
    case 'never':
      return { boots: false, why: 'netboot.machines says never' }
    case 'once':
      if (hasBooted) return { boots: false, why: 'it has booted from the network once' }
      return { boots: true, why: 'netboot.machines says once, and it has not yet' }
    case undefined:
      if (isInstalled) return { boots: false, why: 'it is installed' }
      if (name !== undefined) return { boots: true, why: 'it was not seen to be installed' }
      if (unknown === 'offer') return { boots: true, why: 'it is not in the configuration' }
      return { boots: false, why: 'it is not in the configuration, and netboot.unknown says ignore' }
    default:
      return rule satisfies never
  }
}

/** What there is to boot, and where from. */
export interface BootSource {
  /** The file for machines of this architecture, and for this one by name; undefined where there is none. */
  readonly fileFor: (architecture: Architecture, machine: string | undefined) => string | undefined
  /** IPv4 address of the TFTP server. */
  readonly tftp: string
  /** Base URL of the server that serves the same files by HTTP; undefined where there is none. */
  readonly http: string | undefined
}

export type BootDecision =
  | { readonly kind: 'boot'; readonly target: BootTarget; readonly why: string; readonly warning?: string }
  /** It gets no answer. */
  | { readonly kind: 'leave'; readonly why: string }

/** What this client is answered: what its firmware can start comes before what it may. */
export function decideBoot(
  client: DhcpClient,
  standing: StandingAnswer,
  name: string | undefined,
  source: BootSource,
): BootDecision {
  const { firmware, kind } = client
  if (firmware === undefined) return { kind: 'leave', why: 'it is an operating system' }
  const { architecture } = firmware
  if (architecture === undefined) return { kind: 'leave', why: firmware.why ?? 'there is no image for it' }
  if (!standing.boots) return { kind: 'leave', why: standing.why }
  const file = source.fileFor(architecture, name)
  if (file === undefined) return { kind: 'leave', why: `there is no UKI for ${architecture} on the share` }
  if (kind === 'ipxe') return forIpxe(file, standing.why, source)
  if (firmware.loads === 'tftp')
    return { kind: 'boot', target: { by: 'tftp', server: source.tftp, file }, why: standing.why }
  if (source.http === undefined)
    return { kind: 'leave', why: 'it asks for HTTP boot, and proxyDhcp.http says no server for that' }
  return { kind: 'boot', target: { by: 'http', url: urlOf(source.http, file) }, why: standing.why }
}

/**
 * iPXE hands a UKI the file's name as its command line, and systemd's stub of 252 takes that in place of its own
 * (systemd#25201). A script of ours repeats the whole.
 */
function forIpxe(file: string, why: string, { http, tftp }: BootSource): BootDecision {
  if (http !== undefined) return { kind: 'boot', target: { by: 'http', url: urlOf(http, 'ipxe') }, why }
  return {
    kind: 'boot',
    target: { by: 'tftp', server: tftp, file },
    why,
    warning: 'iPXE may start it without its own kernel arguments: set proxyDhcp.http, whose script repeats them',
  }
}

function urlOf(base: string, file: string): string {
  return `${withoutEnd(base, '/')}/${file}`
}
