import { type Firmware, firmwareOf } from '../firmware.ts'
import { addressIn, type DhcpMessage, textIn } from './packet.ts'

/** The kinds of messages (RFC 2132, 9.6), as far as they matter to who answers beside a DHCP server. */
export const messageTypes = { discover: 1, offer: 2, request: 3, ack: 5, inform: 8 } as const

/** The options that we read or write, by their names in RFC 2132, 3046, 3004 and 4578. */
export const optionCodes = {
  vendorSpecific: 43,
  requestedAddress: 50,
  messageType: 53,
  serverId: 54,
  maximumSize: 57,
  parameterList: 55,
  classId: 60,
  tftpServer: 66,
  bootFile: 67,
  userClass: 77,
  relayInformation: 82,
  systemType: 93,
  networkInterface: 94,
  machineId: 97,
} as const

/** Who speaks, as it tells of itself. */
export interface DhcpClient {
  /** As `normalMac` writes it. */
  readonly mac: string
  /** Of its firmware; undefined where it has none, or one that is shared by all boards of a kind: all zeros, all ones. */
  readonly uuid: string | undefined
  /** One of `messageTypes`. */
  readonly type: number
  /** `pxe` and `http`: network firmware; `ipxe`: iPXE, which is started by it; `system`: an operating system. */
  readonly kind: 'pxe' | 'http' | 'ipxe' | 'system'
  /** Undefined for an operating system. */
  readonly firmware: Firmware | undefined
  /** Option 60: `PXEClient:Arch:00007:UNDI:003000`. */
  readonly classId: string | undefined
  /** The server that it has chosen (option 54), and the address that it wants there or has. */
  readonly server: string | undefined
  readonly address: string | undefined
  /** It is Caretaker's own question, and no machine. */
  readonly isProbe: boolean
}

/** What our own questions have in place of a UUID: 16 letters. */
export const probeId = 'caretaker-probe.'

/**
 * The card that a message names, before anything else of it is read: what a flood costs is to be decided first. Undefined
 * for what no client on Ethernet sends. As `normalMac` writes it.
 */
export function cardIn(bytes: Uint8Array): string | undefined {
  const [op, htype, length] = bytes
  return op === 1 && htype === 1 && length === 6 && bytes.length >= 34 ? cardOf(bytes.subarray(28, 34)) : undefined
}

/** No card has a group's address, nor none at all. */
function cardOf(chaddr: Uint8Array): string | undefined {
  if (chaddr.length !== 6 || chaddr[0]! & 1 || chaddr.every((byte) => byte === 0)) return undefined
  return [...chaddr].map(hex).join(':')
}

/** Who has sent a message. Undefined for what no client on Ethernet sends. */
export function readClient(message: DhcpMessage): DhcpClient | undefined {
  const { op, htype, chaddr, options } = message
  const type = options.get(optionCodes.messageType)?.[0]
  const mac = op === 1 && htype === 1 ? cardOf(chaddr) : undefined
  if (mac === undefined || type === undefined) return undefined
  const classId = textOf(options, optionCodes.classId)
  const machine = options.get(optionCodes.machineId)
  const kind = kindOf(classId, options.get(optionCodes.userClass))
  return {
    mac,
    uuid: uuidIn(machine),
    type,
    kind,
    firmware: kind === 'system' ? undefined : firmwareOf(systemType(options, classId)),
    classId,
    server: addressIn(options.get(optionCodes.serverId)),
    address: message.ciaddr === '0.0.0.0' ? addressIn(options.get(optionCodes.requestedAddress)) : message.ciaddr,
    isProbe: machine !== undefined && textIn(machine.subarray(1)) === probeId,
  }
}

function kindOf(classId: string | undefined, userClass: Uint8Array | undefined): DhcpClient['kind'] {
  if (classId?.startsWith('HTTPClient')) return 'http'
  if (!classId?.startsWith('PXEClient')) return 'system'
  // RFC 3004 has a length before each class; iPXE has none.
  return userClass !== undefined && textIn(userClass).includes('iPXE') ? 'ipxe' : 'pxe'
}

/** Option 93, else what option 60 says: `PXEClient:Arch:00007:…`. A client may tell several; the first is its own. */
function systemType(options: DhcpMessage['options'], classId: string | undefined): number {
  const told = options.get(optionCodes.systemType)
  if (told !== undefined && told.length >= 2) return told[0]! * 256 + told[1]!
  const written = /^[A-Za-z]+:Arch:(\d{5})/.exec(classId ?? '')?.[1]
  return written === undefined ? 0 : Number(written)
}

/**
 * The UUID as people write it. On the wire its first three parts are little-endian (RFC 4578, 2.3; SMBIOS).
 *
 * @param bytes option 97: the kind, 0, and 16 bytes
 */
export function uuidIn(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 17 || bytes[0] !== 0) return undefined
  const id = bytes.subarray(1)
  if (id.every((byte) => byte === 0) || id.every((byte) => byte === 255)) return undefined
  const part = (from: number, to: number) => [...id.subarray(from, to)].map(hex)
  const swapped = (from: number, to: number) => part(from, to).toReversed()
  return [swapped(0, 4), swapped(4, 6), swapped(6, 8), part(8, 10), part(10, 16)].map((one) => one.join('')).join('-')
}

function textOf(options: DhcpMessage['options'], code: number): string | undefined {
  const value = options.get(code)
  return value === undefined ? undefined : textIn(value)
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
