import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Files } from '../../operations/service.ts'

type Secrets = Pick<Files, 'readSecret'>

/** The files that a channel has read, and whether they still say the same. */
export interface ReadFiles<T extends Secrets> {
  /** Reads, and remembers what was read. */
  readonly files: T
  /** Reads all of it once more. `hangs`: a disk does not answer, and the rest was not looked at. Never rejects. */
  look(): Promise<'same' | 'changed' | 'hangs'>
}

/** In ms: how soon a token that was replaced is used. */
const looksEvery = 2_000

export function createReadFiles<T extends Secrets>(files: T): ReadFiles<T> {
  /** By setting: what it said, or why it could not be read. */
  const known = new Map<string, { readonly source: Parameters<T['readSecret']>[0]; readonly said: string }>()
  const readNow = async (source: Parameters<T['readSecret']>[0], what: string) =>
    files.readSecret(source, what).then(
      (secret) => ({ said: `: ${secret}`, secret }),
      (error: unknown) => ({ said: messageOf(error), error }),
    )

  return {
    files: {
      ...files,
      readSecret: async (source, what) => {
        const read = await readNow(source, what)
        known.set(what, { source, said: read.said })
        if ('error' in read) throw read.error
        return read.secret
      },
    },
    look: async () => {
      let changed = false
      for (const [what, { source, said }] of known) {
        const now = await readNow(source, what)
        if ('error' in now && isHanging(now.error)) return 'hangs'
        // One that is gone changes nothing: what was read is used on.
        if ('error' in now || now.said === said) continue
        known.set(what, { source, said: now.said })
        changed = true
      }
      return changed ? 'changed' : 'same'
    },
  }
}

const isHanging = (error: unknown): boolean => error instanceof AgentError && error.code === 'unreachable'

export interface Followed {
  readonly read: Pick<ReadFiles<Secrets>, 'look'>
  /** What it read has changed, or can be read by now. */
  changed(): void
}

/**
 * Looks after the files of all channels, until the signal aborts. One after another, and none behind one that hangs: a file
 * that is being read on a share that is gone keeps one of the few places that all files are read at.
 */
export async function followFiles(all: readonly Followed[], signal: AbortSignal, every = looksEvery): Promise<void> {
  while (!signal.aborted) {
    await sleep(every, undefined, { signal, ref: false }).catch(() => {})
    for (const { read, changed } of all) {
      if (signal.aborted) return
      const found = await read.look()
      if (found === 'hangs') break
      if (found === 'changed') changed()
    }
  }
}
