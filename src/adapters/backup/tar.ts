import { AgentError } from '../../core/errors.ts'

/** The headers of tar archives, as POSIX' ustar has them: `tar` lists and unpacks what we write. */

export const blockSize = 512
/** Names longer than both fields together, and sizes beyond eleven octal digits, do not occur among our files. */
const [nameLength, prefixLength] = [100, 155]
const largest = 0o77777777777

export interface Header {
  readonly name: string
  readonly bytes: number
  readonly mode: number
  /** Seconds since the epoch. */
  readonly modified: number
}

/** @throws AgentError `rejected` where tar has no room for it */
export function writeHeader({ name, bytes, mode, modified }: Header): Buffer {
  const header = Buffer.alloc(blockSize)
  const { prefix, rest } = splitName(name)
  if (bytes > largest) throw new AgentError('rejected', `${name} is too large for a backup`)
  header.write(rest, 0)
  for (const [value, at, length] of [
    [mode & 0o7777, 100, 8],
    [0, 108, 8],
    [0, 116, 8],
    [bytes, 124, 12],
    [modified, 136, 12],
  ] as const)
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write(prefix, 345)
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Undefined for the blocks of zeros at the end. @throws AgentError `malformed` where it is none of ours */
export function readHeader(block: Buffer): Header | undefined {
  if (block.every((byte) => byte === 0)) return undefined
  const field = (at: number, length: number) => block.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  const octal = (at: number, length: number) => {
    const digits = field(at, length).trim()
    return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : NaN
  }
  if (octal(148, 8) !== sumOf(block) || field(257, 5) !== 'ustar') throw new AgentError('malformed', 'it is damaged')
  const [prefix, rest] = [field(345, prefixLength), field(0, nameLength)]
  const header = {
    name: prefix === '' ? rest : `${prefix}/${rest}`,
    bytes: octal(124, 12),
    mode: octal(100, 8),
    modified: octal(136, 12),
  }
  const isFile = block[156] === 0x30 && [header.bytes, header.mode, header.modified].every(Number.isSafeInteger)
  if (!isFile) throw new AgentError('malformed', 'it has something in it that is no file')
  return header
}

/** How many bytes of nothing follow so many bytes of a file. */
export function paddingOf(bytes: number): number {
  return (blockSize - (bytes % blockSize)) % blockSize
}

/** With the field of the sum itself as spaces. */
function sumOf(block: Buffer): number {
  let sum = 0
  for (const [at, byte] of block.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  return sum
}

function splitName(name: string): { readonly prefix: string; readonly rest: string } {
  if (Buffer.byteLength(name) <= nameLength) return { prefix: '', rest: name }
  for (let at = name.indexOf('/'); at > 0; at = name.indexOf('/', at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)]
    if (Buffer.byteLength(prefix) <= prefixLength && Buffer.byteLength(rest) <= nameLength) return { prefix, rest }
  }
  throw new AgentError('rejected', `the name ${name} is too long for a backup`)
}
