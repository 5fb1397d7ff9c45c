import { AgentError } from '../../core/errors.ts'

/** The packets of TFTP (RFC 1350) with its options (RFC 2347): blksize (RFC 2348), tsize (RFC 2349), windowsize (RFC 7440). */

/** What firmware asks for: an Ethernet frame less the headers of IP and UDP and four bytes of TFTP. */
export const blockSize = 1_468

const opcode = { read: 1, data: 3, ack: 4, error: 5, options: 6 } as const

export type ServerPacket =
  | { readonly kind: 'data'; readonly block: number; readonly bytes: Uint8Array }
  | { readonly kind: 'options'; readonly options: ReadonlyMap<string, string> }
  | { readonly kind: 'error'; readonly code: number; readonly text: string }

/** RRQ: the name, the mode, and pairs of option and value, each with a NUL at its end. `window` in blocks. */
export function readRequest(file: string, window = 1): Buffer {
  const options = ['tsize', '0', 'blksize', String(blockSize), ...(window === 1 ? [] : ['windowsize', String(window)])]
  const words = [file, 'octet', ...options]
  return Buffer.concat([header(opcode.read), Buffer.from(words.map((word) => `${word}\0`).join(''), 'utf8')])
}

/** ACK. The number has 16 bits: after 65,535 comes 0. */
export function acknowledgement(block: number): Buffer {
  return Buffer.concat([header(opcode.ack), number(block)])
}

/** Ends a transfer of which enough is known: code 8 is the usual word for it (RFC 2347), and no failure. */
export function enough(): Buffer {
  return Buffer.concat([header(opcode.error), number(8), Buffer.from('enough\0')])
}

/** @throws AgentError `malformed` */
export function parsePacket(packet: Buffer): ServerPacket {
  const kind = packet.length >= 4 || packet.length === 2 ? packet.readUInt16BE(0) : 0
  if (kind === opcode.data && packet.length >= 4)
    return { kind: 'data', block: packet.readUInt16BE(2), bytes: packet.subarray(4) }
  if (kind === opcode.error && packet.length >= 4)
    return { kind: 'error', code: packet.readUInt16BE(2), text: textUntilNul(packet.subarray(4)) }
  if (kind === opcode.options) {
    const words = packet.subarray(2).toString('latin1').split('\0')
    const options = new Map<string, string>()
    for (let index = 0; index + 1 < words.length; index += 2)
      options.set(words[index]!.toLowerCase(), words[index + 1]!)
    return { kind: 'options', options }
  }
  throw new AgentError('malformed', 'it answers with something that is not TFTP')
}

function textUntilNul(bytes: Buffer): string {
  return bytes.toString('latin1').split('\0', 1)[0]!.slice(0, 200)
}

function header(code: number): Buffer {
  return number(code)
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value & 0xffff)
  return bytes
}
