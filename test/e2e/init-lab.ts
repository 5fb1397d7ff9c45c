import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CliResult } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

export const launcher = fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url))

/** A homelab that has no configuration yet, and a person who has its talosconfig. */
export interface InitLab extends AsyncDisposable {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  /** The person's folder, with the credentials of the homelab as talosctl wrote them. */
  readonly home: string
  readonly talosconfig: string
}

export async function startInitLab(net: number): Promise<InitLab> {
  await using stack = new AsyncDisposableStack()
  const lab = stack.use(await startHomelab({ net }))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const home = await mkdtemp(join(tmpdir(), 'caretaker-person-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  await lab.writeConfig(home)
  const parts = stack.move()
  return {
    lab,
    upsd,
    home,
    talosconfig: join(home, 'talosconfig'),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Where a configuration is to be: with a share, and nothing else. */
export async function makeFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-init-'))
  // A TFTP server is another user.
  await chmod(directory, 0o755)
  await mkdir(join(directory, 'share'))
  return directory
}

/** `caretaker init` without a terminal, with this on stdin. */
export function runInit(file: string, words: readonly string[], stdin = ''): Promise<CliResult> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', launcher, 'init', '-c', file, ...words],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  const texts = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts })))
}
