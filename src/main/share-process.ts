import { fork } from 'node:child_process'
import { extname } from 'node:path'
import process from 'node:process'
import { PassThrough, type Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { ShareChild } from '../adapters/share/apart/process.ts'
import type { Reply } from '../adapters/share/apart/wire.ts'

/** Small: it only moves bytes. V8's own threads would hold 5 MB, and collect what is hardly ever there. */
const flags = ['--max-old-space-size=96', '--max-semi-space-size=1', '--single-threaded']
const ownEntry = fileURLToPath(new URL(`./share-worker${extname(import.meta.url)}`, import.meta.url))

/** Starts a process that works on a share, and ends when we do. `entry` is its program. */
export function startShareProcess(directory: string, entry = ownEntry): ShareChild {
  const child = fork(entry, [directory], {
    execArgv: flags,
    serialization: 'advanced',
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    // It needs nothing of what may be secret.
    env: { TZ: process.env['TZ'], PATH: process.env['PATH'] },
  })
  child.on('error', () => undefined)
  // Without a file descriptor to spare there is no process, and no input: its end is told.
  const input = (child.stdin as Writable | null | undefined) ?? new PassThrough()
  // What is written to one that has just ended is lost, and told by its end.
  input.on('error', () => undefined)
  child.unref()
  child.channel?.unref()
  return {
    pid: child.pid,
    input,
    send: (command) => void (child.connected && child.send(command, () => undefined)),
    onReply: (listener) => void child.on('message', (reply) => listener(reply as Reply)),
    onExit: (listener) => {
      let isOver = false
      const over = () => {
        if (isOver) return
        isOver = true
        listener()
      }
      child.once('exit', over)
      child.once('error', over)
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
