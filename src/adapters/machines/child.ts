import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kill } from 'node:process'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

export interface ChildOrder {
  readonly program: string
  readonly args: readonly string[]
  /** Its whole environment: ours may contain secrets, an ssh agent, or a locale that changes messages. */
  readonly environment: Readonly<Record<string, string>>
  /** Ends it, and all that it has started. */
  readonly signal: AbortSignal
  /** Given the output so far; true ends the program. */
  readonly isEnough?: (stdout: string) => boolean
  /** Called with the output so far, each time. */
  readonly onOutput?: (stdout: string) => void
}

export interface ChildEnd {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly killedBy: NodeJS.Signals | null
  /** The first 8 KiB. */
  readonly stdout: string
  /** The last 8 KiB. */
  readonly stderr: string
}

/** In bytes, per stream. More is read and dropped, so the program never blocks on output. */
const mostKept = 8_192
/** In ms, from SIGTERM to SIGKILL. */
const patience = 1_000
/** In ms. A process that it left behind may keep the streams open for ever. */
const outputsAfterEnd = 500

/**
 * Runs a program without a shell and without input, in a process group of its own, and waits for its end. Rejects with
 * node's own error where it can't be started.
 */
export async function runChild(order: ChildOrder): Promise<ChildEnd> {
  const { program, args, environment, signal, isEnough, onOutput } = order
  const child = spawn(program, [...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  let stdout = Buffer.alloc(0)
  let stderr = Buffer.alloc(0)
  let killer: NodeJS.Timeout | undefined
  const stop = () => {
    if (child.pid === undefined || killer) return
    end(child.pid, 'SIGTERM')
    killer = setTimeout(() => end(child.pid!, 'SIGKILL'), patience)
  }
  // Where the kernel has no file left to give there are no streams, and the error comes by `exit`.
  const [out, err] = [child.stdout, child.stderr] as (Readable | undefined)[]
  out?.on('data', (chunk: Buffer) => {
    if (stdout.length >= mostKept) return
    stdout = Buffer.concat([stdout, chunk]).subarray(0, mostKept)
    const text = stdout.toString('utf8')
    onOutput?.(text)
    if (isEnough?.(text)) stop()
  })
  err?.on('data', (chunk: Buffer) => (stderr = Buffer.concat([stderr, chunk]).subarray(-mostKept)))
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const [code, killedBy] = await ended
    // The whole process group ends, whether it handles SIGTERM or not.
    if (killer) end(child.pid!, 'SIGKILL')
    clearTimeout(killer)
    await Promise.race([closed, pause(outputsAfterEnd, undefined, { ref: false })])
    return { code, killedBy, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') }
  } finally {
    clearTimeout(killer)
    signal.removeEventListener('abort', stop)
    out?.destroy()
    err?.destroy()
  }
}

/** Signals the process group. One that has ended already is fine. */
function end(pid: number, how: NodeJS.Signals): void {
  try {
    kill(-pid, how)
  } catch {
    // Already gone.
  }
}
