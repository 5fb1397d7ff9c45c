import { readFile } from 'node:fs/promises'

/** In ms: how long what was read counts. */
const lasts = 1_000

/** MAC addresses by IPv4 address, as the kernel knows them (proc(5), /proc/net/arp). Elsewhere than on Linux it knows none. */
export interface Neighbours {
  macOf(address: string): Promise<string | undefined>
}

export function createNeighbours(now: () => number): Neighbours {
  let table: { readonly at: number; readonly macs: Promise<ReadonlyMap<string, string>> } | undefined
  const read = async () => parseNeighbours(await readFile('/proc/net/arp', 'utf8').catch(() => ''))
  return {
    macOf: async (address) => {
      if (!table || now() - table.at > lasts) table = { at: now(), macs: read() }
      return (await table.macs).get(address)
    },
  }
}

export function parseNeighbours(table: string): ReadonlyMap<string, string> {
  const macs = new Map<string, string>()
  for (const line of table.split('\n').slice(1)) {
    const [address, , , mac] = line.trim().split(/\s+/)
    // All zeros: it was asked for, and has not answered.
    if (address !== undefined && mac !== undefined && mac !== '00:00:00:00:00:00') macs.set(address, mac.toLowerCase())
  }
  return macs
}
