/** One DHCP message (RFC 2131): the fixed fields of BOOTP, and the options by their number. */
export interface DhcpMessage {
  /** 1: of a client; 2: of a server. */
  readonly op: 1 | 2
  /** The kind of hardware address: 1 is Ethernet. */
  readonly htype: number
  readonly xid: number
  readonly secs: number
  /** Bit 15: the client can't be reached by its address yet, and wants the answer as a broadcast. */
  readonly flags: number
  /** Addresses in dotted form; `0.0.0.0` where there is none. */
  readonly ciaddr: string
  readonly yiaddr: string
  readonly siaddr: string
  readonly giaddr: string
  /** As long as it says itself, 16 bytes at most. */
  readonly chaddr: Uint8Array
  /** Texts of the fixed fields, up to their first NUL; empty where options took their place. */
  readonly sname: string
  readonly file: string
  readonly options: ReadonlyMap<number, Uint8Array>
}

const fixed = 236
/** RFC 2131, section 3: what tells DHCP from BOOTP. */
const cookie = [99, 130, 83, 99] as const
/** Firmware of old drops what is shorter than a BOOTP message of RFC 951. */
const shortest = 300
const [padding, end, overloaded] = [0, 255, 52]
/** Where the two fields are that options may flow over into (RFC 2132, 9.3). */
const snameAt = { from: 44, to: 108 }
const fileAt = { from: 108, to: 236 }

/**
 * Reads a message. Options that stand several times are one (RFC 3396), and those in the fields for names belong to it. One
 * that runs over its end, and whatever follows, is left out: firmware is not always careful. Undefined where it is no DHCP.
 */
export function parseDhcp(given: Uint8Array): DhcpMessage | undefined {
  // A copy: what is kept of a message must not keep what it came in.
  const bytes = new Uint8Array(given)
  if (bytes.length < fixed + cookie.length || cookie.some((byte, at) => bytes[fixed + at] !== byte)) return undefined
  const [op, htype = 0, length = 0] = bytes
  if ((op !== 1 && op !== 2) || length > 16) return undefined
  const view = new DataView(bytes.buffer)
  const found = new Map<number, Uint8Array[]>()
  collect(bytes.subarray(fixed + cookie.length), found)
  const overload = found.get(overloaded)?.[0]?.[0] ?? 0
  if (overload & 1) collect(bytes.subarray(fileAt.from, fileAt.to), found)
  if (overload & 2) collect(bytes.subarray(snameAt.from, snameAt.to), found)
  return {
    op,
    htype,
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    flags: view.getUint16(10),
    ciaddr: addressAt(bytes, 12),
    yiaddr: addressAt(bytes, 16),
    siaddr: addressAt(bytes, 20),
    giaddr: addressAt(bytes, 24),
    chaddr: bytes.slice(28, 28 + length),
    sname: overload & 2 ? '' : textIn(bytes.subarray(snameAt.from, snameAt.to)),
    file: overload & 1 ? '' : textIn(bytes.subarray(fileAt.from, fileAt.to)),
    options: new Map([...found].map(([code, parts]) => [code, joined(parts)])),
  }
}

function collect(bytes: Uint8Array, found: Map<number, Uint8Array[]>): void {
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at]!
    if (code === end) return
    if (code === padding) {
      at += 1
      continue
    }
    const length = bytes[at + 1]
    if (length === undefined || at + 2 + length > bytes.length) return
    const parts = found.get(code)
    const part = bytes.slice(at + 2, at + 2 + length)
    if (parts) parts.push(part)
    else found.set(code, [part])
    at += 2 + length
  }
}

/**
 * Writes a message, its options in the order that they have. What is longer than its field is refused by whoever made it:
 * names are cut off here.
 */
export function formatDhcp(message: DhcpMessage): Uint8Array {
  const parts = [...message.options].flatMap(([code, value]) => piecesOf(code, value))
  const length = fixed + cookie.length + parts.reduce((sum, part) => sum + part.length, 0) + 1
  const bytes = new Uint8Array(Math.max(shortest, length))
  const view = new DataView(bytes.buffer)
  bytes.set([message.op, message.htype, message.chaddr.length, 0])
  view.setUint32(4, message.xid)
  view.setUint16(8, message.secs)
  view.setUint16(10, message.flags)
  for (const [at, address] of [
    [12, message.ciaddr],
    [16, message.yiaddr],
    [20, message.siaddr],
    [24, message.giaddr],
  ] as const)
    bytes.set(addressBytes(address), at)
  bytes.set(message.chaddr.subarray(0, 16), 28)
  // With a NUL behind it, always.
  bytes.set(encodeText(message.sname).subarray(0, 63), snameAt.from)
  bytes.set(encodeText(message.file).subarray(0, 127), fileAt.from)
  bytes.set(cookie, fixed)
  let at = fixed + cookie.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  bytes[at] = end
  return bytes
}

/** An option in as many pieces as it takes: each has 255 bytes at most (RFC 3396). */
function piecesOf(code: number, value: Uint8Array): readonly Uint8Array[] {
  const count = Math.max(1, Math.ceil(value.length / 255))
  return Array.from({ length: count }, (_, index) => {
    const piece = value.subarray(255 * index, 255 * (index + 1))
    return joined([Uint8Array.of(code, piece.length), piece])
  })
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first) return first
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function addressAt(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

/** The four bytes of an address in dotted form. */
export function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(address.split('.', 4), Number)
}

/** An address of four bytes in dotted form; undefined where it is none, or none that is meant. */
export function addressIn(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 4 || bytes.every((byte) => byte === 0)) return undefined
  return bytes.join('.')
}

/** A text, byte by byte as Latin-1, up to its first NUL. */
export function textIn(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0)
  return String.fromCharCode(...(nul < 0 ? bytes : bytes.subarray(0, nul)))
}

/** The reverse: what is beyond Latin-1 has no place in DHCP. */
export function encodeText(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 0xff)
}
