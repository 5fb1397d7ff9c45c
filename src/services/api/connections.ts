import type { Socket } from 'node:net'
import { canonicalAddress, clientKey, isLoopback } from '../../http/addresses.ts'

/**
 * Whose connection counts as whose. Programs on this machine share what there is, and behind an exempt address are many
 * clients: theirs are not counted.
 */
export function countedClient({ remoteAddress }: Socket, isExempt: (address: string) => boolean): string | undefined {
  const address = canonicalAddress(remoteAddress ?? '') ?? ''
  return isLoopback(address) || isExempt(address) ? undefined : clientKey(address)
}
