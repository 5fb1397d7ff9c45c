import { isIP, isIPv6 } from 'node:net'
import { canonicalAddress } from '../../core/address.ts'
import { isLoopback, isWildcard } from '../../http/addresses.ts'

/** What a Host header or the authority of a URL names. */
export interface HostName {
  /** In lower case and without a dot at its end; an address as `canonicalAddress` writes it, without brackets. */
  readonly name: string
  /** Undefined where the scheme's own is meant. */
  readonly port: number | undefined
}

/** Takes apart what stands in a Host header (RFC 9110 7.2, RFC 3986 3.2.2); undefined where it is none. */
export function parseHost(text: string): HostName | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})(?:%25[-.\w~]{1,32})?\]|([-.\w]{1,254}))(?::(\d{0,5}))?$/.exec(text)
  if (!match) return undefined
  const [, literal, word = '', digits = ''] = match
  const port = digits === '' ? undefined : Number(digits)
  if (port === 0 || (port ?? 0) > 65_535) return undefined
  if (literal !== undefined) return isIPv6(literal) ? { name: canonicalAddress(literal)!, port } : undefined
  const name = canonicalName(word)
  return name === '' || name.startsWith('.') || name.includes('..') ? undefined : { name, port }
}

/** A name or an address as it is compared. */
export function canonicalName(text: string): string {
  return canonicalAddress(text) ?? text.toLowerCase().replace(/\.$/, '')
}

export interface OwnNames {
  /** Where it listens. */
  readonly address: string
  /** How others reach it. */
  readonly url?: string | undefined
  readonly hosts: readonly string[]
}

/**
 * Whether a request may name us so. A page of a stranger can have its name lead to our address (DNS rebinding), and then
 * ask as if it were ours: so names have to be ours, and addresses have to be of this machine. The port is no secret, and
 * differs behind a proxy or a container's mapping: it does not matter.
 *
 * @param own addresses of this machine's interfaces, as they are at the time
 */
export function createHostCheck({ address, url, hosts }: OwnNames, own: () => readonly string[]) {
  const names = new Set(['localhost', ...hosts.map(canonicalName)])
  if (!isWildcard(address)) names.add(canonicalName(address))
  const reached = url === undefined ? undefined : hostOfUrl(url)
  if (reached !== undefined) names.add(reached)
  return ({ name }: HostName): boolean => {
    if (names.has(name)) return true
    if (isIP(name) === 0) return false
    return isLoopback(name) || own().some((one) => canonicalAddress(one) === name)
  }
}

function hostOfUrl(url: string): string {
  return canonicalName(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'))
}

/** Whether it names this machine to itself: no other machine can ask by it. */
export function isLocalName({ name }: HostName): boolean {
  return name === 'localhost' || isLoopback(name)
}
