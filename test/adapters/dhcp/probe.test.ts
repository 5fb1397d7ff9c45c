import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { createNetbootProbe } from '../../../src/adapters/dhcp/probe.ts'
import { messageTypes, optionCodes } from '../../../src/core/netboot/dhcp/client.ts'
import { formatDhcp, parseDhcp } from '../../../src/core/netboot/dhcp/packet.ts'
import { soon } from '../../patience.ts'

const [own, server] = ['127.0.126.1', '127.0.126.2']

async function bind(address: string, port = 0): Promise<Socket> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

test('a server that has another address for each question is one server', async () => {
  const router = await bind(server)
  const free = createSocket('udp4').bind(0, own)
  await once(free, 'listening')
  const clientPort = free.address().port
  free.close()
  router.on('message', (bytes) => {
    const asked = parseDhcp(bytes)!
    for (const last of [101, 102, 103])
      router.send(
        formatDhcp({
          ...asked,
          op: 2,
          yiaddr: `192.168.0.${last}`,
          options: new Map([
            [optionCodes.messageType, Uint8Array.of(messageTypes.offer)],
            [optionCodes.serverId, Uint8Array.of(192, 168, 0, 1)],
          ]),
        }),
        clientPort,
        own,
      )
  })
  const probe = createNetbootProbe({
    readFile: () => Promise.reject(new Error('nothing is read')),
    places: {
      serverPort: router.address().port,
      clientPort,
      broadcast: server,
      networks: () => [{ interface: 'lan', address: own, cidr: '127.0.126.0/24' }],
    },
  })
  const question = { mac: '02:63:61:72:65:01', xid: 5, architecture: 'amd64', loads: 'tftp' } as const
  const offers = await probe.discover(question, 1_000, soon())
  expect(offers).toMatchObject([{ server: '192.168.0.1', address: '192.168.0.101' }])
})
