import { describe, expect, test } from 'vitest'
import { messageTypes, optionCodes } from '../../../../src/core/netboot/dhcp/client.ts'
import { encodeText, type DhcpMessage } from '../../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf, readAnswer } from '../../../../src/core/netboot/dhcp/question.ts'

const question = { mac: '02:63:61:72:65:01', xid: 77, architecture: 'amd64', loads: 'tftp' } as const

/** An offer of a router, and what differs. */
function offer(fields: Partial<DhcpMessage> = {}, options: readonly (readonly [number, Uint8Array])[] = []) {
  const message: DhcpMessage = {
    ...discoverOf(question),
    op: 2,
    yiaddr: '192.168.0.111',
    ...fields,
    options: new Map([
      [optionCodes.messageType, Uint8Array.of(messageTypes.offer)],
      [optionCodes.serverId, Uint8Array.of(192, 168, 0, 1)],
      ...options,
    ]),
  }
  return readAnswer(message, question, messageTypes.offer, '192.168.0.9')
}

const named = [optionCodes.tftpServer, encodeText('nas.lan')] as const

describe('an offer is read as EDK2 reads it', () => {
  test.each([
    { name: 'siaddr alone', fields: { siaddr: '192.168.0.6' }, options: [], bootServer: '192.168.0.6' },
    {
      name: 'siaddr, whatever option 66 says',
      fields: { siaddr: '192.168.0.6' },
      options: [named],
      bootServer: '192.168.0.6',
    },
    { name: 'none where option 66 alone says one', fields: {}, options: [named], bootServer: undefined },
  ])('the server of the file is $name', ({ fields, options, bootServer }) => {
    expect(offer(fields, options)?.bootServer).toBe(bootServer)
  })

  test.each([
    {
      name: 'option 67',
      fields: { file: 'other.efi' },
      options: [[optionCodes.bootFile, encodeText('boot.efi\0')]] as const,
    },
    { name: 'the fixed field', fields: { file: 'boot.efi' }, options: [] },
  ])('the file is that of $name', ({ fields, options }) => {
    expect(offer(fields, options)?.file).toBe('boot.efi')
  })

  test.each([
    { name: 'of a proxy', fields: { yiaddr: '0.0.0.0' }, is: { address: undefined } },
    { name: 'of a DHCP server', fields: {}, is: { address: '192.168.0.111', server: '192.168.0.1', file: undefined } },
  ])('an offer $name', ({ fields, is }) => {
    expect(offer(fields)).toMatchObject(is)
  })

  test.each([
    { name: 'a menu', vendor: [6, 1, 8, 255], has: true },
    { name: 'nothing but their end', vendor: [255], has: false },
    { name: 'nothing', vendor: [], has: false },
  ])('options for PXE that hold $name', ({ vendor, has }) => {
    expect(offer({}, [[optionCodes.vendorSpecific, Uint8Array.from(vendor)]])?.hasPxeOptions).toBe(has)
  })

  test.each([
    { bytes: [1, 0], size: 256 },
    { bytes: [1], size: undefined },
  ])('a size of $bytes is $size', ({ bytes, size }) => {
    expect(offer({}, [[13, Uint8Array.from(bytes)]])?.sizeInBlocks).toBe(size)
  })
})

test.each([
  { name: 'to another question', fields: { xid: 78 }, options: [] },
  { name: 'of a client', fields: { op: 1 as const }, options: [] },
  {
    name: 'of another kind',
    fields: {},
    options: [[optionCodes.messageType, Uint8Array.of(messageTypes.ack)]] as const,
  },
])('an answer $name is none', ({ fields, options }) => {
  expect(offer(fields, options)).toBeUndefined()
})

test('who does not say who it is, is known by its address', () => {
  expect(offer({}, [[optionCodes.serverId, Uint8Array.of(0, 0, 0, 0)]])?.server).toBe('192.168.0.9')
})
