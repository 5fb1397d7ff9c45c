import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type RawControl, rawControl } from './control.ts'
import { commandLine, ownLauncher } from './launcher.ts'
import { patience } from '../patience.ts'

/** A daemon in a process of its own, started as a user starts it. */
export interface LabDaemon extends AsyncDisposable {
  readonly pid: number
  /** Everything that it has printed so far. */
  readonly output: string
  /** Its control socket. */
  readonly control: RawControl
  /** SIGKILL: it gets to do nothing any more. */
  kill(): Promise<void>
  /** SIGTERM, and the code that it ends with. */
  stop(): Promise<number | null>
}

export interface LabDaemonOptions {
  /** Path of its configuration, whose state directory is `state` beside it. */
  readonly config: string
  readonly directory: string
  /** Between two looks of a wait, in ms. */
  readonly pollEvery?: number
  readonly environment?: Readonly<Record<string, string>>
  /** No command reaches it, because its socket can't be made: it is started when it says that it runs. */
  readonly isMute?: true
  /** The project's own, or that of another package. */
  readonly launcher?: string
  /** The user that it runs as, where that is not ours: for root only. */
  readonly uid?: number
  /** How many files it may have open at most. */
  readonly openFiles?: number
}

/** Starts a daemon; resolves when it answers on its socket. */
export async function startDaemon({
  config,
  directory,
  pollEvery = 150,
  environment = {},
  launcher,
  uid,
  isMute,
  openFiles,
}: LabDaemonOptions): Promise<LabDaemon> {
  const own = await ownLauncher()
  const words = await commandLine(['start', '-c', config, '--poll-interval', `${pollEvery}ms`], launcher)
  const limited = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}:${openFiles}`]
  const [program, ...given] = [...limited, ...words]
  const child = spawn(program!, given, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...own.environment, ...environment },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const control = rawControl(join(directory, 'state', 'control.sock'))
  await waitFor('the daemon to answer', 20_000, async () => {
    if (child.exitCode !== null) throw new Error(`the daemon ended with code ${child.exitCode}:\n${output}`)
    if (isMute) return output.includes('caretaker is running')
    return control.get('/power').then(
      () => true,
      () => false,
    )
  })
  const end = async (signal: NodeJS.Signals) => {
    if (isRunning(child)) child.kill(signal)
    return ended
  }
  return {
    pid: child.pid!,
    get output() {
      return output
    },
    control,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end('SIGTERM')),
  }
}

/** What a command of the CLI printed, and its exit code. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export async function runCli(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  launcher?: string,
  stdin?: string,
): Promise<CliResult> {
  const own = await ownLauncher()
  const [node, ...words] = await commandLine(args, launcher)
  const child = spawn(node, words, {
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...own.environment, ...environment },
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  // Whoever does not read it to its end is not waited for.
  child.stdin?.on('error', () => {}).end(stdin)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts })))
}

/** On a busy machine everything takes longer: so many times, and never less than a minute; only what never comes fails. */
const slower = 5

/**
 * Looks until it is so, every `lookEvery` ms, but not so often that more than a fifth of the time goes into looking.
 * `withinMs` is what it takes at the most where nothing else runs. Throws, naming what it waited for, when it does not
 * come in `slower` times that.
 */
export async function waitFor(
  what: string,
  withinMs: number,
  isSo: () => boolean | Promise<boolean>,
  lookEvery = 50,
): Promise<void> {
  const limit = Math.max(patience.timeout, withinMs * slower)
  for (const end = performance.now() + limit; ;) {
    const beganAt = performance.now()
    if (await isSo()) return
    if (performance.now() > end) throw new Error(`waited ${limit / 1_000} s for ${what}`)
    const pause = Math.max(lookEvery, Math.min(1_000, 4 * (performance.now() - beganAt)))
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** Ends the queue store that a killed daemon has left behind. */
export async function endStore(directory: string): Promise<void> {
  await askStore(directory, (client) => client.shutdown('NOSAVE'))
}

/** The process of the queue's own store, or undefined where none answers. */
export async function storePid(directory: string): Promise<number | undefined> {
  const info = await askStore(directory, (client) => client.info('server'))
  const pid = Number(/process_id:(\d+)/.exec(info ?? '')?.[1])
  return pid > 0 ? pid : undefined
}

async function askStore<T>(directory: string, ask: (client: Redis) => Promise<T>): Promise<T | undefined> {
  const client = new Redis({
    path: join(directory, 'state', 'queue', 'queue.sock'),
    lazyConnect: true,
    retryStrategy: () => null,
  })
  client.on('error', () => {})
  const answer = await client
    .connect()
    .then(() => ask(client))
    .catch(() => undefined)
  client.disconnect()
  return answer
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
