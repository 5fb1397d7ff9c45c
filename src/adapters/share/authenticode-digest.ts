import { createHash } from 'node:crypto'
import { signedBytesOf } from '../../core/release/authenticode.ts'
import { type ByteSource, malformed } from '../../core/release/byte-source.ts'
import type { Pe } from '../../core/release/pe.ts'

/** In bytes: as sha256sum reads. */
const chunk = 1_048_576

/** SHA-256 of a program as SecureBoot signs it, in lower-case hex. @throws AgentError `malformed` */
export async function authenticodeOf(source: ByteSource, pe: Pe): Promise<string> {
  const { ranges, padding } = signedBytesOf(pe, source.size)
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(chunk)
  for (const { start, end } of ranges) {
    for (let at = start; at < end;) {
      const bytes = await source.read(at, Math.min(chunk, end - at), buffer)
      if (bytes.length === 0) throw malformed('the file has shrunk while it was read')
      hash.update(bytes)
      at += bytes.length
    }
  }
  return hash.update(Buffer.alloc(padding)).digest('hex')
}
