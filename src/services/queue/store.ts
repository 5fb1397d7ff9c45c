import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kill } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { createNews } from '../../core/news.ts'
import { once } from './connection.ts'
import { checkPath, findProgram, socketOf } from './program.ts'

export interface EmbeddedStore extends AsyncDisposable {
  readonly address: { readonly path: string }
  /** Whether it was found running: left behind by an agent that was killed. */
  readonly adopted: boolean
  readonly pid: number
}

export interface EmbeddedStoreOptions {
  readonly directory: string
  /** Where programs are looked for: the PATH. */
  readonly searchPath: string
  readonly log: Logger
  /** Aborts when the store is not wanted any more before it has opened. */
  readonly signal?: AbortSignal
  /** How long a store may take until it answers, in ms. */
  readonly startWithin?: number
  /** How often it is looked whether the store still runs, in ms. */
  readonly checkEvery?: number
}

/**
 * Our own Redis or Valkey on a unix socket that only we may use, with everything appended to a file. It outlives an
 * agent that is killed, and the next one adopts it; one that dies is started again. Ends with the agent.
 *
 * @throws AgentError `misconfigured` when neither program is installed, naming the line that installs one
 */
export async function openEmbeddedStore({
  directory,
  searchPath,
  log,
  signal,
  startWithin = 15_000,
  checkEvery = 2_000,
}: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  checkPath(directory)
  const path = socketOf(directory)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  /** Ours, listening, and without an answer so far. */
  let mute: ChildProcess | undefined
  const found = await findRunning()
  const adopted = found !== undefined
  if (adopted) log.info({ pid: found }, 'adopted the queue store that was running')
  let pid = found ?? (await start())

  /** One that is loading or frozen is waited for: two stores must never write to the same files. */
  async function findRunning(): Promise<number | undefined> {
    for (const end = performance.now() + startWithin; performance.now() < end; await sleep(100)) {
      const seen = await ask(path, stopping.signal)
      if (seen === 'absent') return undefined
      if (seen !== 'silent') return seen
      if (stopping.signal.aborted) break
    }
    throw new AgentError('misconfigured', `a queue store listens on ${path} and does not answer: stop it first`)
  }

  async function start(): Promise<number> {
    const program = await findProgram(searchPath)
    const file = join(directory, 'queue.log')
    const settings = {
      port: '0',
      unixsocket: path,
      unixsocketperm: '700',
      dir: directory,
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      'maxmemory-policy': 'noeviction',
      daemonize: 'no',
      logfile: file,
    }
    // In a group of its own: a Ctrl-C in our terminal must not take it down before we have given our jobs back.
    const child = spawn(
      program,
      Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
      { detached: true, stdio: 'ignore' },
    )
    const ended = endOf(child)
    child.unref()
    let failure: string | undefined
    void ended.then((why) => (failure = why))
    let seen: Awaited<ReturnType<typeof ask>> = 'absent'
    for (const end = performance.now() + startWithin; performance.now() < end; await sleep(20)) {
      seen = await ask(path, stopping.signal)
      if (typeof seen === 'number') return seen
      if (failure !== undefined || stopping.signal.aborted) break
    }
    // One that listens may be loading still: whoever starts the next finds it there, and waits for it. Any other would
    // be in no one's sight, and write to the same files as the next one.
    if (failure === undefined && (seen === 'absent' || stopping.signal.aborted)) {
      child.kill('SIGKILL')
      await ended
      failure = 'it does not listen'
    } else if (failure === undefined) {
      mute = child
    }
    const said = lastWordsOf(await readFile(file, 'utf8').catch(() => ''))
    const advice = failure?.startsWith('ended')
      ? `. If its files are damaged, move ${directory} away: an empty one is made`
      : ''
    throw new AgentError(
      'misconfigured',
      `the queue store ${program} did not start: ${failure ?? 'it does not answer'}${said ? `; it says: ${said}` : ''}${advice}`,
    )
  }

  async function keepRunning(): Promise<void> {
    const news = createNews()
    while (!stopping.signal.aborted) {
      await sleep(checkEvery, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted || isAlive(pid)) continue
      if (news.isNew('it has died', 'store')) log.warn({ pid }, 'the queue store has died; starting it again')
      try {
        // An earlier try may have left one that has loaded meanwhile, or still does.
        pid = (await findRunning()) ?? (await start())
        for (const about of ['store', 'start']) news.isNew(undefined, about)
      } catch (error) {
        if (stopping.signal.aborted || !news.isNew(messageOf(error), 'start')) continue
        log.error({ reason: messageOf(error) }, 'the queue store did not start; trying again')
      }
    }
  }
  const keeper = keepRunning()

  return {
    address: { path },
    adopted,
    get pid() {
      return pid
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await keeper
      // It has not accepted any job yet, so nothing is lost.
      if (mute && mute.pid !== pid) mute.kill('SIGKILL')
      await shutDown(path)
      for (const end = performance.now() + 5_000; isAlive(pid) && performance.now() < end;) await sleep(20)
    },
  }
}

/** Of its log, without the advice on the machine that each start brings, which would push out why it ended. */
function lastWordsOf(log: string): string {
  const lines = log.trim().split('\n')
  return lines
    .filter((line) => line !== '' && !/ # WARNING /.test(line))
    .slice(-2)
    .map((line) => line.replace(/^\d+:\S (?:\d+ \S+ \d+ [\d:.]+ )?[.*#-] /, ''))
    .join(' / ')
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)))
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `code ${String(code)}`}`))
  })
}

/**
 * The process that answers on the socket; `silent` when it is frozen, or loads and says nothing yet. One that says that
 * it is loading is waited for however long it takes: the connection counts as made when it is done.
 */
async function ask(path: string, signal: AbortSignal): Promise<number | 'absent' | 'silent'> {
  let refusal: string | undefined
  return withClient(
    path,
    async (client) => {
      await client.ping()
      return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1])
    },
    ({ code }) => (refusal = code),
    signal,
  ).catch(() => (refusal === 'ENOENT' || refusal === 'ECONNREFUSED' ? 'absent' : 'silent'))
}

async function shutDown(path: string): Promise<void> {
  await withClient(path, (client) => client.shutdown()).catch(() => {}) // it closes the connection instead of answering
}

async function withClient<T>(
  path: string,
  action: (client: Redis) => Promise<T>,
  onError: (error: NodeJS.ErrnoException) => void = () => {},
  signal?: AbortSignal,
): Promise<T> {
  const client = new Redis(once({ path }))
  client.on('error', onError)
  const hangUp = () => client.disconnect()
  signal?.addEventListener('abort', hangUp, { once: true })
  try {
    await client.connect()
    return await action(client)
  } finally {
    signal?.removeEventListener('abort', hangUp)
    client.disconnect()
  }
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0)
  } catch {
    return false
  }
}
