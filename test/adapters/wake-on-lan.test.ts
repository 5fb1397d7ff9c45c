import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { createWakeOnLan, magicPacket } from '../../src/adapters/wake-on-lan/wake-on-lan.ts'

const sixteenTimes = '001132abcdef'.repeat(16)

async function listener(address: string) {
  const socket = createSocket('udp4')
  const heard: string[] = []
  socket.on('message', (message) => heard.push(message.toString('hex')))
  socket.bind(0, address)
  await once(socket, 'listening')
  return { port: socket.address().port, heard, [Symbol.dispose]: () => void socket.close() }
}

test('a magic packet is six times FF and sixteen times the address, however that is written', () => {
  for (const mac of ['00:11:32:ab:cd:ef', '00-11-32-AB-CD-EF', '001132abcdef']) {
    expect(magicPacket(mac).toString('hex')).toBe(`ffffffffffff${sixteenTimes}`)
  }
  expect(magicPacket('00:11:32:ab:cd:ef')).toHaveLength(102)
})

test.each([
  ['one machine', '127.0.0.1', '127.0.0.1'],
  // A socket bound to everything hears what is sent to a subnet's broadcast address.
  ['a whole subnet', '127.255.255.255', '0.0.0.0'],
])('the packet to %s arrives, more than once and nothing beside it', async (_, broadcast, listensOn) => {
  using ears = await listener(listensOn)
  await createWakeOnLan({ broadcast, port: ears.port }).wake('00:11:32:ab:cd:ef')
  await expect.poll(() => ears.heard.length).toBeGreaterThan(1)
  expect(new Set(ears.heard)).toEqual(new Set([`ffffffffffff${sixteenTimes}`]))
})

test('many machines are woken at once', async () => {
  using ears = await listener('127.0.0.1')
  const { wake } = createWakeOnLan({ broadcast: '127.0.0.1', port: ears.port })
  const macs = Array.from({ length: 20 }, (_, index) => `00:11:32:00:00:${index.toString(16).padStart(2, '0')}`)
  await Promise.all(macs.map((mac) => wake(mac)))
  await expect.poll(() => new Set(ears.heard).size).toBe(20)
})

test('a network that takes no packet is out of reach, in words that name the machine', async () => {
  const { wake } = createWakeOnLan({ broadcast: 'no-such-host.invalid', port: 9 })
  await expect(wake('00:11:32:ab:cd:ef')).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/^magic packet to 00:11:32:ab:cd:ef by no-such-host/),
  })
})

test('an address that is none is refused, and no process dies of it', async () => {
  const { wake } = createWakeOnLan({ broadcast: '127.0.0.1', port: 70_000 })
  await expect(wake('00:11:32:ab:cd:ef')).rejects.toMatchObject({ name: 'AgentError' })
})
