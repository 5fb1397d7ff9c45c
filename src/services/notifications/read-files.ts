import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Files } from '../../operations/service.ts'

type Secrets = Pick<Files, 'readSecret'>

/** The files that a channel has read, and whether they still say the same. */
export interface ReadFiles<T extends Secrets> {
  /** Reads, and remembers what was read. */
  readonly files: T
  /** Calls back when any of it has changed, or can be read by now, until the signal aborts. Never rejects. */
  follow(changed: () => void, signal: AbortSignal): Promise<void>
}

/** In ms: how soon a token that was replaced is used. */
const looksEvery = 2_000

export function createReadFiles<T extends Secrets>(files: T, every = looksEvery): ReadFiles<T> {
  /** By setting: what it said, or why it could not be read. */
  const known = new Map<string, { readonly source: Parameters<T['readSecret']>[0]; readonly said: string }>()
  const readNow = async (source: Parameters<T['readSecret']>[0], what: string) =>
    files.readSecret(source, what).then(
      (secret) => ({ said: `: ${secret}`, secret }),
      (error: unknown) => ({ said: messageOf(error), error }),
    )

  async function hasChanged(): Promise<boolean> {
    let changed = false
    for (const [what, { source, said }] of known) {
      const now = await readNow(source, what)
      // A share that hangs, as in an outage, changes nothing: what was read is used on.
      if ('error' in now || now.said === said) continue
      known.set(what, { source, said: now.said })
      changed = true
    }
    return changed
  }

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
    follow: async (changed, signal) => {
      while (!signal.aborted) {
        await sleep(every, undefined, { signal, ref: false }).catch(() => {})
        if (!signal.aborted && (await hasChanged())) changed()
      }
    },
  }
}
