import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'

export type Resolve = (name: string) => Promise<readonly LookupAddress[]>

/** Addresses, the best first, and whether they are from earlier because the name does not resolve now. */
export interface Resolved {
  readonly addresses: readonly [LookupAddress, ...LookupAddress[]]
  readonly isStale: boolean
}

/**
 * Names and their last known addresses. In a power cut the DNS server is often among the first to go down, while the
 * NAS still has the address that it had a minute ago.
 */
export interface Names {
  /** Rejects with an Error that says why, and only for a name that has never resolved. */
  find(name: string): Promise<Resolved>
  /** This address answered: it is tried first from now on. */
  worked(name: string, address: string): void
  /** The same for node:net, node:tls and node:http. */
  readonly lookup: LookupFunction
}

/** @param within how long a name may take to resolve, in ms */
export function createNames(within: number, resolve: Resolve = (name) => lookup(name, { all: true })): Names {
  const known = new Map<string, Resolved['addresses']>()
  /** One query per name: each occupies one of Node's four threads until DNS gives up. */
  const asked = new Map<string, Promise<void>>()

  function ask(name: string): Promise<void> {
    const before = asked.get(name)
    if (before) return before
    const question = resolve(name)
      .then(([first, ...others]) => {
        if (!first) throw new Error(`the name ${name} has no address`)
        known.set(name, sorted([first, ...others], known.get(name)?.[0].address))
      })
      .finally(() => asked.delete(name))
    asked.set(name, question)
    return question
  }

  async function find(name: string): Promise<Resolved> {
    const family = isIP(name)
    if (family !== 0) return { addresses: [{ address: name, family }], isStale: false }
    const failure = await inTime(ask(name), within).then(
      () => undefined,
      (error: unknown) => error,
    )
    const addresses = known.get(name)
    if (addresses) return { addresses, isStale: failure !== undefined }
    throw new Error(`the name ${name} does not resolve: check DNS, or use its IP address`, { cause: failure })
  }

  return {
    find,
    worked: (name, address) => {
      const addresses = known.get(name)
      if (addresses) known.set(name, sorted(addresses, address))
    },
    lookup: (name, { family, all }, callback) => {
      find(name).then(
        ({ addresses }) => {
          const wanted = family === 4 || family === 6 ? addresses.filter((one) => one.family === family) : addresses
          const [first] = wanted
          if (!first) callback(new Error(`the name ${name} has no IPv${family} address`), '')
          else if (all) callback(null, [...wanted])
          else callback(null, first.address, first.family)
        },
        (error: NodeJS.ErrnoException) => callback(error, ''),
      )
    },
  }
}

function sorted(addresses: Resolved['addresses'], best: string | undefined): Resolved['addresses'] {
  return addresses.toSorted((a, b) => Number(b.address === best) - Number(a.address === best)) as [
    LookupAddress,
    ...LookupAddress[],
  ]
}

function inTime(work: Promise<void>, within: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${within} ms`)), within)
    work.then(resolve, reject).finally(() => clearTimeout(late))
  })
}
