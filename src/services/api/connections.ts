import type { Socket } from 'node:net'
import { clientKey, isLoopback, peerAddress } from '../../http/addresses.ts'

/**
 * Whose connection counts as whose. Programs on this machine share what there is, and behind an exempt address are many
 * clients: theirs are not counted.
 */
export function countedClient(socket: Socket, isExempt: (address: string) => boolean): string | undefined {
  const address = peerAddress(socket)
  return isLoopback(address) || isExempt(address) ? undefined : clientKey(address)
}
