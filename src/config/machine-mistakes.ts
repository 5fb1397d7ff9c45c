import { normalMac, parseIpv4 } from '../core/address.ts'
import type { Config } from './config.ts'
import { doubtful, type Mistake, wrong } from './mistake.ts'

type Machine = Config['nodes'][number] | Config['hosts'][number]

/** A machine, and where it stands. */
interface Placed {
  readonly machine: Machine
  readonly path: readonly [string, number]
}

/** What is wrong with addresses, and with how machines are to be woken. */
export function findMachineMistakes(config: Config): readonly Mistake[] {
  const all: readonly Placed[] = [
    ...config.nodes.map((machine, index) => ({ machine, path: ['nodes', index] as const })),
    ...config.hosts.map((machine, index) => ({ machine, path: ['hosts', index] as const })),
  ]
  return [
    ...all.flatMap(({ machine, path }) => addressMistakes(machine.address, [...path, 'address'])),
    ...config.upses.flatMap(({ host }, index) => addressMistakes(host, ['upses', index, 'host'])),
    ...all.flatMap(macMistakes),
    ...broadcastMistakes(all, config),
    ...upsMistakes(config),
  ]
}

/** Digits and dots are meant as an IPv4 address, and no name of DNS ends in digits alone. */
function addressMistakes(address: string, path: readonly (string | number)[]): readonly Mistake[] {
  if (!/^[\d.]+$/.test(address)) return []
  const bits = parseIpv4(address)
  if (bits === undefined)
    return [wrong(path, `${address} is not an IPv4 address: it has four numbers, each at most 255`)]
  const first = bits >>> 24
  if (first === 0) return [wrong(path, `${address} is the address of no machine`)]
  if (first >= 224) return [wrong(path, `${address} is a multicast or broadcast address: write the machine's own`)]
  return []
}

function macMistakes({ machine: { mac }, path }: Placed): readonly Mistake[] {
  return [mac].flat().flatMap((one) => {
    if (one === undefined) return []
    const bytes = (normalMac(one) ?? '').split(':').map((byte) => Number.parseInt(byte, 16))
    const at = [...path, 'mac']
    if (bytes.every((byte) => byte === 0))
      return [wrong(at, `${one} is the address of no network card: write the one that \`talosctl get links\` shows`)]
    if ((bytes[0]! & 1) === 1)
      return [wrong(at, `${one} is a multicast or broadcast address, and no network card has one: nothing would wake`)]
    return []
  })
}

/** A packet to the broadcast address of another network wakes nobody; a relay may have any address. */
function broadcastMistakes(all: readonly Placed[], { power }: Config): readonly Mistake[] {
  const unreached = (given: string | readonly string[]) => (placed: Placed) => {
    const address = parseIpv4(placed.machine.address)
    if (placed.machine.mac === undefined || address === undefined) return false
    return ![given].flat().some((one) => reaches(parseIpv4(one), address))
  }
  const of = (given: string | readonly string[], lost: readonly Placed[]) => {
    const names = lost.map(({ machine: { name, address } }) => `${name} (${address})`).join(', ')
    return `${[given].flat().join(', ')} is the broadcast address of no network that has ${names} in it: magic packets may not reach it`
  }
  const shared = all
    .filter(({ machine }) => machine.wake?.broadcast === undefined)
    .filter(unreached(power.wake.broadcast))
  const own = all.flatMap((placed) => {
    const given = placed.machine.wake?.broadcast
    const isLost = given !== undefined && unreached(given)(placed)
    return isLost ? [doubtful([...placed.path, 'wake', 'broadcast'], of(given, [placed]))] : []
  })
  return [
    ...(shared.length > 0 ? [doubtful(['power', 'wake', 'broadcast'], of(power.wake.broadcast, shared))] : []),
    ...own,
  ]
}

/** Whether there is a network with this machine and this broadcast address, or it is the machine itself. */
function reaches(broadcast: number | undefined, address: number): boolean {
  if (broadcast === undefined || broadcast === 0xffff_ffff || broadcast === address) return true
  // Everything on the loopback network reaches everything.
  if (broadcast >>> 24 === 127 && address >>> 24 === 127) return true
  const hostBits = 32 - Math.clz32((broadcast ^ address) >>> 0)
  const ones = hostBits === 32 ? 0xffff_ffff : (1 << hostBits) - 1
  return hostBits >= 2 && hostBits <= 24 && (broadcast & ones) >>> 0 === ones
}

function upsMistakes({ upses, nodes, hosts, queue }: Config & { readonly queue?: { readonly url?: string } }) {
  const at = ({ host, port, name }: Config['upses'][number]) => `${name}@${host}:${port}`
  const fed = new Set([...nodes, ...hosts].flatMap(({ feed }) => Object.keys(feed?.powerValue ?? {})))
  const store = queue?.url === undefined ? undefined : new URL(queue.url).host
  return upses.flatMap((ups, index): Mistake[] => {
    const twin = upses.findIndex((other) => at(other) === at(ups))
    return [
      ...(twin < index
        ? [
            wrong(
              ['upses', index, 'name'],
              `${at(ups)} is the same UPS as upses.${twin}: it would count as two supplies`,
            ),
          ]
        : []),
      ...(nodes.length + hosts.length > 0 && !fed.has(ups.label)
        ? [doubtful(['upses', index], `no machine has ${ups.label} in its feed: it starts no shutdown`)]
        : []),
      ...(store === `${ups.host}:${ups.port}`
        ? [wrong(['queue', 'url'], `${store} is the address of upsd (upses.${index}): no queue store can be there`)]
        : []),
    ]
  })
}
