import { createSocket } from 'node:dgram'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { WakeOnLan } from '../../core/ports.ts'

export interface WakeOnLanOptions {
  /** 255.255.255.255, or a subnet's own broadcast address. */
  readonly broadcast: string
  /** 9 (discard) by custom. */
  readonly port: number
}

/** Copies of each packet: UDP promises nothing, and a packet too many does no harm. */
const copies = 3

export function createWakeOnLan({ broadcast, port }: WakeOnLanOptions): WakeOnLan {
  return {
    wake: (mac) =>
      new Promise((resolve, reject) => {
        const socket = createSocket('udp4')
        const fail = (error: unknown) => {
          socket.close()
          reject(new AgentError('unreachable', `magic packet to ${mac} by ${broadcast}: ${messageOf(error)}`, error))
        }
        socket.once('error', fail)
        socket.bind(() => {
          socket.setBroadcast(true)
          const packet = magicPacket(mac)
          const sent = Array.from(
            { length: copies },
            () =>
              new Promise<void>((done, failed) =>
                socket.send(packet, port, broadcast, (error) => (error ? failed(error) : done())),
              ),
          )
          Promise.all(sent).then(() => socket.close(() => resolve()), fail)
        })
      }),
  }
}

/** Six times FF, then sixteen times the address: 102 bytes (AMD, Magic Packet Technology, 1995). */
export function magicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replaceAll(/[:-]/g, ''), 'hex')
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)])
}
