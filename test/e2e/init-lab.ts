import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CliResult, runCli } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

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
  return runCli(['init', '-c', file, ...words], {}, undefined, stdin)
}
