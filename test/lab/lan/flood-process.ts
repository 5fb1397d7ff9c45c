// Broadcasts DISCOVERs of machines that nobody knows, each of another card, as fast as this machine can: `flood-process.ts COUNT`.
// Prints how many it sent a second.
import { createSocket } from 'node:dgram'
import process from 'node:process'
import { formatDhcp } from '../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf } from '../../../src/core/netboot/dhcp/question.ts'

const count = Number(process.argv[2])
const socket = createSocket('udp4')
await new Promise<void>((resolve) => socket.bind(0, () => resolve()))
socket.setBroadcast(true)
const began = performance.now()
for (let sent = 0; sent < count; sent += 1) {
  const mac = `02:00:00:${[sent >> 16, sent >> 8, sent].map((byte) => (byte & 255).toString(16).padStart(2, '0')).join(':')}`
  const packet = formatDhcp(discoverOf({ mac, xid: sent, architecture: 'amd64', loads: 'tftp' }))
  await new Promise<void>((resolve) => socket.send(packet, 67, '255.255.255.255', () => resolve()))
}
process.stdout.write(String(Math.round((1_000 * count) / (performance.now() - began))))
socket.close()
