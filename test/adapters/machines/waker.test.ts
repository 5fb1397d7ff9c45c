import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { magicPacket, parseMac, parseSecureOn } from '../../../src/adapters/machines/packet.ts'
import { broadcastOf } from '../../../src/adapters/machines/outlets.ts'
import { createWaker, type WakeOptions } from '../../../src/adapters/machines/waker.ts'
import type { Logger } from '../../../src/core/log.ts'
import { lacks } from '../../lab/needs.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const sixteenTimes = '001132abcdef'.repeat(16)
const packet = `ffffffffffff${sixteenTimes}`

async function listener(address: string, port = 0) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  const heard: { readonly hex: string; readonly from: string }[] = []
  socket.on('message', (message, { address }) => heard.push({ hex: message.toString('hex'), from: address }))
  socket.bind(port, address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    hexes: () => heard.map(({ hex }) => hex),
    from: () => [...new Set(heard.map(({ from }) => from))],
    [Symbol.dispose]: () => void socket.close(),
  }
}

/** One that notes what it is told of. */
function listening(): Logger & { readonly told: string[] } {
  const told: string[] = []
  const note = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`)
  return { told, debug: note, info: note, warn: note, error: note, child: () => listening() }
}

const wake = (
  options: Omit<WakeOptions, 'name'>,
  { log, signal = soon() }: { log?: Logger; signal?: AbortSignal } = {},
) => createWaker([{ name: 'w-1', ...options }], { log }).wake('w-1', signal)
const mac = '00:11:32:ab:cd:ef'

const loopback = Object.entries(networkInterfaces()).find(([, all]) =>
  all?.some(({ address }) => address === '127.0.0.1'),
)
const name = loopback?.[0] ?? 'lo'
const isMissing = lacks(loopback ? undefined : 'no interface has the address 127.0.0.1')

describe('a magic packet', () => {
  test('is six times FF and sixteen times the address, however that is written', () => {
    for (const text of ['00:11:32:ab:cd:ef', '00-11-32-AB-CD-EF', '001132abcdef'])
      expect(magicPacket(parseMac(text)!).toString('hex')).toBe(packet)
    expect(magicPacket(parseMac(mac)!)).toHaveLength(102)
    for (const text of ['', '00:11:32:ab:cd', '00:11:32:ab:cd:ef:01', '00:11-32:ab:cd:ef', '00:11:32:ab:cd:eg'])
      expect(parseMac(text), text).toBeUndefined()
  })

  test('ends with a SecureOn password of six bytes or of four', () => {
    expect(parseSecureOn('0a:0B:0c:0d:0e:0f')?.toString('hex')).toBe('0a0b0c0d0e0f')
    expect(parseSecureOn('192.168.1.255')?.toString('hex')).toBe('c0a801ff')
    for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'password', '0a:0b:0c:0d'])
      expect(parseSecureOn(text), text).toBeUndefined()
  })

  test.each([
    { name: 'one machine', broadcast: '127.0.0.1', listensOn: '127.0.0.1' },
    // A socket bound to everything hears what is sent to a subnet's broadcast address.
    { name: 'a whole subnet', broadcast: '127.255.255.255', listensOn: '0.0.0.0' },
  ])('to $name arrives in three copies, and nothing beside it', async ({ broadcast, listensOn }) => {
    using ears = await listener(listensOn)
    await wake({ mac, broadcast: [broadcast], port: ears.port })
    await expect.poll(ears.hexes).toEqual([packet, packet, packet])
  })

  test.each([
    { name: 'of six bytes', secureOn: '0a:0b:0c:0d:0e:0f\n', bytes: '0a0b0c0d0e0f' },
    { name: 'of four', secureOn: '1.2.3.4', bytes: '01020304' },
  ])('carries a password $name', async ({ secureOn, bytes }) => {
    using ears = await listener('127.0.0.1')
    await wake({ mac, secureOn, broadcast: ['127.0.0.1'], port: ears.port })
    await expect.poll(ears.hexes).toEqual(Array.from({ length: 3 }, () => packet + bytes))
  })

  test('goes to every destination, once to one that is named twice', async () => {
    using one = await listener('127.0.0.1')
    using other = await listener('127.0.0.2', one.port)
    await wake({ mac, broadcast: ['127.0.0.1', '127.0.0.2', '127.0.0.1'], port: one.port })
    await expect.poll(other.hexes).toHaveLength(3)
    await expect.poll(one.hexes).toHaveLength(3)
  })

  test.skipIf(isMissing)('goes to those that can be reached, and the one that can not is told of', async () => {
    using ears = await listener('127.0.0.1')
    const log = listening()
    // From loopback nothing leaves the machine: the kernel refuses an address of documentation (RFC 5737).
    await wake({ mac, interface: name, broadcast: ['nas.lab', '192.0.2.9', '127.0.0.1'], port: ears.port }, { log })
    await expect.poll(ears.hexes).toEqual([packet, packet, packet])
    expect(log.told).toEqual([
      expect.stringContaining('nas.lab: not an IPv4 address'),
      expect.stringContaining('192.0.2.9'),
    ])
  })

  test('wakes many machines at once', async () => {
    using ears = await listener('127.0.0.1')
    const names = Array.from({ length: 20 }, (_, index) => index.toString(16).padStart(2, '0'))
    const waker = createWaker(
      names.map((name) => ({ name, mac: `00:11:32:00:00:${name}`, broadcast: ['127.0.0.1'], port: ears.port })),
    )
    await Promise.all(names.map((name) => waker.wake(name, soon())))
    await expect.poll(() => new Set(ears.hexes()).size).toBe(20)
  })
})

describe('by an interface', () => {
  test.skipIf(isMissing)(
    'a packet goes to the broadcast address of its network too, and comes from its own',
    async () => {
      using ears = await listener('0.0.0.0')
      await wake({ mac, interface: name, broadcast: ['127.0.0.1'], port: ears.port })
      await expect.poll(ears.hexes).toHaveLength(6)
      expect(ears.from()).toEqual(['127.0.0.1'])
    },
  )

  test('the broadcast address is the last of its network', () => {
    expect(broadcastOf('192.168.7.20', '255.255.255.0')).toBe('192.168.7.255')
    expect(broadcastOf('10.1.2.3', '255.255.240.0')).toBe('10.1.15.255')
    expect(broadcastOf('10.1.2.5', '255.255.255.252')).toBe('10.1.2.7')
    for (const mask of ['255.255.255.254', '255.255.255.255']) expect(broadcastOf('10.1.2.3', mask)).toBeUndefined()
  })

  test.each(['wlan-of-old', 'constructor'])('that is not there (%s), the others are named', async (missing) => {
    const error = await refusal(wake({ mac, interface: missing, port: 9 }))
    expect(error.code).toBe('unreachable')
    expect(error.message).toContain(`wake w-1: no interface ${missing} with an IPv4 address; found: `)
    expect(error.message).toContain(name)
  })
})

describe('a machine is not woken', () => {
  test('where no packet can be sent at all', async () => {
    await expect(wake({ mac, broadcast: ['nas.lab', 'w-1.lab'] })).rejects.toMatchObject({
      name: 'AgentError',
      code: 'unreachable',
      message: expect.stringMatching(/^wake w-1: no magic packet could be sent: nas.lab: .*; w-1.lab: /),
    })
    await expect(wake({ mac, broadcast: [] })).rejects.toMatchObject({ code: 'unreachable' })
    await expect(wake({ mac, port: 70_000 })).rejects.toMatchObject({ name: 'AgentError' })
  })

  test('without a MAC address, or with what is none', async () => {
    await expect(wake({})).rejects.toMatchObject({
      code: 'misconfigured',
      message: 'wake w-1: it has no MAC address: add `mac`',
    })
    await expect(wake({ mac: '00:11' })).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('with a password that is none, which no message repeats', async () => {
    const error = await refusal(wake({ mac, secureOn: 'hunter2' }))
    expect(error.code).toBe('misconfigured')
    expect(error.message).not.toContain('hunter2')
  })

  test('when it is called off, or not known', async () => {
    using ears = await listener('127.0.0.1')
    const order = wake({ mac, broadcast: ['127.0.0.1'], port: ears.port }, { signal: AbortSignal.abort() })
    await expect(order).rejects.toMatchObject({ code: 'unreachable', message: 'wake w-1: cancelled' })
    await wake({ mac: '00:00:00:00:00:01', broadcast: ['127.0.0.1'], port: ears.port })
    await expect.poll(ears.hexes).toHaveLength(3)
    expect(ears.hexes()).not.toContain(packet)
    await expect(createWaker([]).wake('attic', soon())).rejects.toMatchObject({
      code: 'misconfigured',
      message: expect.stringContaining('attic'),
    })
  })
})
