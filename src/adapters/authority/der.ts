/** Values of ASN.1 in DER (ITU-T X.690), as far as a certificate has them. */

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size])
  const bytes = Buffer.from(size.toString(16).padStart(2 * Math.ceil(size.toString(16).length / 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

/** Any value by its tag. */
export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), length(content.length), content])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tagged(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => tagged(0x31, ...parts)
export const octets = (...parts: readonly Uint8Array[]): Buffer => tagged(0x04, ...parts)
export const truth = (): Buffer => tagged(0x01, Buffer.from([0xff]))
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text))

/** A number that is not negative, as its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80
  return tagged(0x02, ...(isNegative ? [Buffer.from([0])] : []), bytes)
}

/** @param unused how many bits at the end say nothing */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return tagged(0x03, Buffer.from([unused]), bytes)
}

/** `1.2.840.10045.4.3.2`. */
export function identifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const base128 = (value: number): number[] => {
    const digits = [value & 0x7f]
    for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f))
    return digits
  }
  return tagged(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

/** A time before 2050, to the second (RFC 5280, 4.1.2.5.1). */
export function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')
  return tagged(0x17, Buffer.from(`${digits.slice(2)}Z`))
}
