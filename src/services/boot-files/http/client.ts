import type { Socket } from 'node:net'

/** The address of who is connected: IPv4 as it is written, without the interface of IPv6. */
export function clientOf({ remoteAddress = '' }: Socket): string {
  return remoteAddress.replace(/%.*$/, '').replace(/^::ffff:/, '')
}
