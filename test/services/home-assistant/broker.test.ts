import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openBroker } from '../../../src/services/home-assistant/broker.ts'
import { patience, soon } from '../../patience.ts'

const address = '127.0.116.10'

/** CONNACK (MQTT 5, 3.2; MQTT 3.1.1, 3.2). */
const welcome = { 5: Buffer.from([0x20, 3, 0, 0, 0]), 4: Buffer.from([0x20, 2, 0, 0]) }
/** PUBLISH of the largest length that there is, 256 MiB less a byte, on the topic `a`. */
const huge = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x61])

/** Far more than a broker has to say, and far less than the message is said to have. */
const sent = Buffer.alloc(8 * 1_048_576)

test.each([4, 5] as const)(
  'a broker whose message is too large is left before it is all there, by version %d of MQTT',
  async (protocol) => {
    const server = createServer((socket) => {
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {}).once('data', () => void socket.write(Buffer.concat([welcome[protocol], huge, sent])))
    }).listen(0, address)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const limits = { connectWithin: patience.timeout, keepAlive: patience.timeout, endWithin: 100 }
    const who = { clientId: 'caretaker', user: undefined, password: undefined, ca: undefined, protocol }
    const will = { topic: 'b', payload: '' }
    const broker = await openBroker({ url: `mqtt://${address}:${port}`, ...who, will, limits }, soon())
    expect(await broker.closed).toBe('the broker sends a packet of more than 1 MiB')
    await broker.end()
  },
)
