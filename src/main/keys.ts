import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { writeSecret } from './replace-file.ts'

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
  const kept = await readKey(file).catch(() => undefined)
  if (kept) return kept
  const key = randomBytes(keyLength)
  try {
    // Whole, or not at all: what is there may be anything by now.
    await writeSecret(file, key)
  } catch (error) {
    log.warn({ reason: messageOf(error), key: name }, 'a key is not kept: what it signs ends with this process')
  }
  return key
}

/** Undefined where it is none: a pipe has no size, and would never open. */
async function readKey(file: string): Promise<Uint8Array | undefined> {
  const info = await stat(file)
  return info.size === keyLength ? readFile(file) : undefined
}
