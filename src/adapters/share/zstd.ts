import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdDecompress } from 'node:zlib'
import { AgentError, messageOf } from '../../core/errors.ts'
import { largestZstdWindow } from '../../core/release/zstd.ts'

/**
 * Unpacks a zstd frame piece by piece, in the memory of its window and some pieces.
 *
 * @throws AgentError `malformed` for one that is damaged, ends early, or needs a larger window than is taken
 */
export async function* unpackZstd(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unpacking = createZstdDecompress({
    chunkSize: 65_536,
    params: { [constants.ZSTD_d_windowLogMax]: Math.log2(largestZstdWindow) },
  })
  // Where it fails is told by the loop, with the same error.
  const fed = pipeline(Readable.from(compressed, { objectMode: true }), unpacking)
  fed.catch(() => undefined)
  try {
    for await (const piece of unpacking as AsyncIterable<Uint8Array>) yield piece
  } catch (error) {
    throw translate(error)
  } finally {
    unpacking.destroy()
  }
}

function translate(error: unknown): unknown {
  const code = String((error as NodeJS.ErrnoException).code)
  // Of the decoder, and of zlib around it: an end in the middle.
  if (!/^(ZSTD_|Z_)/.test(code)) return error
  return new AgentError('malformed', `the extensions in .initrd can't be unpacked: ${messageOf(error)}`, error)
}
