import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Watched } from '../../../src/services/boot-files/watched.ts'
import { createTftpTransfer } from '../../../src/services/boot-files/tftp/transfer.ts'
import { acknowledgement } from '../../lab/tftp-client.ts'

/** One block and the end of a file, to a client that a test speaks for. */
function begin() {
  const socket = new EventEmitter()
  const sent: Buffer[] = []
  const told: string[] = []
  let time = 0
  Object.assign(socket, {
    send: (packet: Uint8Array) => sent.push(Buffer.from(packet)),
    getSendQueueCount: () => 0,
    close: () => {},
  })
  const watched: Watched = {
    probed: () => told.push('probed'),
    started: () => told.push('started'),
    progressed: () => {},
    ending: async () => {},
    done: () => told.push('done'),
    aborted: (_, reason) => told.push(`aborted ${reason}`),
    refused: () => {},
  }
  const bytes = Buffer.alloc(600, 7)
  const transfer = createTftpTransfer({
    socket: socket as unknown as Socket,
    file: {
      size: bytes.length,
      version: 'one',
      writtenAt: 0,
      chunk: async () => ({ bytes, length: bytes.length, users: 1 }) as never,
      release: () => {},
      drop: () => {},
    } as never,
    options: { blockSize: 512, windowSize: 1, accepted: new Map([['blksize', '512']]), asksSize: false },
    watched,
    now: () => time,
    ended: () => {},
  })
  return {
    told,
    blocks: () => sent.filter((packet) => packet[1] === 3).map((packet) => packet.readUInt16BE(2)),
    acknowledge: (block: number) => socket.emit('message', acknowledgement(block)),
    fails: (code: string) => socket.emit('error', Object.assign(new Error(code), { code })),
    pass: (ms: number) => {
      time += ms
      transfer.tick(time)
    },
  }
}

test.each([
  { code: 'EHOSTUNREACH', is: 'a firewall between both lets nothing pass' },
  { code: 'ENETUNREACH', is: 'a router between both knows no way' },
])('$code, where $is, breaks no transfer off that goes on in time', async ({ code }) => {
  const it = begin()
  it.acknowledge(0)
  await expect.poll(it.blocks).toEqual([1])
  for (let times = 0; times < 4; times += 1) {
    it.fails(code)
    it.pass(1_000)
  }
  expect(it.told).toEqual(['started'])
  it.acknowledge(1)
  await expect.poll(() => it.blocks().at(-1)).toBe(2)
  it.acknowledge(2)
  expect(it.told).toEqual(['started', 'done'])
})

test('a port of the client that is closed ends it, unless its last word comes after that', async () => {
  const it = begin()
  it.acknowledge(0)
  await expect.poll(it.blocks).toEqual([1])
  it.fails('ECONNREFUSED')
  it.acknowledge(1)
  it.pass(60)
  expect(it.told).toEqual(['started'])
  const other = begin()
  other.acknowledge(0)
  await expect.poll(other.blocks).toEqual([1])
  other.fails('ECONNREFUSED')
  other.pass(40)
  expect(other.told).toEqual(['started'])
  other.pass(20)
  expect(other.told).toEqual(['started', 'aborted hung-up'])
})

test('a network that lets nothing pass for long ends it at last', async () => {
  const it = begin()
  it.acknowledge(0)
  await expect.poll(it.blocks).toEqual([1])
  for (let seconds = 0; seconds < 40; seconds += 1) {
    it.fails('EHOSTUNREACH')
    it.pass(1_000)
  }
  expect(it.told).toEqual(['started', 'aborted silent'])
})
