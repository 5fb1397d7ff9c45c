import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { createNews } from '../core/news.ts'
import { stampOfFile } from './file-gate.ts'

/** What was read from a file, and every file that it depends on. */
export interface Reading<T> {
  readonly value: T
  readonly files: readonly string[]
}

/** What a file says, read again when it changes. */
export interface KeptFile<T> {
  /** The last good one, without asking the disk; undefined where none was good so far. */
  readonly last: T | undefined
  /**
   * The newest good one: checks whether a file has changed, but waits no longer than a moment for a disk that hangs.
   *
   * @throws AgentError of `read` where none was good so far
   */
  current(): Promise<T>
  /** Reads again, whatever the dates of the files say. */
  reread(): Promise<T>
}

export interface KeepOptions<T> {
  readonly read: () => Promise<Reading<T>>
  /** Called with the reason why a new version is not used, once for each reason, and with undefined when that is over. */
  readonly trouble: (why: string | undefined) => void
  /** Whether it may go on without what the first reading should have brought, which may come later; else it may not. */
  readonly canWait?: (error: unknown) => boolean
}

/** In ms. A local disk answers within a millisecond; a hanging share is not waited for. */
const checkWithin = 250
/** In ms. An unusable version may become usable without a change of its files, as when another file arrives. */
const tryEvery = 5_000

/** What was read, and what is known of the files since. */
interface Known<T> {
  readonly value: T
}

/**
 * Reads once, and again when a file's date, size or inode changes. A broken or half-written version is not used.
 *
 * @throws AgentError of `read`, for the first reading, unless that can wait
 */
export async function keepFile<T>({ read, trouble, canWait = () => false }: KeepOptions<T>): Promise<KeptFile<T>> {
  const news = createNews()
  let known: Known<T> | undefined
  let files: readonly string[] = []
  let failure: { readonly error: unknown; readonly at: number } | undefined
  try {
    const first = await read()
    known = { value: first.value }
    ;({ files } = first)
  } catch (error) {
    if (!canWait(error)) throw error
    fail(error)
  }
  // What has changed since is not known: the first check reads once more.
  let stamp = ''
  let checking: Promise<void> | undefined
  let hangs = false

  function fail(error: unknown): void {
    failure = { error, at: performance.now() }
    if (news.isNew(messageOf(error))) trouble(messageOf(error))
  }

  async function take(): Promise<void> {
    // Before the reading: what changes meanwhile is found by the next check.
    const before = await stampOf(files)
    try {
      const fresh = await read()
      const isNew = fresh.files.join('\0') !== files.join('\0')
      files = fresh.files
      // The same object for the same content: connections are kept for it.
      if (!known || !isDeepStrictEqual(fresh.value, known.value)) known = { value: fresh.value }
      stamp = isNew ? '' : before
      if (news.isNew(undefined)) trouble(undefined)
      failure = undefined
    } catch (error) {
      stamp = before
      fail(error)
    }
  }

  async function check(): Promise<void> {
    const isDue = failure !== undefined && performance.now() - failure.at >= tryEvery
    if (isDue || (await stampOf(files)) !== stamp) await take()
  }

  /** One check for all who ask at the same time. */
  function checkOnce(): Promise<void> {
    checking ??= check().finally(() => {
      checking = undefined
      hangs = false
    })
    return checking
  }

  function value(): T {
    if (!known) throw failure?.error
    return known.value
  }

  return {
    get last() {
      return known?.value
    },
    async current() {
      const ended = checkOnce()
      if (!hangs && !(await endsWithin(ended, checkWithin))) hangs = true
      return value()
    },
    async reread() {
      await checkOnce()
      await take()
      return value()
    },
  }
}

async function endsWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What changes when a file is written, replaced, or comes and goes. */
export async function stampOf(files: readonly string[]): Promise<string> {
  const stamps: string[] = []
  for (const file of files) stamps.push(await stampOfFile(file))
  return stamps.join(' ')
}
