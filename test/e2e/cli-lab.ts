import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Homelab, startHomelab } from '../lab/homelab.ts'

/** A small homelab for commands, and a fresh folder for each test's configuration. */
export interface CliLab extends AsyncDisposable {
  readonly lab: Homelab
  folder(): Promise<string>
}

/** `net` is the second half of its addresses: each file has its own. */
export async function startCliLab(name: string, net: number): Promise<CliLab> {
  const root = await mkdtemp(join(tmpdir(), `caretaker-${name}-`))
  const lab = await startHomelab({ net, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] })
  let count = 0
  return {
    lab,
    folder: async () => {
      const directory = join(root, String(++count))
      await mkdir(directory)
      return directory
    },
    [Symbol.asyncDispose]: async () => {
      await lab[Symbol.asyncDispose]()
      await rm(root, { recursive: true, force: true })
    },
  }
}
