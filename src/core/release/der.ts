import { malformed } from './byte-source.ts'

/** One value of ASN.1 in DER (ITU-T X.690), as far as signatures need it. */
export interface Der {
  /** The first byte: class, form and number. */
  readonly tag: number
  /** Header and contents. */
  readonly whole: Uint8Array
  readonly contents: Uint8Array
}

export const derTags = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  /** `[0]` with contents of its own. */
  first: 0xa0,
} as const

/** Values in one, one after another; far more than any signature has. */
const mostValues = 1_024

/** Reads the value at the start; what follows it is left alone. @throws AgentError `malformed` */
export function readDer(bytes: Uint8Array): Der {
  const [tag, first] = [bytes[0], bytes[1]]
  // Tags of more than one byte, and lengths that are told at the end, stand in no signature.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || first === 0x80) throw damaged()
  const digits = first < 0x80 ? 0 : first & 0x7f
  if (digits > 4 || bytes.length < 2 + digits) throw damaged()
  const length = digits === 0 ? first : bytes.subarray(2, 2 + digits).reduce((sum, byte) => sum * 256 + byte, 0)
  const end = 2 + digits + length
  if (end > bytes.length) throw damaged()
  return { tag, whole: bytes.subarray(0, end), contents: bytes.subarray(2 + digits, end) }
}

/** The values inside of one. @throws AgentError `malformed` */
export function childrenOf({ contents }: Der): readonly Der[] {
  const children: Der[] = []
  for (let at = 0; at < contents.length;) {
    if (children.length === mostValues) throw damaged()
    const child = readDer(contents.subarray(at))
    children.push(child)
    at += child.whole.length
  }
  return children
}

/** The value, where it is of this kind. @throws AgentError `malformed` */
export function expectTag(value: Der | undefined, tag: number): Der {
  if (value?.tag !== tag) throw damaged()
  return value
}

/** `1.2.840.113549.1.7.2`. @throws AgentError `malformed` */
export function oidOf(value: Der | undefined): string {
  const { contents } = expectTag(value, derTags.oid)
  if (contents.length === 0 || contents.length > 32) throw damaged()
  const numbers: number[] = []
  let number = 0
  for (const byte of contents) {
    number = number * 128 + (byte & 0x7f)
    if ((byte & 0x80) !== 0) continue
    numbers.push(number)
    number = 0
  }
  const [start = 0, ...rest] = numbers
  const top = Math.min(2, Math.floor(start / 40))
  return [top, start - top * 40, ...rest].join('.')
}

const damaged = () => malformed('its signature is damaged')
