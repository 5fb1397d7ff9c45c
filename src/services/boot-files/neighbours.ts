import { readFile } from 'node:fs/promises'

/** In ms: how long what was read counts. */
const lasts = 1_000

/** MAC addresses by IPv4 address, as the kernel knows them (proc(5), /proc/net/arp). Elsewhere than on Linux it knows none. */
export interface Neighbours {
  macOf(address: string): Promise<string | undefined>
  /** The same by what was read last, at once; it is read again for whoever asks next. */
  lastMacOf(address: string): string | undefined
}

export function createNeighbours(now: () => number): Neighbours {
  let table: { readonly at: number; readonly macs: Promise<ReadonlyMap<string, string>> } | undefined
  let last: ReadonlyMap<string, string> = new Map()
  const read = async () => (last = parseNeighbours(await readFile('/proc/net/arp', 'utf8').catch(() => '')))
  const current = () => {
    if (!table || now() - table.at > lasts) table = { at: now(), macs: read() }
    return table.macs
  }
  return {
    macOf: async (address) => (await current()).get(address),
    lastMacOf: (address) => {
      void current()
      return last.get(address)
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
