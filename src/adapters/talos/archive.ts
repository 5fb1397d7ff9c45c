import { gunzipSync } from 'node:zlib'
import { withoutEnd } from '../../core/text-end.ts'
import { AgentError, messageOf } from '../../core/errors.ts'

const block = 512
/** A kubeconfig has some kilobytes; anything that unpacks to more than this is not one. */
const largest = 4 * 1_048_576

/**
 * Extracts a file's text from a gzipped tar, which is how Talos sends a kubeconfig. Extended headers are not supported.
 *
 * @throws AgentError `malformed`
 */
export function textInArchive(gzipped: Uint8Array, name: string): string {
  let tar: Buffer
  try {
    tar = gunzipSync(gzipped, { maxOutputLength: largest })
  } catch (error) {
    throw new AgentError('malformed', `the archive with ${name} can't be unpacked: ${messageOf(error)}`, error)
  }
  const text = (at: number, length: number) => withoutEnd(tar.toString('latin1', at, at + length), '\0 ')
  let at = 0
  while (at + block <= tar.length && tar[at] !== 0) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const end = at + block + size
    if (!(end <= tar.length)) break
    if (text(at, 100).replace(/^\.\//, '') === name) return tar.toString('utf8', at + block, end)
    at = at + block + Math.ceil(size / block) * block
  }
  throw new AgentError('malformed', `the archive has no complete ${name}`)
}
