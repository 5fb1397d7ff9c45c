import { randomBytes } from 'node:crypto'
import { rm, truncate, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:dgram'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { edk2, rfc7440, seeded } from '../../core/netboot/tftp/wire.ts'
import { acknowledgement, fetchFile, type FetchOptions, openClient, requestFor } from '../../lab/tftp-client.ts'
import { patience } from '../../patience.ts'
import { ports, type ServedFolder, serveFolder } from './desk.ts'

const address = '127.0.120.1'
let served: ServedFolder
beforeAll(async () => {
  served = await serveFolder(address, { limits: { burst: 1_000 } })
})
afterAll(() => served[Symbol.asyncDispose]())
/** Each test is another machine. */
let machine = 100
const from = () => `127.0.120.${machine}`
beforeEach(() => {
  machine += 1
})

const fetch = (name: string | Buffer, options: Partial<FetchOptions> = {}) =>
  fetchFile(name, { address, port: ports.tftp, from: from(), ...options })
const told = () => served.told(from())
const last = () => served.events.filter(({ transfer }) => transfer.client === from()).at(-1)

describe('a file arrives byte for byte', () => {
  test.each<{ name: string; size: number; options: Record<string, string> }>([
    { name: 'empty', size: 0, options: { blksize: '1468', windowsize: '4' } },
    { name: 'a byte less than a block', size: 511, options: {} },
    { name: 'of exactly a block, which an empty one follows', size: 512, options: {} },
    { name: 'as iPXE asks', size: 400_000, options: { blksize: '1432', tsize: '0' } },
    { name: 'as EDK2 asks', size: 1_000_000, options: { blksize: '1468', windowsize: '4' } },
    {
      name: 'in blocks that cross the chunks in which it is read',
      size: 800_001,
      options: { blksize: '1001', windowsize: '64' },
    },
    { name: 'of more than 65,535 blocks', size: 66_000 * 8, options: { blksize: '8', windowsize: '64' } },
  ])('$name', async ({ size, options }) => {
    const bytes = randomBytes(size)
    await served.write('boot.efi', bytes)
    const fetched = await fetch('boot.efi', { options })
    expect(fetched.error).toBeUndefined()
    expect(fetched.bytes.equals(bytes)).toBe(true)
    await expect.poll(last).toMatchObject({
      type: 'boot.done',
      bytes: size,
      transfer: { file: 'boot.efi', client: from() },
    })
  })

  test.each([
    { name: 'EDK2', habits: edk2 },
    { name: 'a client of RFC 7440', habits: rfc7440 },
  ])('to $name where packets are lost', async ({ habits }) => {
    const bytes = randomBytes(2_000_000)
    await served.write('boot.efi', bytes)
    const random = seeded(4)
    const loses = () => random() < 0.01
    const fetched = await fetch('boot.efi', { options: { blksize: '1468', windowsize: '4' }, habits, loses })
    expect(fetched.bytes.equals(bytes)).toBe(true)
    expect(fetched.packets).toBeLessThan((2_000_000 / 1_468) * 1.2)
  })
})

test('the size that EDK2 asks for before it reads is a question, and no failure', async () => {
  await served.write('boot.efi', randomBytes(5_000))
  const options = { tsize: '0', blksize: '1468', windowsize: '4' }
  const fetched = await fetch('boot.efi', { options, probes: true })
  expect(fetched.granted).toEqual({ tsize: '5000', blksize: '1468', windowsize: '4' })
  await expect.poll(last).toMatchObject({ type: 'boot.probed', bytes: 5_000 })
  expect(told()).toEqual(['probed'])
})

describe('a version that is published', () => {
  const options = { tsize: '0', blksize: '1468', windowsize: '4' }
  const [older, newer] = [randomBytes(300_000), randomBytes(600_000)]
  const publish = (bytes: Buffer) => served.write('boot.efi', bytes)

  test('between the question for the size and the download waits for the next boot', async () => {
    await publish(older)
    await fetch('boot.efi', { options, probes: true })
    await publish(newer)
    expect((await fetch('boot.efi')).bytes.equals(older)).toBe(true)
    await expect.poll(() => told().at(-1)).toBe('done')
    expect((await fetch('boot.efi')).bytes.equals(newer)).toBe(true)
  })

  test('is for other machines at once', async () => {
    await publish(older)
    await fetch('boot.efi', { options, probes: true })
    await publish(newer)
    expect((await fetch('boot.efi', { from: '127.0.120.20' })).bytes.equals(newer)).toBe(true)
  })

  test('counts after a minute for a machine that only asked', async () => {
    await publish(older)
    await fetch('boot.efi', { options, probes: true })
    await publish(newer)
    served.pass(61_000)
    expect((await fetch('boot.efi')).bytes.equals(newer)).toBe(true)
  })

  test('leaves a download alone that is under way', async () => {
    await publish(older)
    const beforeAnswer = (block: number) => (block === 100 ? publish(newer) : undefined)
    expect((await fetch('boot.efi', { beforeAnswer })).bytes.equals(older)).toBe(true)
  })

  test('and is taken away leaves a download alone that is under way', async () => {
    await publish(newer)
    const beforeAnswer = (block: number) => (block === 100 ? rm(join(served.root, 'boot.efi')) : undefined)
    expect((await fetch('boot.efi', { beforeAnswer })).bytes.equals(newer)).toBe(true)
  })
})

test.each([
  { name: 'written to', change: (file: string) => writeFile(file, 'other', { flag: 'r+' }) },
  { name: 'cut off', change: (file: string) => truncate(file, 100) },
])('a file that is $name while it is sent ends the transfer, and no mixture arrives', async ({ change }) => {
  // More than is read ahead.
  await served.write('boot.efi', randomBytes(3_000_000))
  const beforeAnswer = (block: number) => (block === 100 ? change(join(served.root, 'boot.efi')) : undefined)
  const fetched = await fetch('boot.efi', { options: { blksize: '1468' }, beforeAnswer })
  expect(fetched.error).toMatchObject({ code: 0 })
  expect(told()).toEqual(['started', 'aborted unreadable'])
})

describe('what is no read of a file is refused', () => {
  test.each([
    { name: 'a name that is not there', file: 'nothing.efi', code: 1, reason: 'not-found' },
    { name: 'a way out', file: '../../etc/passwd', code: 2, reason: 'forbidden' },
    { name: 'a name that no disk has', file: 'x'.repeat(300), code: 1, reason: 'not-found' },
    { name: 'a folder', file: 'talos', code: 1, reason: 'not-found' },
    { name: 'text, which would change line ends', file: 'boot.efi', mode: 'netascii', code: 2, reason: 'unsupported' },
  ])('$name', async ({ file, mode, code, reason }) => {
    await served.write('boot.efi', 'x')
    const fetched = await fetch(file, mode === undefined ? {} : { mode })
    expect(fetched.error?.code).toBe(code)
    expect(fetched.error?.text).not.toContain(served.root)
    expect(told()).toEqual([`refused ${reason}`])
  })

  test('a write', async () => {
    const socket = await openClient(from())
    const answered = new Promise<Buffer>((resolve) => socket.once('message', resolve))
    socket.send(Buffer.from('\0\u0002new.efi\0octet\0'), ports.tftp, address)
    expect((await answered).subarray(0, 4)).toEqual(Buffer.from([0, 5, 0, 2]))
    socket.close()
    expect(told()).toEqual(['refused unsupported'])
  })
})

function closeIfOpen(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was closed by the test.
  }
}

/** A client that is driven by hand. */
async function byHand(own: string) {
  const socket = await openClient(own)
  const came: { readonly packet: Buffer; readonly from: number }[] = []
  socket.on('message', (packet, sender) => came.push({ packet, from: sender.port }))
  return {
    socket,
    came,
    ask: (name: string, options = {}) => socket.send(requestFor(name, 'octet', options), ports.tftp, address),
    answer: (block: number) => socket.send(acknowledgement(block), came.at(-1)!.from, address),
  }
}

/** Acknowledges the options, and waits for data. */
async function begin(it: Awaited<ReturnType<typeof byHand>>) {
  await expect.poll(() => it.came.length).toBeGreaterThan(0)
  it.answer(0)
  await expect.poll(() => it.came.at(-1)?.packet[1]).toBe(3)
}

test('a request that comes again before it was answered is no other transfer', async () => {
  await served.write('boot.efi', randomBytes(5_000))
  const it = await byHand(from())
  for (let count = 0; count < 5; count += 1) it.ask('boot.efi', { blksize: '1468' })
  await expect.poll(() => it.came.length).toBeGreaterThan(0)
  it.ask('boot.efi', { blksize: '1468' })
  // The first answer, and its copies by time.
  await expect.poll(() => it.came.length).toBe(3)
  expect(new Set(it.came.map(({ from }) => from)).size).toBe(1)
  it.answer(0)
  await expect.poll(told).toEqual(['started'])
  it.socket.close()
})

test('a copy of a request that comes late does not end the transfer that it began', async () => {
  await served.write('boot.efi', randomBytes(5_000))
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await begin(it)
  it.ask('boot.efi', { blksize: '1468' })
  it.answer(1)
  await expect.poll(() => it.came.at(-1)?.packet.subarray(0, 4)).toEqual(Buffer.from([0, 3, 0, 2]))
  expect(told()).toEqual(['started'])
  it.socket.close()
})

test('a machine that asks otherwise from the same port, having answered nothing, gets what it asks for', async () => {
  await served.write('boot.efi', randomBytes(5_000))
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468', windowsize: '4' })
  await expect.poll(() => it.came.at(-1)?.packet[1]).toBe(6)
  it.ask('boot.efi')
  await expect.poll(() => it.came.at(-1)?.packet.subarray(0, 4)).toEqual(Buffer.from([0, 3, 0, 1]))
  it.socket.close()
})

test.each([
  { name: 'whose port is closed', ends: (it: Awaited<ReturnType<typeof byHand>>) => it.socket.close() },
  {
    name: 'that says nothing any more',
    ends: () => served.pass(40_000),
  },
])('a machine $name, with all but the last answer, has the file', async ({ ends }) => {
  await served.write('boot.efi', randomBytes(3_000))
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await begin(it)
  for (const block of [1, 2]) {
    it.answer(block)
    await expect.poll(() => it.came.at(-1)?.packet.subarray(0, 4), patience).toEqual(Buffer.from([0, 3, 0, block + 1]))
  }
  // The answer to the third, which is the last, is lost.
  ends(it)
  await expect.poll(told, patience).toEqual(['started', 'done'])
  closeIfOpen(it.socket)
})

test('a machine that was reset and asks from the same port anew gets the file from its start', async () => {
  const bytes = randomBytes(5_000)
  await served.write('boot.efi', bytes)
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await begin(it)
  const { port } = it.socket.address()
  // Its last packet is sent again, at ever longer intervals: the next copy is not to come in between.
  for (let copies = it.came.length; copies < 8; copies += 1) {
    served.pass(2_000)
    await expect.poll(() => it.came.length).toBeGreaterThan(copies)
  }
  await new Promise<void>((resolve) => it.socket.close(() => resolve()))
  const fetched = await fetch('boot.efi', { fromPort: port, options: { blksize: '1468' } })
  expect(fetched.bytes.equals(bytes)).toBe(true)
  await expect.poll(told).toEqual(['started', 'aborted hung-up', 'started', 'done'])
})

test('packets of a stranger change nothing in a transfer', async () => {
  const bytes = randomBytes(200_000)
  await served.write('boot.efi', bytes)
  const stranger = await openClient('127.0.120.23')
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await expect.poll(() => it.came.length).toBe(1)
  const { from: peer } = it.came[0]!
  stranger.send(Buffer.from('\0\u0005\0\0gone\0'), peer, address)
  stranger.send(acknowledgement(0), peer, address)
  it.answer(0)
  await expect.poll(() => it.came.at(-1)?.packet.subarray(0, 4)).toEqual(Buffer.from([0, 3, 0, 1]))
  it.answer(1)
  await expect.poll(() => it.came.at(-1)?.packet.subarray(0, 4)).toEqual(Buffer.from([0, 3, 0, 2]))
  expect(told()).toEqual(['started'])
  it.socket.close()
  stranger.close()
})

test('a machine whose port is closed is given up at once', async () => {
  await served.write('boot.efi', randomBytes(200_000))
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await begin(it)
  it.socket.close()
  await expect.poll(told).toEqual(['started', 'aborted hung-up'])
})

test.each([
  { code: 3, reason: 'changed' },
  { code: 0, reason: 'hung-up' },
])('a machine that ends with error $code is told as $reason', async ({ code, reason }) => {
  await served.write('boot.efi', randomBytes(200_000))
  const it = await byHand(from())
  it.ask('boot.efi', { blksize: '1468' })
  await begin(it)
  it.socket.send(Buffer.from(`\0\u0005\0${String.fromCharCode(code)}no more\0`), it.came.at(-1)!.from, address)
  await expect.poll(told).toEqual(['started', `aborted ${reason}`])
  expect(last()).toMatchObject({ text: 'no more', arrived: 0 })
  it.socket.close()
})
