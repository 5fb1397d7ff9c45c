import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority } from '../../lab/authority.ts'
import { fetchFile, openClient, requestFor } from '../../lab/tftp-client.ts'
import { ports, type ServedFolder, serveFolder } from './desk.ts'

const address = '127.0.120.6'
const url = `http://${address}:${ports.http}/boot.efi`
/** Larger than what the system takes for a client that does not read. */
const large = Buffer.alloc(20_000_000, 7)
const options = { blksize: '1468', windowsize: '4' }

/** Asks for the file, and reads nothing of it. */
async function readNothing(
  from: number,
  open = connect,
  request = 'GET /boot.efi HTTP/1.1\r\nHost: nas\r\n\r\n',
): Promise<Socket> {
  const socket = open({ port: ports.http, host: address, localAddress: `127.0.120.${from}` })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(request)
  return socket
}

/** The first line of the answer. */
async function statusFrom(from: number): Promise<string | undefined> {
  const socket = await readNothing(from)
  const [first] = (await once(socket.resume(), 'data')) as [Buffer]
  return first.toString().split('\r\n')[0]
}

const under = (served: ServedFolder) => served.told().filter((word) => word === 'started').length

test('who holds more connections than others gives one up, and a machine loads its image', async () => {
  await using served = await serveFolder(address, { limits: { connections: 4, perAddress: 2 } })
  await served.write('boot.efi', large)
  for (const from of [70, 70, 71, 71]) await readNothing(from)
  await expect.poll(() => under(served)).toBe(4)
  const answer = await fetch(url)
  expect(Buffer.from(await answer.arrayBuffer()).equals(large)).toBe(true)
  await expect.poll(() => served.told().filter((word) => word === 'aborted slow')).toHaveLength(1)
})

test('where each has one, whoever takes nothing for long gives it up, and nobody who has only begun', async () => {
  await using served = await serveFolder(address, { limits: { connections: 3 } })
  await served.write('boot.efi', large)
  for (const from of [70, 71, 72]) await readNothing(from)
  await expect.poll(() => under(served)).toBe(3)
  const refused = await fetch(url)
  expect([refused.status, refused.headers.get('retry-after'), await refused.text()]).toEqual([503, '5', 'busy\n'])
  expect(served.told('127.0.0.1')).toEqual(['refused busy'])
  served.pass(29_000)
  expect(Buffer.from(await (await fetch(url)).arrayBuffer()).equals(large)).toBe(true)
})

test('of many that come at once those that find no room are told to come back, and a flood of one address is hung up on', async () => {
  await using served = await serveFolder(address, { limits: { connections: 8, perAddress: 2 } })
  await served.write('boot.efi', large)
  for (let one = 0; one < 8; one += 1) await readNothing(70 + one)
  await expect.poll(() => under(served)).toBe(8)
  const late = await Promise.all([80, 81, 82, 83].map((from) => statusFrom(from)))
  expect(late).toEqual(late.map(() => 'HTTP/1.1 503 Service Unavailable'))
  let closed = 0
  for (let one = 0; one < 6; one += 1) (await readNothing(90, connect, '')).resume().once('close', () => (closed += 1))
  await expect.poll(() => closed).toBe(6)
  // Those that are served are served on.
  expect(served.told().filter((word) => word.startsWith('aborted'))).toEqual([])
})

test('so it is where TLS is spoken', async () => {
  const { cert, key } = await (await createAuthority('boot')).issueServer({ common: 'boot', ips: [address] })
  await using served = await serveFolder(address, { limits: { connections: 2 }, tls: { cert, key } })
  await served.write('boot.efi', large)
  const open = ((place: object) =>
    connectSecurely({ ...place, rejectUnauthorized: false })) as unknown as typeof connect
  for (const from of [70, 70]) await readNothing(from, open)
  await expect.poll(() => under(served)).toBe(2)
  await readNothing(71, open)
  await expect.poll(() => served.told('127.0.120.70')).toContain('aborted slow')
  await expect.poll(() => under(served)).toBe(3)
})

test('transfers by TFTP of which a block is acknowledged now and then make room, too', async () => {
  const bytes = randomBytes(500_000)
  await using served = await serveFolder(address, { limits: { transfers: 4 } })
  await served.write('boot.efi', bytes)
  for (const from of [74, 74, 75, 75]) {
    const slow = await openClient(`127.0.120.${from}`)
    onTestFinished(() => void slow.close())
    // Its first answer shows that it is there.
    slow.on('message', (packet, { port }) => packet[1] === 6 && slow.send(Buffer.from([0, 4, 0, 0]), port, address))
    slow.send(requestFor('boot.efi', 'octet', options), ports.tftp, address)
  }
  await expect.poll(() => under(served)).toBe(4)
  const fetched = await fetchFile('boot.efi', { address, port: ports.tftp, from: '127.0.120.76', options })
  expect(fetched.bytes.equals(bytes)).toBe(true)
  expect(served.told().filter((word) => word === 'aborted slow')).toHaveLength(1)
})

test('requests of ever new addresses, which may be forged, are looked at so many a second', async () => {
  await using served = await serveFolder(address, { limits: { strangers: { burst: 3, perSecond: 0 } } })
  for (let last = 80; last < 90; last += 1) {
    const forged = await openClient(`127.0.120.${last}`)
    onTestFinished(() => void forged.close())
    forged.send(requestFor('nothing.efi'), ports.tftp, address)
  }
  const dropped: number[] = []
  await expect
    .poll(() => {
      dropped.push(...served.takeUnserved().flatMap(({ reason, count }) => (reason === 'limit' ? [count] : [])))
      return dropped.reduce((sum, count) => sum + count, 0)
    })
    .toBe(7)
  await expect.poll(() => served.told()).toHaveLength(3)
})
