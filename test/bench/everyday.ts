import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { kernelCommandLine, writeUki } from '../lab/uki-writer.ts'
import { type LabUpsd, startUpsd } from '../lab/upsd/upsd.ts'

export const megabytes = 100
export const rounds = 5

/** A homelab with a UPS, and a daemon that has nothing to do. */
export interface Everyday {
  readonly directory: string
  readonly config: string
  readonly lab: Homelab
  readonly upsd: LabUpsd
  readonly daemon: LabDaemon
  /** Image files that the Factory has, by release; none of them is staged. */
  readonly files: Readonly<Record<string, string>>
  status(): Promise<StatusAnswer>
}

export async function startEveryday(stack: AsyncDisposableStack): Promise<Everyday> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const cmdline = kernelCommandLine({ version: 'v1.14.1', arch: 'amd64', platform: 'metal' })
  // One image for every round: the Factory gives it out under several releases, and each must say its own.
  const versions = Array.from({ length: rounds }, (_, round) => `v1.14.${round + 1}`)
  const files: Record<string, string> = {}
  for (const version of versions) {
    files[version] = join(directory, `${version}.efi`)
    await writeFile(files[version], writeUki({ version, cmdline, fillBytes: megabytes * 1_000_000 }))
  }
  const upsd = stack.use(await startUpsd({ address: '127.0.80.93' }))
  const lab = stack.use(
    await startHomelab({
      net: 80,
      versions: ['v1.13.9', ...versions],
      files,
      pace: { stop: 100, boot: 200, settle: 100 },
    }),
  )
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false, soak: '365d' },
  })
  const daemon = stack.use(await startDaemon({ config, directory, pollEvery: 200 }))
  const status = () => daemon.control.get<StatusAnswer>('/status')
  await waitFor('the first image', 30_000, async () => (await status()).published !== undefined)
  return { directory, config, lab, upsd, daemon, files, status }
}
