import { readdir, readFile, stat } from 'node:fs/promises'
import { AgentError } from '../core/errors.ts'
import { FaultsError, unplaced } from '../core/fault.ts'
import { whyUnreadable } from './unreadable.ts'

/**
 * The door for files that people put somewhere: credentials, secrets, the configuration. They may lie on a share that
 * hangs, where a call never ends; Node has four threads for all files and names (libuv), and once those are taken nothing
 * opens a file or looks up an address any more, the power guard neither.
 */
export interface FileGate {
  /** Does this with the file: one after another for each path, and so many at a time in all. */
  run<T>(path: string, work: () => Promise<T>): Promise<T>
}

/** Half of Node's threads. */
const most = 2
/** In ms. A local disk answers within a millisecond, a share that is well within a second. */
const answersWithin = 3_000
/** In bytes. */
const largest = 4 * 1_048_576

export function createFileGate(places = most): FileGate {
  const lanes = new Map<string, Promise<void>>()
  const waiting: (() => void)[] = []
  let free = places

  async function enter(): Promise<void> {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
  }
  function leave(): void {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }

  return {
    run(path, work) {
      const outcome = (lanes.get(path) ?? Promise.resolve()).then(enter).then(work)
      const over = outcome.then(leave, leave)
      lanes.set(path, over)
      void over.then(() => {
        if (lanes.get(path) === over) lanes.delete(path)
      })
      return outcome
    },
  }
}

/** The one of this process. */
const gate = createFileGate()

/** What changes when a file is written, replaced, or comes and goes. Takes as long as the disk does. */
export function stampOfFile(file: string): Promise<string> {
  return gate.run(file, async () => {
    const info = await stat(file, { bigint: true }).catch(() => undefined)
    return info ? [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(':') : 'none'
  })
}

/**
 * A file's text.
 *
 * @throws AgentError `misconfigured`, saying what is wrong with the file; `unreachable` where its disk does not answer
 */
export async function readText(file: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  let isLate = false
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true
      const why = `did not answer within ${answersWithin / 1_000} s: is the share that it is on up?`
      reject(new AgentError('unreachable', `${file} ${why}`))
    }, answersWithin)
  })
  try {
    // Nobody waits any more for what comes to its turn too late.
    return await Promise.race([gate.run(file, async () => (isLate ? '' : readWhole(file))), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The names in a folder; none where it is not there, or can't be read. Takes as long as the disk does. */
export function namesIn(folder: string): Promise<readonly string[]> {
  return gate.run(folder, () => readdir(folder).catch((): string[] => []))
}

async function readWhole(file: string): Promise<string> {
  try {
    const info = await stat(file)
    // A pipe that nobody writes to would never open. What the shell hands over (`<(…)`) is one that somebody does.
    if (!info.isFile() && !/^\/(dev|proc\/self)\/(fd\/|stdin$)/.test(file))
      throw new Error(info.isDirectory() ? 'it is a directory' : 'it is not a file')
    if (info.size > largest) throw new Error(`it is larger than ${largest / 1_048_576} MiB`)
    return await readFile(file, 'utf8')
  } catch (error) {
    const why = isAbsent(error) ? 'does not exist' : `can't be read: ${await whyUnreadable(file, error)}`
    throw new FaultsError([unplaced(why, file)], { message: `${file} ${why}`, cause: error })
  }
}

/** Whether it is only that a file is not there yet. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof AgentError && isAbsent(error.cause)
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}
