/**
 * The packets of TFTP as a server reads and writes them: RFC 1350, with the options of RFC 2347, 2348 (blksize), 2349
 * (tsize, timeout) and 7440 (windowsize). Nothing here throws: whatever a stranger sends has an answer or none.
 */

/** RFC 1350, section 5; 6 is RFC 2347's. */
const opcode = { read: 1, write: 2, data: 3, acknowledgement: 4, error: 5, options: 6 } as const

/** RFC 1350's appendix; 8 is RFC 2347's. */
export const errorCode = { other: 0, notFound: 1, forbidden: 2, full: 3, illegal: 4, unknownId: 5, options: 8 } as const

/** Requests are at most so long (RFC 2347, section 2). */
export const longestRequest = 512
/** Options beyond so many are no firmware's. */
const mostOptions = 16

export interface ReadRequest {
  readonly kind: 'read'
  /** The bytes of the name, one letter each: what they mean is for `cleanName` to say. */
  readonly name: string
  /** In lower case: `octet`, `netascii`. */
  readonly mode: string
  /** By name in lower case, in the order in which they came; the first counts where one comes twice. */
  readonly options: ReadonlyMap<string, string>
}

export type Request = ReadRequest | { readonly kind: 'write' } | { readonly kind: 'other' }

/** What arrives at the port where transfers begin. */
export function parseRequest(packet: Uint8Array): Request {
  if (packet.length < 2 || packet.length > longestRequest) return { kind: 'other' }
  const code = wordAt(packet, 0)
  if (code === opcode.write) return { kind: 'write' }
  if (code !== opcode.read) return { kind: 'other' }
  const words = wordsIn(packet)
  const [name, mode] = words
  if (name === undefined || mode === undefined) return { kind: 'other' }
  const options = new Map<string, string>()
  for (let index = 2; index + 1 < words.length && options.size < mostOptions; index += 2) {
    const key = words[index]!.toLowerCase()
    if (key !== '' && !options.has(key)) options.set(key, words[index + 1]!)
  }
  return { kind: 'read', name, mode: mode.toLowerCase(), options }
}

/** Texts that a NUL ends. What stands behind the last NUL is none: some clients pad their requests. */
function wordsIn(packet: Uint8Array): readonly string[] {
  const words: string[] = []
  let start = 2
  for (let end = packet.indexOf(0, start); end >= 0; end = packet.indexOf(0, start)) {
    words.push(String.fromCharCode(...packet.subarray(start, end)))
    start = end + 1
  }
  return words
}

/** What a client sends within a transfer. */
export type Reply =
  | { readonly kind: 'acknowledgement'; readonly block: number }
  | { readonly kind: 'error'; readonly code: number; readonly text: string }
  | { readonly kind: 'other' }

/** The 16 bits of an acknowledgement's block; -1 where the packet is none. Apart from `parseReply`, because it is asked per packet. */
export function acknowledgedBlock(packet: Uint8Array): number {
  return packet.length >= 4 && packet[0] === 0 && packet[1] === opcode.acknowledgement ? wordAt(packet, 2) : -1
}

export function parseReply(packet: Uint8Array): Reply {
  const block = acknowledgedBlock(packet)
  if (block >= 0) return { kind: 'acknowledgement', block }
  if (packet.length < 4 || wordAt(packet, 0) !== opcode.error) return { kind: 'other' }
  const end = packet.indexOf(0, 4)
  const bytes = packet.subarray(4, Math.min(end < 0 ? packet.length : end, 4 + 120))
  return { kind: 'error', code: wordAt(packet, 2), text: printable(String.fromCharCode(...bytes)) }
}

/** DATA: four bytes, and then those of the block. `block` is the count from 1, of which the packet has the lower 16 bits. */
export function writeDataHeader(packet: Uint8Array, block: number): void {
  packet[0] = 0
  packet[1] = opcode.data
  packet[2] = (block >> 8) & 0xff
  packet[3] = block & 0xff
}

/** OACK. */
export function formatOptions(options: ReadonlyMap<string, string>): Uint8Array {
  return packetOf(opcode.options, [...options].flat())
}

/** ERROR, with a text for people. */
export function formatError(code: number, text: string): Uint8Array {
  const packet = packetOf(opcode.error, [`  ${text}`])
  packet[2] = (code >> 8) & 0xff
  packet[3] = code & 0xff
  return packet
}

function packetOf(code: number, words: readonly string[]): Uint8Array {
  const text = words.map((word) => `${printable(word)}\0`).join('')
  const packet = new Uint8Array(2 + text.length)
  packet[1] = code
  for (let index = 0; index < text.length; index += 1) packet[2 + index] = text.charCodeAt(index)
  return packet
}

/** ASCII that shows; anything else, such as an escape that a terminal would obey, as a question mark. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7E]/g, '?')
}

function wordAt(packet: Uint8Array, index: number): number {
  return (packet[index]! << 8) | packet[index + 1]!
}
