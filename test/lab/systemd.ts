import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const unitFile = fileURLToPath(new URL('../../config/install/caretaker.service', import.meta.url))

/** The values of a setting of the unit, in their order. */
export function unitSettings(name: string): readonly string[] {
  const lines = readFileSync(unitFile, 'utf8').split('\n')
  return lines.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1))
}

/** Receives datagrams, which Node can't; each ends with a NUL. Descriptors that come along are closed unread. */
const receiver = String.raw`
  use strict; use Socket; $| = 1;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
  print "listening\0";
  while (defined recv($socket, my $text, 4096, 0)) { print "$text\0" }
`

export const hasPerl = spawnSync('perl', ['-MSocket', '-e', '1']).status === 0
export const hasNotify = spawnSync('systemd-notify', ['--version']).status === 0

/** The socket by which services speak to systemd. */
export interface NotifySocket extends AsyncDisposable {
  readonly path: string
  /** Each message as its lines. */
  readonly heard: readonly (readonly string[])[]
  /** When a message came last, by the monotonic clock. */
  readonly heardAt: number
  /** Forgets what was heard. */
  forget(): void
}

export async function openNotifySocket(path: string): Promise<NotifySocket> {
  const child: ChildProcess = spawn('perl', ['-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const heard: string[][] = []
  let heardAt = performance.now()
  let rest = ''
  const listening = Promise.withResolvers<void>()
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const texts = (rest + chunk).split('\0')
    rest = texts.pop()!
    for (const text of texts) {
      if (text === 'listening') listening.resolve()
      // What systemd-notify waits for, and not what was said.
      else if (text !== 'BARRIER=1') heard.push(text.trim().split('\n'))
    }
    heardAt = performance.now()
  })
  child.once('exit', () => listening.reject(new Error('the socket was not opened')))
  await listening.promise
  return {
    path,
    heard,
    get heardAt() {
      return heardAt
    },
    forget: () => void heard.splice(0),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGKILL')) await ended
    },
  }
}
