import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'

/** In bytes: as long as the output of SHA-256, as RFC 2104 recommends for HMAC. */
const keyLength = 32

/**
 * Random keys of our own, each in a file of `keys/` in the state directory that only our user can read. Where they can't be
 * kept they last until the daemon ends, and what they have signed ends with them.
 */
export function createKeys(state: string, log: Logger): (name: string) => Promise<Uint8Array> {
  const known = new Map<string, Promise<Uint8Array>>()
  return (name) => {
    const key = known.get(name) ?? readOrCreate(join(state, 'keys'), name, log)
    known.set(name, key)
    return key
  }
}

async function readOrCreate(directory: string, name: string, log: Logger): Promise<Uint8Array> {
  const file = join(directory, name)
  const kept = await readFile(file).catch(() => undefined)
  if (kept?.length === keyLength) return kept
  const key = randomBytes(keyLength)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await using handle = await open(file, 'w', 0o600)
    await handle.writeFile(key)
    await handle.sync()
  } catch (error) {
    log.warn({ reason: messageOf(error), key: name }, 'a key is not kept: what it signs ends with this process')
  }
  return key
}
