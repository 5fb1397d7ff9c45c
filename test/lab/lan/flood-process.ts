// Broadcasts what OVMF sends, each time with another card, as fast as this machine can: `flood-process.ts COUNT BROADCAST`.
// Prints how many it sent a second.
import { createSocket } from 'node:dgram'
import process from 'node:process'
import { discoverOfOvmf } from '../../core/netboot/dhcp/messages.ts'

/** Where `xid` and `chaddr` stand (RFC 2131, section 2). */
const [xidAt, cardAt] = [4, 28]

const [, , count = '', broadcast = ''] = process.argv
const socket = createSocket('udp4')
await new Promise<void>((resolve) => socket.bind(0, () => resolve()))
socket.setBroadcast(true)
const began = performance.now()
for (let sent = 0; sent < Number(count); sent += 1) {
  const packet = Buffer.from(discoverOfOvmf)
  packet.writeUInt32BE(sent, xidAt)
  packet.writeUInt32BE(sent, cardAt + 2)
  await new Promise<void>((resolve, reject) => {
    socket.send(packet, 67, broadcast, (error) => (error ? reject(error) : resolve()))
  })
}
process.stdout.write(String(Math.round((1_000 * Number(count)) / (performance.now() - began))))
socket.close()
