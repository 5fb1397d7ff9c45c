import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { bootLimits } from '../../../src/services/boot-files/limits.ts'
import { seeded } from '../../core/netboot/tftp/wire.ts'
import { askWithoutEnd } from '../../lab/many-requests.ts'
import { fetchFile, openClient, requestFor } from '../../lab/tftp-client.ts'
import { ports, serveFolder } from './desk.ts'

const address = '127.0.120.2'
const bytes = randomBytes(1_000_000)
const options = { blksize: '1468', windowsize: '4' }

test('a flood of requests and of garbage from one address keeps no other machine from its image', async () => {
  await using served = await serveFolder(address)
  await served.write('boot.efi', bytes)
  const flood = await openClient('127.0.120.30')
  const random = seeded(1)
  const packets = [requestFor('boot.efi', 'octet', options), requestFor('../x'), randomBytes(400), Buffer.alloc(0)]
  const flooding = setInterval(() => {
    for (let count = 0; count < 40; count += 1)
      flood.send(packets[Math.floor(random() * packets.length)]!, ports.tftp, address)
  }, 2)
  try {
    const fetched = await fetchFile('boot.efi', { address, port: ports.tftp, from: '127.0.120.31', options })
    expect(fetched.bytes.equals(bytes)).toBe(true)
  } finally {
    clearInterval(flooding)
    flood.close()
  }
  expect(served.failures).toEqual([])
})

test('what is asked beyond the limit is counted, and no event is made of it', async () => {
  await using served = await serveFolder(address, { limits: { burst: 3, perSecond: 0 } })
  const ask = () => fetch(`http://${address}:${ports.http}/nothing.efi`).then(({ status }) => status)
  expect([await ask(), await ask(), await ask(), await ask(), await ask()]).toEqual([404, 404, 404, 429, 429])
  expect(served.events).toHaveLength(3)
  expect(served.takeUnserved()).toEqual([
    { by: 'http', reason: 'not-found', count: 3 },
    { by: 'http', reason: 'limit', count: 2 },
  ])
  expect(served.takeUnserved()).toEqual([])
})

test('transfers that nobody answers make room for machines that do: their addresses may be forged', async () => {
  await using served = await serveFolder(address, { limits: { transfers: 4 } })
  await served.write('boot.efi', bytes)
  const came: number[] = []
  for (const last of [60, 61, 62, 63]) {
    const forged = await openClient(`127.0.120.${last}`)
    onTestFinished(() => void forged.close())
    forged.on('message', () => came.push(last))
    forged.send(requestFor('boot.efi', 'octet', options), ports.tftp, address)
    await expect.poll(() => came).toContain(last)
  }
  served.pass(bootLimits.answersWithin)
  const fetched = await fetchFile('boot.efi', { address, port: ports.tftp, from: '127.0.120.35', options })
  expect(fetched.bytes.equals(bytes)).toBe(true)
  // At once, and not when it asked again.
  expect(served.told('127.0.120.35')).not.toContain('refused busy')
})

test('of strangers fewer come within the time to answer than there are places', () => {
  const { transfers, answersWithin, strangers } = bootLimits
  expect((strangers.perSecond * answersWithin) / 1_000).toBeLessThan(transfers / 2)
})

test('of many machines that begin in one moment each has its place that there is one for, and keeps it until it could answer', async () => {
  await using served = await serveFolder(address, { limits: { transfers: 2, answersWithin: 30_000 } })
  await served.write('boot.efi', bytes)
  const machines = await Promise.all([50, 51, 52, 53].map((last) => openClient(`127.0.120.${last}`)))
  const came = new Map<Socket, { readonly kind: number; readonly port: number }>()
  for (const one of machines) {
    onTestFinished(() => void one.close())
    one.on('message', (packet, { port }) => came.set(one, { kind: packet[1]!, port }))
    one.send(requestFor('boot.efi', 'octet', options), ports.tftp, address)
  }
  await expect.poll(() => served.told()).toEqual(['refused busy', 'refused busy'])
  await expect.poll(() => came.size).toBe(2)
  const [first] = came.keys()
  first!.send(Buffer.from([0, 4, 0, 0]), came.get(first!)!.port, address)
  await expect.poll(() => came.get(first!)?.kind).toBe(3)
  // The second one has had its time.
  served.pass(31_000)
  const late = await openClient('127.0.120.54')
  onTestFinished(() => void late.close())
  const answered = once(late, 'message')
  late.send(requestFor('boot.efi', 'octet', options), ports.tftp, address)
  await answered
})

test('one address has so many transfers at a time, and is not answered beyond that', async () => {
  await using served = await serveFolder(address, { limits: { perAddress: 3 } })
  await served.write('boot.efi', bytes)
  const sockets = await Promise.all(Array.from({ length: 5 }, () => openClient('127.0.120.36')))
  const peers = new Set<number>()
  for (const socket of sockets) {
    socket.on('message', (packet, from) => {
      // It has answered once, so it is there, and makes no room.
      if (packet[1] === 6) socket.send(Buffer.from([0, 4, 0, 0]), from.port, address)
      peers.add(from.port)
    })
    socket.send(requestFor('boot.efi', 'octet', options), ports.tftp, address)
    await expect.poll(() => served.told().length).toBeGreaterThanOrEqual(sockets.indexOf(socket) + 1)
  }
  expect(served.told().toSorted()).toEqual(['refused busy', 'refused busy', 'started', 'started', 'started'])
  expect(peers.size).toBe(3)
  for (const socket of sockets) socket.close()
})

test('what is asked on one connection before the last answer was taken holds no part of a file', async () => {
  await using served = await serveFolder(address)
  await served.write('boot.efi', Buffer.alloc(20_000_000))
  const slow = connect({ port: ports.http, host: address, localAddress: '127.0.120.41' })
  onTestFinished(() => void slow.destroy())
  await once(slow, 'connect')
  slow.pause()
  const ask = (range: string) => `GET /boot.efi HTTP/1.1\r\nHost: nas\r\nRange: bytes=${range}\r\n\r\n`
  slow.write(['0-', '300000-300009', '600000-600009'].map(ask).join(''))
  const started = () => served.events.filter(({ type }) => type === 'boot.started').length
  await expect.poll(started).toBe(1)
  // Whoever asks meanwhile is answered, and those that wait have not begun.
  expect((await fetch(`http://${address}:${ports.http}/boot.efi`, { method: 'HEAD' })).status).toBe(200)
  expect(started()).toBe(1)
  slow.resume()
  await expect.poll(() => served.told('127.0.120.41').filter((word) => word.includes('done'))).toHaveLength(3)
})

test('whoever asks without end on one connection, and takes no answer, is hung up on in the middle of a read', async () => {
  await using served = await serveFolder(address)
  await served.write('boot.efi', Buffer.alloc(20_000_000))
  const request = 'GET /boot.efi HTTP/1.1\r\nHost: nas\r\n\r\n'
  const slow = connect({ port: ports.http, host: address, localAddress: '127.0.120.42' })
  onTestFinished(() => void slow.destroy())
  await once(slow, 'connect')
  slow.pause()
  slow.write(request.repeat(16))
  await expect.poll(() => served.told('127.0.120.42')).toEqual(['started'])
  const asked = { host: address, port: ports.http, from: '127.0.120.43', request }
  expect(await askWithoutEnd(asked)).toBeLessThan(20)
  expect(served.told('127.0.120.42')).toEqual(['started'])
  expect(served.failures).toEqual([])
})
