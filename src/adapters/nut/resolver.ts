import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

export interface Resolver {
  /** For `net.connect`. */
  readonly lookup: LookupFunction
  /** This address has answered: it is the fallback when the name can no longer be resolved. */
  remember(address: string | undefined): void
}

/**
 * Resolves names by `resolve`; where that fails, or takes longer than `patience` ms, by the address that worked last.
 * In a power cut the DNS server may be among the first to go down, and a query then takes longer than a reading may.
 */
export function createResolver(patience: number, resolve: LookupFunction = systemLookup): Resolver {
  let last: LookupAddress | undefined
  /** One query at a time: a hanging one occupies one of Node's four threads. */
  let asking: Promise<LookupAddress[]> | undefined

  const ask = (host: string, options: Parameters<LookupFunction>[1]) =>
    new Promise<LookupAddress[]>((answer, fail) => {
      resolve(host, options, (error, found) => {
        if (error) fail(error)
        else answer(typeof found === 'string' ? [toLookup(found)] : found)
      })
    })

  return {
    remember: (address) => {
      if (address !== undefined) last = toLookup(address)
    },
    lookup: (host, options, callback) => {
      let isAnswered = false
      const answer = (found: LookupAddress[]) => {
        if (isAnswered) return
        isAnswered = true
        clearTimeout(timer)
        if (options.all) callback(null, found)
        else callback(null, found[0]!.address, found[0]!.family)
      }
      const timer = setTimeout(() => {
        if (last) answer([last])
      }, patience)
      if (!asking) {
        const clear = () => (asking = undefined)
        asking = ask(host, options)
        asking.then(clear, clear)
      }
      asking.then(answer, (error: NodeJS.ErrnoException) => {
        if (last) return answer([last])
        clearTimeout(timer)
        callback(error, '')
      })
    },
  }
}

function toLookup(address: string): LookupAddress {
  return { address, family: address.includes(':') ? 6 : 4 }
}
