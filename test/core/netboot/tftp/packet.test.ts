import { env } from 'node:process'
import { describe, expect, test } from 'vitest'
import { cleanName } from '../../../../src/core/netboot/file-name.ts'
import { grantOptions } from '../../../../src/core/netboot/tftp/options.ts'
import {
  formatError,
  formatOptions,
  parseReply,
  parseRequest,
  writeDataHeader,
} from '../../../../src/core/netboot/tftp/packet.ts'
import { seeded } from './wire.ts'

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const requestOf = (...words: string[]) => bytes(`\0\u0001${words.map((word) => `${word}\0`).join('')}`)
const [size, limits] = [104_857_600, { largestBlock: 1_468, largestWindow: 64 }]

describe('a request is read', () => {
  test.each([
    {
      name: 'as EDK2 asks for a size',
      packet: requestOf('small.efi', 'octet', 'tsize', '0', 'blksize', '1468', 'windowsize', '4'),
      options: { tsize: '0', blksize: '1468', windowsize: '4' },
    },
    { name: 'without options', packet: requestOf('small.efi', 'OCTET'), options: {} },
    {
      name: 'with options in capitals, and padding behind',
      packet: bytes('\0\u0001small.efi\0octet\0BLKSIZE\x00512\0\0\0'),
      options: { blksize: '512' },
    },
    {
      name: 'with an option that comes twice',
      packet: requestOf('small.efi', 'octet', 'blksize', '1', 'blksize', '2'),
      options: { blksize: '1' },
    },
    { name: 'with an option without a value', packet: requestOf('small.efi', 'octet', 'tsize'), options: {} },
  ])('$name', ({ packet, options }) => {
    const read = parseRequest(packet)
    expect(read).toMatchObject({ kind: 'read', name: 'small.efi', mode: 'octet' })
    expect(Object.fromEntries('options' in read ? read.options : [])).toEqual(options)
  })

  test.each([
    { name: 'nothing', packet: bytes(''), kind: 'other' },
    { name: 'a byte', packet: bytes('\0'), kind: 'other' },
    { name: 'no mode', packet: bytes('\0\u0001name\0'), kind: 'other' },
    { name: 'no end', packet: bytes('\0\u0001name\0octet'), kind: 'other' },
    { name: 'more than 512 bytes', packet: requestOf('name', 'octet', 'x'.repeat(500), '1'), kind: 'other' },
    { name: 'a write', packet: bytes('\0\u0002name\0octet\0'), kind: 'write' },
    { name: 'data', packet: bytes('\0\u0003\0\u0001'), kind: 'other' },
  ])('$name is no read request', ({ packet, kind }) => {
    expect(parseRequest(packet)).toEqual({ kind })
  })
})

test('what a client says within a transfer is read', () => {
  expect(parseReply(bytes('\0\u0004\u00FF\u0001'))).toEqual({ kind: 'acknowledgement', block: 65_281 })
  expect(parseReply(bytes('\0\u0005\0\u0008User aborted the transfer\0junk'))).toEqual({
    kind: 'error',
    code: 8,
    text: 'User aborted the transfer',
  })
  expect(parseReply(bytes('\0\u0005\0\u0001\u001B[2J'))).toEqual({ kind: 'error', code: 1, text: '?[2J' })
  expect(parseReply(bytes(`\0\u0005\0\0${'x'.repeat(600)}`))).toMatchObject({ text: 'x'.repeat(120) })
  for (const text of ['', '\0\u0004\0', '\0\u0003\0\u0001data', '\u0004\u0004\0\0'])
    expect(parseReply(bytes(text))).toEqual({ kind: 'other' })
})

test('packets are written as the RFCs have them', () => {
  expect(formatOptions(new Map([['blksize', '1468']]))).toEqual(bytes('\0\u0006blksize\x001468\0'))
  expect(formatError(1, 'no such file')).toEqual(bytes('\0\u0005\0\u0001no such file\0'))
  const packet = new Uint8Array(4)
  writeDataHeader(packet, 65_536 + 258)
  expect([...packet]).toEqual([0, 3, 1, 2])
})

describe('no option is granted that was not asked for, and none larger than it was', () => {
  test.each<{ name: string; asked: { [option: string]: string }; accepted: { [option: string]: string } | undefined }>([
    {
      name: 'EDK2',
      asked: { tsize: '0', blksize: '1468', windowsize: '4' },
      accepted: { tsize: '104857600', blksize: '1468', windowsize: '4' },
    },
    {
      name: 'EDK2 when it reads',
      asked: { blksize: '1468', windowsize: '4' },
      accepted: { blksize: '1468', windowsize: '4' },
    },
    { name: 'a block that the network would cut up', asked: { blksize: '65464' }, accepted: { blksize: '1468' } },
    { name: 'a window beyond ours', asked: { windowsize: '65535' }, accepted: { windowsize: '64' } },
    { name: 'a time', asked: { timeout: '3' }, accepted: { timeout: '3' } },
    { name: 'nothing', asked: {}, accepted: undefined },
    {
      name: 'nonsense',
      asked: { blksize: '7', windowsize: '0', timeout: '0', tsize: '5', multicast: '', utimeout: '1' },
      accepted: undefined,
    },
    { name: 'numbers that are none', asked: { blksize: '1e3', windowsize: '-4' }, accepted: undefined },
  ])('$name', ({ asked, accepted }) => {
    const granted = grantOptions(new Map(Object.entries(asked)), size, limits)
    expect(granted.accepted && Object.fromEntries(granted.accepted)).toEqual(accepted)
    expect(granted.blockSize).toBe(Number(accepted?.['blksize'] ?? 512))
    expect(granted.windowSize).toBe(Number(accepted?.['windowsize'] ?? 1))
  })
})

describe('a name leads to one file below the share, or to none', () => {
  test.each([
    { name: 'metal-amd64-uki.efi', path: 'metal-amd64-uki.efi' },
    { name: '/metal-amd64-uki.efi', path: 'metal-amd64-uki.efi' },
    { name: '\\talos\\v1.14.0\\x.efi', path: 'talos/v1.14.0/x.efi' },
    { name: './talos//x.efi', path: 'talos/x.efi' },
    { name: 'x.efi\xFF', path: 'x.efi' },
    { name: 'x.efi\xFF\xFF', path: 'x.efi' },
    { name: 'caf\xC3\xA9.efi', path: 'café.efi' },
    { name: '100%.efi', path: '100%.efi' },
    { name: '..\\x', fault: 'forbidden' },
    { name: 'a/../../x', fault: 'forbidden' },
    { name: '/../x', fault: 'forbidden' },
    { name: 'a/..', fault: 'forbidden' },
    { name: '', fault: 'not-found' },
    { name: '/', fault: 'not-found' },
    { name: '.x.efi.part', fault: 'not-found' },
    { name: 'a/.git/config', fault: 'not-found' },
    { name: 'a\nb', fault: 'not-found' },
    { name: 'a\0b', fault: 'not-found' },
    { name: 'caf\xE9.efi', fault: 'not-found' },
    { name: `${'a/'.repeat(127)}b`, path: `${'a/'.repeat(127)}b` },
    { name: `${'a/'.repeat(127)}bc`, fault: 'not-found' },
  ])('$name', ({ name, ...found }) => {
    expect(cleanName(name)).toEqual(found)
  })
})

test('packets with a few bytes changed are read in no time, and no name leads out', () => {
  const random = seeded(17)
  const wrong: unknown[] = []
  const packets = Number(env['SEEDS'] ?? 1) * 5_000
  const samples = [
    requestOf('metal-amd64-uki.efi', 'octet', 'tsize', '0', 'blksize', '1468', 'windowsize', '4'),
    requestOf('../../../etc/passwd', 'octet'),
    requestOf('a\\..\\..\\b\xFF\xFF', 'netascii', 'timeout', '3'),
    bytes('\0\u0005\0\u0008User aborted the transfer\0'),
  ]
  for (let count = 0; count < packets; count += 1) {
    const packet = mutated(samples[count % samples.length]!, random)
    parseReply(packet)
    const request = parseRequest(packet)
    if (request.kind !== 'read') continue
    const { blockSize, windowSize } = grantOptions(request.options, size, limits)
    const path = cleanName(request.name).path ?? ''
    const isFine = blockSize >= 8 && windowSize <= 64 && !/^\/|(^|\/)\.|[\\\0]/.test(path)
    if (!isFine) wrong.push({ packet: [...packet], blockSize, windowSize, path })
  }
  expect(wrong).toEqual([])
}, 600_000)

function mutated(sample: Uint8Array, random: () => number): Uint8Array {
  const whole = [...sample]
  for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes -= 1) {
    const place = Math.floor(random() * (whole.length + 1))
    const byte = random() < 0.3 ? [0, 1, 0x2e, 0x2f, 0x5c, 0xff][Math.floor(random() * 6)]! : Math.floor(random() * 256)
    const kind = random()
    if (kind < 0.6) whole[place] = byte
    else if (kind < 0.8) whole.splice(place, 1)
    else if (kind < 0.95) whole.splice(place, 0, byte)
    else whole.length = Math.min(whole.length, place)
  }
  return Uint8Array.from(whole.map((byte) => byte ?? 0))
}
