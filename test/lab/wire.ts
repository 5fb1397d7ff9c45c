import { createSocket } from 'node:dgram'

/** Where magic packets of a homelab arrive. */
export interface LabWire extends AsyncDisposable {
  readonly port: number
}

/** `heard` is told the MAC address of each magic packet, in lower case. */
export async function startWire(address: string, heard: (mac: string) => void): Promise<LabWire> {
  const socket = createSocket('udp4')
  socket.on('message', (packet) => {
    const mac = packet.subarray(6, 12)
    const isMagic =
      packet.length === 102 &&
      packet.subarray(0, 6).equals(Buffer.alloc(6, 0xff)) &&
      packet.subarray(96, 102).equals(mac)
    if (isMagic) heard(mac.toString('hex').replaceAll(/(..)(?!$)/g, '$1:'))
  })
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  }
}
