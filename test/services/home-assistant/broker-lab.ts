import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type LabMosquitto, listenAt, startMosquitto } from '../../lab/mosquitto.ts'

/** A broker for all tests of a file, with whoever listens there and the wires to it. */
export function brokerLab(address: string) {
  let mosquitto: LabMosquitto | undefined
  const running = () => {
    if (!mosquitto) throw new Error('it is not started')
    return mosquitto
  }
  return {
    start: async () => void (mosquitto = await startMosquitto(address)),
    stop: async () => mosquitto?.[Symbol.asyncDispose](),
    get mosquitto() {
      return running()
    },
    url: () => `mqtt://${address}:${running().port}`,
    /** As Home Assistant does; 4 is MQTT 3.1.1. */
    listen: async (version: 4 | 5 = 5) => {
      const listener = await listenAt(running(), version)
      onTestFinished(() => listener[Symbol.asyncDispose]())
      return listener
    },
    /**
     * What stands between us and the broker, and can be cut. `answer` sees the first bytes of each connection, and says
     * whether they go on.
     */
    wire: async (answer: (socket: Socket, first: Buffer) => boolean = () => true) => {
      const sockets = new Set<Socket>()
      const keep = (socket: Socket) => {
        sockets.add(socket)
        // One end may be gone before the other has heard of it.
        socket.on('error', () => {})
      }
      const server: Server = createServer((socket) => {
        keep(socket)
        socket.once('data', (first: Buffer) => {
          if (!answer(socket, first)) return
          const onward = connect(running().port, address)
          keep(onward)
          onward.on('close', () => socket.destroy())
          socket.on('close', () => onward.destroy())
          onward.write(first)
          socket.pipe(onward).pipe(socket)
        })
      }).listen(0, address)
      await once(server, 'listening')
      const cut = () => {
        for (const socket of sockets) socket.destroy()
        sockets.clear()
      }
      onTestFinished(() => {
        cut()
        server.close()
      })
      return { url: `mqtt://${address}:${(server.address() as { port: number }).port}`, cut }
    },
  }
}
