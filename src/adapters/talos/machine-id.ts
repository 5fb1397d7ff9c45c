/**
 * /etc/machine-id of a node, 32 hex digits, from its identity's `nodeId`: the first 16 of the 32 bytes that it encodes
 * (siderolabs/talos controllers/cluster/node_identity.go). Undefined where it is none.
 */
export function machineIdOf(nodeId: string): string | undefined {
  const bytes = decodeBase62(nodeId)
  return bytes === undefined || bytes.length < 16 ? undefined : Buffer.from(bytes.subarray(0, 16)).toString('hex')
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * The compact base62 of jxskiss/base62, which Talos uses: not one big number, but groups of six bits from the end on; the
 * four values that would be too many are written with five. The last character has as many bits as it needs.
 */
function decodeBase62(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let pending = 0
  let bits = 0
  for (let index = 0; index < text.length; index++) {
    const value = alphabet.indexOf(text.charAt(index))
    if (value === -1) return undefined
    pending |= value << bits
    const isShort = (value & 0x1e) === 0x1e
    bits += index === text.length - 1 ? 32 - Math.clz32(value) : isShort ? 5 : 6
    if (bits >= 8) {
      bytes.push(pending & 0xff)
      bits %= 8
      pending >>= 8
    }
  }
  if (bits > 0) bytes.push(pending & 0xff)
  return Uint8Array.from(bytes.toReversed())
}
