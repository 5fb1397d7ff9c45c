import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { getuid } from 'node:process'
import { waitFor } from './daemon.ts'

const server = '/usr/lib/openssh/sftp-server'
const client = '/usr/bin/sshfs'

/** Why no file system of FUSE can be had here; undefined where one can. */
export function whyNoFuse(): string | undefined {
  if (!existsSync('/dev/fuse')) return 'this kernel has no FUSE'
  if (!existsSync(server) || !existsSync(client)) return 'sshfs or its server is not installed'
  return getuid?.() === 0 ? undefined : 'mounting needs root'
}

/** A file system whose server is another process, as a NAS is another machine. */
export interface FuseMount extends AsyncDisposable {
  /** The server does nothing any more, and every call to the file system waits. */
  stop(): void
  goOn(): void
  /** What mounts it is killed: every call to the file system fails. */
  end(): Promise<void>
}

/** Mounts one directory at another by sshfs, without SSH. */
export async function mountFuse(directory: string, at: string): Promise<FuseMount> {
  const serving = spawn(server, [], { stdio: ['pipe', 'pipe', 'ignore'] })
  const options = ['-f', '-o', 'passive,cache=no,allow_other', `nas:${directory}`, at]
  const mounting = spawn(client, options, { stdio: ['pipe', 'pipe', 'ignore'] })
  serving.stdout.pipe(mounting.stdin)
  mounting.stdout.pipe(serving.stdin)
  for (const stream of [serving.stdin, mounting.stdin]) stream.on('error', () => undefined)
  await waitFor('sshfs to mount', 10_000, () => readFileSync('/proc/mounts', 'utf8').includes(` ${at} fuse.sshfs `))
  const goOn = () => void serving.kill('SIGCONT')
  return {
    stop: () => void serving.kill('SIGSTOP'),
    goOn,
    end: () => ended(mounting),
    [Symbol.asyncDispose]: async () => {
      goOn()
      spawnSync('umount', ['--lazy', at])
      await Promise.all([serving, mounting].map(ended))
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const over = new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await over
}
