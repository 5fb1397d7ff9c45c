import { BlockList, isIP, isIPv4, isIPv6, type Socket } from 'node:net'
import { canonicalAddress } from '../core/address.ts'

/** The address of who is connected, in that form; empty where it has hung up already. */
export function peerAddress({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  return canonicalAddress(remoteAddress) ?? ''
}

/** Whether it is an address of this machine that no other machine can use. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** Whether it means every interface. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

/** What addresses and networks (`10.0.0.0/8`) hold an address: its test. */
export function createNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** By which a client is counted: IPv6 hands a whole /64 to each. */
export function clientKey(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 4).join(':')
}

/** RFC 1918, 1122 (loopback), 3927 (link-local), 6598 (carriers, and Tailscale), 4193 (IPv6 within a site). */
const isPrivate = createNetworks([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '100.64.0.0/10',
  '::1',
  'fc00::/7',
  'fe80::/10',
])
const localEnding = /\.(lan|local|localhost|home|internal|intranet|private|corp|arpa|test)\.?$/i

/** Whether everybody on the internet might reach it: an address that is not private, or a name with a public ending. */
export function isPublic(host: string): boolean {
  const address = canonicalAddress(host)
  if (address !== undefined) return !isPrivate(address)
  return host.includes('.') && !localEnding.test(host)
}
