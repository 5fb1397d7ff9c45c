import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Watched } from '../../../src/services/boot-files/watched.ts'
import { createTftpTransfer } from '../../../src/services/boot-files/tftp/transfer.ts'
import { acknowledgement } from '../../lab/tftp-client.ts'

/** One block and the end of a file, to a client that a test speaks for. */
function begin({ asksSize = false, isUnreadable = false } = {}) {
  const socket = new EventEmitter()
  const over: string[] = []
  const sent: Buffer[] = []
  const told: string[] = []
  let time = 0
  Object.assign(socket, {
    send: (packet: Uint8Array) => sent.push(Buffer.from(packet)),
    getSendQueueCount: () => 0,
    close: () => over.push('socket'),
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
      chunk: async () => {
        if (isUnreadable) throw new Error('EIO')
        return { bytes, length: bytes.length, users: 1 } as never
      },
      release: () => {},
      drop: () => over.push('file'),
    } as never,
    options: { blockSize: 512, windowSize: 1, accepted: new Map([['blksize', '512']]), asksSize },
    watched,
    now: () => time,
    ended: (whole) => over.push(whole ? 'whole' : 'not whole'),
  })
  return {
    told,
    /** What was closed, each time, and whether the client has it all. */
    over,
    transfer,
    /** Texts of errors that were sent. */
    errors: () => sent.filter((packet) => packet[1] === 5).map((packet) => packet.subarray(4, -1).toString()),
    /** An ERROR of the client. */
    refuses: (code: number) => socket.emit('message', Buffer.from([0, 5, 0, code, 0])),
    garbage: () => socket.emit('message', Buffer.from([0, 3, 0, 1, 9])),
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

/** As far as its first block is on its way. */
async function under(options?: Parameters<typeof begin>[0]) {
  const it = begin(options)
  it.acknowledge(0)
  await expect.poll(it.blocks).toEqual([1])
  return it
}

const closed = ['socket', 'file', 'not whole']

test('a file that has arrived is over once, and closed once, whatever comes after that', async () => {
  const it = await under()
  it.acknowledge(1)
  await expect.poll(() => it.blocks().at(-1)).toBe(2)
  it.acknowledge(2)
  it.acknowledge(2)
  it.refuses(0)
  for (const end of ['stop', 'leave', 'oust'] as const) it.transfer[end]()
  it.pass(60_000)
  expect(it.told).toEqual(['started', 'done'])
  expect(it.over).toEqual(['socket', 'file', 'whole'])
  expect([it.blocks(), it.errors()]).toEqual([[1, 2], []])
})

test.each([
  { end: 'stop', told: 'aborted stopped', said: ['the server stops'] },
  { end: 'leave', told: 'aborted hung-up', said: [] },
  { end: 'oust', told: 'aborted slow', said: ['others have no room'] },
] as const)('one that is under way ends by $end once, and the client is told: $said', async ({ end, told, said }) => {
  const it = await under()
  it.transfer[end]()
  it.transfer[end]()
  it.acknowledge(1)
  expect(it.told).toEqual(['started', told])
  expect([it.over, it.errors()]).toEqual([closed, said])
})

test.each(['stop', 'leave'] as const)('one that nobody has answered ends by %s without a word', (end) => {
  const it = begin()
  it.transfer[end]()
  expect([it.told, it.over, it.errors()]).toEqual([[], closed, []])
})

test.each([
  { name: 'a question for the size', asksSize: true, told: ['probed'] },
  { name: 'a refusal', asksSize: false, told: ['started', 'aborted hung-up'] },
])('an error as the first answer is $name', ({ asksSize, told }) => {
  const it = begin({ asksSize })
  it.refuses(8)
  expect([it.told, it.over]).toEqual([told, closed])
})

test('an error after the first block is no question for the size', async () => {
  const it = await under({ asksSize: true })
  it.refuses(3)
  expect([it.told, it.over]).toEqual([['started', 'aborted changed'], closed])
})

test('a file that can not be read ends it, and the client is told', async () => {
  const it = begin({ isUnreadable: true })
  it.acknowledge(0)
  await expect.poll(() => it.told).toEqual(['started', 'aborted unreadable'])
  expect([it.over, it.errors()]).toEqual([closed, ['the file can not be read']])
})

test('what is neither an acknowledgement nor an error changes nothing', async () => {
  const it = await under()
  it.garbage()
  expect([it.told, it.over]).toEqual([['started'], []])
})
