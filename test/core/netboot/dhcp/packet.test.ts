import process from 'node:process'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { readClient } from '../../../../src/core/netboot/dhcp/client.ts'
import { acknowledgementTo, offerTo } from '../../../../src/core/netboot/dhcp/offer.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf, readAnswer } from '../../../../src/core/netboot/dhcp/question.ts'
import { createRandom, type Random } from '../../random.ts'
import { discover, discoverOfOvmf } from './messages.ts'

test('what OVMF sends is read field by field', () => {
  expect(discoverOfOvmf).toHaveLength(347)
  const { options, ...fields } = discover()
  expect(fields).toEqual({
    op: 1,
    htype: 1,
    xid: 0xf7ab597b,
    secs: 0,
    flags: 0x8000,
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56),
    sname: '',
    file: '',
  })
  expect([...options.keys()]).toEqual([53, 57, 55, 97, 94, 93, 60])
  expect(Buffer.from(options.get(60)!).toString()).toBe('PXEClient:Arch:00007:UNDI:003000')
})

test('what is written is read again as it was, however long its options are', () => {
  const message: DhcpMessage = {
    ...discover(),
    op: 2,
    secs: 7,
    ciaddr: '10.1.2.3',
    yiaddr: '10.1.2.4',
    siaddr: '192.168.0.6',
    giaddr: '255.254.253.252',
    sname: 'nas',
    file: 'metal-amd64-uki.efi',
    options: new Map([
      [53, Uint8Array.of(2)],
      [67, new Uint8Array(700).fill(65)],
      [82, new Uint8Array(0)],
    ]),
  }
  expect(parseDhcp(formatDhcp(message))).toEqual(message)
})

test('no answer is shorter than firmware of old takes, and names end with a NUL in their fields', () => {
  const bytes = formatDhcp({ ...discover(), options: new Map([[53, Uint8Array.of(2)]]), file: 'x'.repeat(400) })
  expect(bytes.length).toBe(300)
  expect(parseDhcp(bytes)!.file).toBe('x'.repeat(127))
})

interface Case {
  readonly name: string
  readonly edit: (bytes: Buffer) => Buffer
  readonly seen: (message: DhcpMessage | undefined) => unknown
  readonly is: unknown
}

const optionsAt = 240

test.each<Case>([
  {
    name: 'one that is too short',
    edit: (bytes) => bytes.subarray(0, 239),
    seen: (message) => message,
    is: undefined,
  },
  {
    name: 'BOOTP without the cookie of DHCP',
    edit: (bytes) => (bytes.writeUInt32BE(0, 236), bytes),
    seen: (message) => message,
    is: undefined,
  },
  {
    name: 'one that is neither of a client nor of a server',
    edit: (bytes) => (bytes.writeUInt8(3, 0), bytes),
    seen: (message) => message,
    is: undefined,
  },
  {
    name: 'a hardware address that is longer than its field',
    edit: (bytes) => (bytes.writeUInt8(17, 2), bytes),
    seen: (message) => message,
    is: undefined,
  },
  {
    name: 'an option that runs over the end: those before it count',
    edit: (bytes) => Buffer.concat([bytes.subarray(0, optionsAt), Buffer.from([53, 1, 1, 60, 200, 80, 88])]),
    seen: (message) => [...message!.options.keys()],
    is: [53],
  },
  {
    name: 'an option without a length',
    edit: (bytes) => Buffer.concat([bytes.subarray(0, optionsAt), Buffer.from([53, 1, 1, 60])]),
    seen: (message) => [...message!.options.keys()],
    is: [53],
  },
  {
    name: 'padding between options, and nothing behind their end',
    edit: (bytes) => Buffer.concat([bytes.subarray(0, optionsAt), Buffer.from([0, 0, 53, 1, 3, 0, 255, 60, 1, 65])]),
    seen: (message) => [...message!.options],
    is: [[53, Uint8Array.of(3)]],
  },
  {
    name: 'an option in two pieces, which are one',
    edit: (bytes) =>
      Buffer.concat([bytes.subarray(0, optionsAt), Buffer.from([67, 2, 97, 98, 53, 1, 1, 67, 1, 99, 255])]),
    seen: (message) => Buffer.from(message!.options.get(67)!).toString(),
    is: 'abc',
  },
  {
    name: 'options that flow over into the field of the file',
    edit: (bytes) => overload(bytes, 1, 108, [67, 2, 97, 98, 255]),
    seen: (message) => [Buffer.from(message!.options.get(67)!).toString(), message!.file],
    is: ['ab', ''],
  },
  {
    name: 'options in both fields, the file first',
    edit: (bytes) => overload(overload(bytes, 3, 108, [67, 1, 97, 255]), 3, 44, [67, 1, 98, 255]),
    seen: (message) => [Buffer.from(message!.options.get(67)!).toString(), message!.sname],
    is: ['ab', ''],
  },
])('reads $name', ({ edit, seen, is }) => {
  expect(seen(parseDhcp(edit(Buffer.from(discoverOfOvmf))))).toEqual(is)
})

/** Says that options flow over, and puts some there. */
function overload(bytes: Buffer, fields: number, at: number, options: readonly number[]): Buffer {
  const whole = Buffer.concat([bytes.subarray(0, optionsAt), Buffer.from([52, 1, fields, 255])])
  Buffer.from(options).copy(whole, at)
  return whole
}

/** A message of a real client or of a server of ours, with some of its bytes changed, cut off or doubled. */
function mutated(random: Random, from: readonly Uint8Array[]): Buffer {
  let bytes = Buffer.from(random.pick(from))
  for (let count = random.below(8); count >= 0; count -= 1) {
    const at = random.below(bytes.length + 1)
    const kind = random.below(5)
    if (kind === 0) bytes = bytes.subarray(0, at)
    else if (kind === 1) bytes = Buffer.concat([bytes, bytes.subarray(at)]).subarray(0, 4_096)
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)])
    else if (at < bytes.length) bytes[at] = kind === 3 ? random.below(256) : random.pick([0, 1, 52, 53, 255])
  }
  return bytes
}

/** The time that this process has computed, in ms: how busy the machine is must not count. */
function busy(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** By `SEEDS` as many as are wanted: `SEEDS=1000000 npm test -- test/core/netboot/dhcp/packet.test.ts`. */
const rounds = Number(process.env['SEEDS'] ?? 20_000)

test('no bytes make the readers fail, hang or keep anything', () => {
  const random = createRandom(67)
  const question = discoverOf({ mac: '02:63:61:72:65:01', xid: 7, architecture: 'amd64', loads: 'tftp' })
  const client = readClient(discover())!
  const target = { by: 'tftp', server: '192.168.0.6', file: 'metal-amd64-uki.efi' } as const
  const offer = offerTo(discover(), client, { from: '192.168.0.10', target })
  const seeds = [discoverOfOvmf, formatDhcp(question), formatDhcp(offer)]
  let slowest = 0
  let read = 0
  /** What could not be answered, and what was read as another than it was written. */
  const faults: DhcpMessage[] = []
  const before = process.memoryUsage().arrayBuffers
  for (let round = 0; round < rounds; round += 1) {
    const bytes = mutated(random, seeds)
    const began = busy()
    const message = parseDhcp(bytes)
    if (message) {
      read += 1
      const heard = readClient(message)
      readAnswer(message, { xid: message.xid }, 2, '192.168.0.1')
      const answer = heard && acknowledgementTo(message, heard, { from: '192.168.0.10', target })
      if (answer && !parseDhcp(formatDhcp(answer))) faults.push(message)
      // But for the option that says where others flow over to.
      const again = parseDhcp(formatDhcp(message))
      if (!message.options.has(52) && !isDeepStrictEqual(again, message)) faults.push(message)
    }
    slowest = Math.max(slowest, busy() - began)
  }
  expect(faults).toEqual([])
  expect(read).toBeGreaterThan(rounds / 10)
  expect(slowest).toBeLessThan(1_000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64_000_000)
})
