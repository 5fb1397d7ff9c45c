import type { Architecture } from '../../release/image.ts'
import { type Firmware, typeOf } from '../firmware.ts'
import { messageTypes, optionCodes, probeId } from './client.ts'
import { addressIn, type DhcpMessage, encodeText, textIn } from './packet.ts'

/** A DISCOVER as firmware sends it. */
export interface Question {
  /** Whose: as `normalMac` writes it. */
  readonly mac: string
  readonly xid: number
  readonly architecture: Architecture
  readonly loads: Firmware['loads']
}

/** Options that EDK2 asks for, as far as they have to do with booting. */
const wanted = [1, 3, 43, 54, 60, 66, 67, 97]

/** What UEFI firmware would send, but for its UUID, which says that it is only us. Nothing is ever taken of what is offered. */
export function discoverOf({ mac, xid, architecture, loads }: Question): DhcpMessage {
  const type = typeOf(architecture, loads)
  const [name, number] = [loads === 'http' ? 'HTTPClient' : 'PXEClient', String(type).padStart(5, '0')]
  return {
    op: 1,
    htype: 1,
    xid,
    secs: 0,
    flags: 0x8000,
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16)),
    sname: '',
    file: '',
    options: new Map([
      [optionCodes.messageType, Uint8Array.of(messageTypes.discover)],
      [optionCodes.maximumSize, Uint8Array.of(5, 192)],
      [optionCodes.parameterList, Uint8Array.from(wanted)],
      [optionCodes.machineId, Uint8Array.from([0, ...encodeText(probeId)])],
      [optionCodes.networkInterface, Uint8Array.of(1, 3, 0)],
      [optionCodes.systemType, Uint8Array.of(0, type)],
      [optionCodes.classId, encodeText(`${name}:Arch:${number}:UNDI:003000`)],
    ]),
  }
}

/** What a server offers: an address, a boot file, or both. */
export interface SeenOffer {
  /** Who it says that it is, else the address that it came from. */
  readonly server: string
  /** The address that the client would get; undefined of a proxy. */
  readonly address: string | undefined
  readonly classId: string | undefined
  /** Where the file is, as EDK2 takes it: `siaddr`. Option 66 is nothing to it; where this is undefined it asks `server`. */
  readonly bootServer: string | undefined
  /** From the fixed field or option 67, as it came: junk at its end is part of it. */
  readonly file: string | undefined
  /** Option 13, in units of 512 bytes. */
  readonly sizeInBlocks: number | undefined
  /** Option 43 holds something that PXE clients act on. */
  readonly hasPxeOptions: boolean
}

const bootFileSize = 13
/** What ends the options within option 43. */
const endOfVendor = 255

/** Reads an answer to this question, of this type; undefined for anything else. `from`: the address that it came from. */
export function readAnswer(
  message: DhcpMessage,
  { xid }: Pick<Question, 'xid'>,
  type: number,
  from: string,
): SeenOffer | undefined {
  const { options } = message
  if (message.op !== 2 || message.xid !== xid) return undefined
  if (options.get(optionCodes.messageType)?.[0] !== type) return undefined
  const textOf = (code: number) => {
    const value = options.get(code)
    return value === undefined ? undefined : textIn(value) || undefined
  }
  const size = options.get(bootFileSize)
  const vendor = options.get(optionCodes.vendorSpecific)
  return {
    server: addressIn(options.get(optionCodes.serverId)) ?? from,
    address: message.yiaddr === '0.0.0.0' ? undefined : message.yiaddr,
    classId: textOf(optionCodes.classId),
    bootServer: message.siaddr === '0.0.0.0' ? undefined : message.siaddr,
    file: textOf(optionCodes.bootFile) ?? (message.file || undefined),
    sizeInBlocks: size?.length === 2 ? size[0]! * 256 + size[1]! : undefined,
    hasPxeOptions: vendor !== undefined && vendor[0] !== endOfVendor && vendor.length > 0,
  }
}
