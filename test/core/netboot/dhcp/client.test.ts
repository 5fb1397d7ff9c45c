import { expect, test } from 'vitest'
import { type DhcpClient, readClient, uuidIn } from '../../../../src/core/netboot/dhcp/client.ts'
import type { DhcpMessage } from '../../../../src/core/netboot/dhcp/packet.ts'
import { discoverOf } from '../../../../src/core/netboot/dhcp/question.ts'
import { clientOf, discover, withOptions } from './messages.ts'

test('OVMF is known by its card, its UUID and its firmware', () => {
  expect(clientOf(discover())).toEqual({
    mac: '52:54:00:12:34:56',
    uuid: '564d0000-0000-4000-8000-525400123456',
    type: 1,
    kind: 'pxe',
    firmware: { name: 'UEFI x64', architecture: 'amd64', loads: 'tftp' },
    classId: 'PXEClient:Arch:00007:UNDI:003000',
    server: undefined,
    address: undefined,
    isProbe: false,
  })
})

interface Case {
  readonly name: string
  readonly message: DhcpMessage
  readonly is: Partial<DhcpClient>
}

const arch = (type: number) => Uint8Array.of(0, type)

test.each<Case>([
  {
    name: 'an operating system',
    message: withOptions({ classId: 'udhcp 1.36' }),
    is: { kind: 'system', firmware: undefined },
  },
  { name: 'one that says nothing of itself', message: withOptions({ classId: undefined }), is: { kind: 'system' } },
  {
    name: 'UEFI HTTP boot',
    message: withOptions({ classId: 'HTTPClient:Arch:00016:UNDI:003000', systemType: arch(16) }),
    is: { kind: 'http', firmware: { name: 'UEFI x64, HTTP boot', architecture: 'amd64', loads: 'http' } },
  },
  { name: 'iPXE', message: withOptions({ userClass: 'iPXE' }), is: { kind: 'ipxe' } },
  {
    name: 'iPXE with a length before its class',
    message: withOptions({ userClass: '\u0004iPXE' }),
    is: { kind: 'ipxe' },
  },
  {
    name: 'firmware that tells its type in its class alone',
    message: withOptions({ systemType: undefined, classId: 'PXEClient:Arch:00011:UNDI:003000' }),
    is: { firmware: { name: 'UEFI ARM64', architecture: 'arm64', loads: 'tftp' } },
  },
  {
    name: 'the other number of x64',
    message: withOptions({ systemType: arch(9) }),
    is: { firmware: { name: 'UEFI x64', architecture: 'amd64', loads: 'tftp' } },
  },
  {
    name: 'firmware with several types, of which the first is its own',
    message: withOptions({ systemType: Uint8Array.of(0, 7, 0, 0) }),
    is: { firmware: { name: 'UEFI x64', architecture: 'amd64', loads: 'tftp' } },
  },
  {
    name: 'the address that it asks for',
    message: withOptions({ requestedAddress: Uint8Array.of(10, 0, 0, 7) }),
    is: { address: '10.0.0.7' },
  },
  { name: 'the address that it has', message: withOptions({}, { ciaddr: '10.0.0.8' }), is: { address: '10.0.0.8' } },
  {
    name: 'the server that it has chosen',
    message: withOptions({ serverId: Uint8Array.of(10, 0, 0, 1) }),
    is: { server: '10.0.0.1' },
  },
  {
    name: 'no server by an option of a wrong length',
    message: withOptions({ serverId: Uint8Array.of(10, 0, 0) }),
    is: { server: undefined },
  },
])('reads $name', ({ message, is }) => {
  expect(clientOf(message)).toMatchObject(is)
})

test.each([
  { why: 'BIOS, which starts no UKI', type: 0 },
  { why: 'UEFI of 32 bits', type: 6 },
  { why: 'a type that nobody knows', type: 4_711 },
])('tells why it has no image: $why', ({ type }) => {
  const { firmware } = clientOf(withOptions({ systemType: Uint8Array.of(type >> 8, type & 255) }))
  expect(firmware!.architecture).toBeUndefined()
  expect(firmware!.why).toMatch(/UEFI|processor/)
})

test.each<{ readonly name: string; readonly message: DhcpMessage }>([
  { name: 'an answer of a server', message: withOptions({}, { op: 2 }) },
  { name: 'one without a type', message: withOptions({ messageType: undefined }) },
  { name: 'another network than Ethernet', message: withOptions({}, { htype: 32 }) },
  { name: 'an address of eight bytes', message: withOptions({}, { chaddr: new Uint8Array(8).fill(2) }) },
  { name: 'the address of a group', message: withOptions({}, { chaddr: Uint8Array.of(1, 0, 0x5e, 0, 0, 1) }) },
  { name: 'no address', message: withOptions({}, { chaddr: new Uint8Array(6) }) },
])('takes $name for no client', ({ message }) => {
  expect(readClient(message)).toBeUndefined()
})

test.each([
  { bytes: '00785634123412785691abdef012345678ff', is: undefined, why: 'one byte too many' },
  {
    bytes: '0078563412341278569abcdef012345678',
    is: '12345678-1234-5678-9abc-def012345678',
    why: 'little-endian in its first parts',
  },
  { bytes: `00${'00'.repeat(16)}`, is: undefined, why: 'all zeros' },
  { bytes: `00${'ff'.repeat(16)}`, is: undefined, why: 'all ones' },
  { bytes: `01${'12'.repeat(16)}`, is: undefined, why: 'another kind of id' },
])('a UUID of $why is $is', ({ bytes, is }) => {
  expect(uuidIn(Buffer.from(bytes, 'hex'))).toBe(is)
})

test('a question of Caretaker looks like firmware, and is known as what it is', () => {
  const question = { mac: '02:63:61:72:65:01', xid: 1, architecture: 'arm64', loads: 'http' } as const
  expect(clientOf(discoverOf(question))).toMatchObject({
    mac: '02:63:61:72:65:01',
    kind: 'http',
    firmware: { architecture: 'arm64', loads: 'http' },
    classId: 'HTTPClient:Arch:00019:UNDI:003000',
    isProbe: true,
  })
})
