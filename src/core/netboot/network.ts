import { parseIpv4 } from '../address.ts'
import { reachOf } from '../redirect.ts'

/** Whether an IPv4 address is in a network, `192.168.0.0/24`. */
export function isInNetwork(address: string, cidr: string): boolean {
  const [base = '', length = ''] = cidr.split('/')
  const [one, other] = [parseIpv4(address), parseIpv4(base)]
  if (one === undefined || other === undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) return false
  const size = 2 ** (32 - Number(length))
  return Math.floor(one / size) === Math.floor(other / size)
}

/** The network that an address is in: `192.168.0.0/24` of `192.168.0.10/24`. */
export function networkOf(cidr: string): string {
  const [address = '', length = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(length))
  const base = Math.floor((parseIpv4(address) ?? 0) / size) * size
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${length}`
}

/** Whether an address is in the network that one of ours is in. */
export function sharesNetwork(address: string, own: { readonly address: string; readonly netmask: string }): boolean {
  const [one, other, mask] = [address, own.address, own.netmask].map(parseIpv4)
  if (one === undefined || other === undefined || mask === undefined) return false
  return (one & mask) === (other & mask)
}

/**
 * Whether the address that a message says it was relayed by can be that of a relay of a homelab (giaddr, RFC 2131 4.1):
 * another machine of a network of ours, or a private address. Anything else is made up, and an answer would hit somebody.
 */
export function isRelay(
  address: string,
  ours: readonly { readonly address: string; readonly netmask: string }[],
): boolean {
  const near = ours.find((own) => sharesNetwork(address, own))
  return near ? address !== near.address && !isBroadcast(address, near) : reachOf(address) === 'private'
}

function isBroadcast(address: string, own: { readonly netmask: string }): boolean {
  const [bits, mask] = [address, own.netmask].map(parseIpv4)
  return bits !== undefined && mask !== undefined && (bits | mask) === -1
}
