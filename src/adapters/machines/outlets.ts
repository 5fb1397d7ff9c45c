import { BlockList, isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** The network interfaces of our own machine, as `os.networkInterfaces()` tells of those that are up. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** Where a packet can leave: an IPv4 address of ours on an interface. */
export interface Outlet {
  readonly interface: string
  readonly address: string
  /** The broadcast address of its network; undefined where that has none. */
  readonly broadcast: string | undefined
}

/**
 * Every outlet whose network a machine is in, by its addresses. One that is known by IPv6 alone is reached by the IPv4
 * addresses of the same interface: magic packets are broadcast on the wire.
 */
export function outletsTo(all: Interfaces, machine: readonly string[]): readonly Outlet[] {
  return outletsOf(all, (name, own) => {
    const isSame = machine.some((address) => isInNetworkOf(address, own))
    const isBeside = (all[name] ?? []).some(
      (one) => one.family === 'IPv6' && machine.some((address) => isInNetworkOf(address, one)),
    )
    return isSame || isBeside
  })
}

/** Every outlet but loopback. */
export function allOutlets(all: Interfaces): readonly Outlet[] {
  return outletsOf(all, (_, { internal }) => !internal)
}

function outletsOf(all: Interfaces, test: (name: string, own: NetworkInterfaceInfo) => boolean): readonly Outlet[] {
  return Object.entries(all).flatMap(([name, addresses = []]) =>
    addresses
      .filter((own) => own.family === 'IPv4' && test(name, own))
      .map(({ address, netmask }) => ({ interface: name, address, broadcast: broadcastOf(address, netmask) })),
  )
}

function isInNetworkOf(address: string, { family, cidr }: NetworkInterfaceInfo): boolean {
  const kind = family === 'IPv4' ? 4 : 6
  if (cidr === null || isIP(address) !== kind) return false
  const [network = '', bits] = cidr.split('/')
  const list = new BlockList()
  const type = kind === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(network, Number(bits), type)
  return list.check(address, type)
}

/** The last address of the network; undefined where it has no broadcast, as /31 (RFC 3021) and /32. */
export function broadcastOf(address: string, netmask: string): string | undefined {
  const [own, mask] = [address, netmask].map((text) => text.split('.').map(Number)) as [number[], number[]]
  if (mask[3]! >= 254) return undefined
  return own.map((part, index) => part | (~mask[index]! & 255)).join('.')
}

/** `eth0 (192.168.1.5)`, for people. */
export function describeOutlets(outlets: readonly Outlet[]): string {
  return outlets.map(({ interface: name, address }) => `${name} (${address})`).join(', ')
}
