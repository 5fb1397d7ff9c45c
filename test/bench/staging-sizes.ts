import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFactory } from '../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { goal, median, ms, say } from './measure.ts'

const mega = 1_000_000
interface Memory {
  readonly own: { readonly peak: number; readonly now: number }
  readonly childPeak: number
}

/** Staging small and large images, beside curl, sha256sum, sync and mv, which check nothing. */
export async function measureStagingSizes(stack: AsyncDisposableStack): Promise<void> {
  for (const [size, rounds] of [
    [100, 5],
    [1_000, 3],
  ] as const)
    await measureSize(stack, size, rounds)
}

async function measureSize(stack: AsyncDisposableStack, size: number, rounds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-sizes-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < (2 * rounds + 2) * size * mega) throw new Error('the disk is too small for this')
  const versions = Array.from({ length: rounds }, (_, round) => `v1.13.${round}`)
  const lab = createFactory({ address: '127.0.114.10', versions, imageBytes: size * mega })
  await lab.start()
  const scope = new AsyncDisposableStack()
  scope.use(lab)
  const id = await register(lab.url)
  const child = fork(fileURLToPath(new URL('staging-process.ts', import.meta.url)), [lab.url, directory], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  scope.defer(() => void child.kill('SIGKILL'))
  const ask = async <T>(message: string | null): Promise<T> => {
    const answer = once(child, 'message')
    child.send(message as string)
    return ((await answer) as [T])[0]
  }
  await once(child, 'message')
  const idle = await ask<Memory>(null)
  const [ours, script]: [number[], number[]] = [[], []]
  for (const version of versions) {
    // Built before, and read once: the disk is as warm for the one as for the other.
    lab.imageBytes(id, version, 'metal-amd64-uki.efi')
    script.push(await byHand(`${lab.url}/image/${id}/${version}/metal-amd64-uki.efi`, directory))
    ours.push(await ask<number>(version))
  }
  const after = await ask<Memory>(null)
  const ratio = median(ours) / median(script)
  const grown = (after.own.peak - idle.own.now) / 1_024
  say(
    `staging ${size} MB`,
    `${ms(median(ours))} (checked), curl + sha256sum + sync + mv ${ms(median(script))}: ${ratio.toFixed(2)} x ${goal('1.1', ratio <= 1.1)}`,
  )
  say(
    '',
    `peak ${grown.toFixed(0)} MB above idle ${goal('30', grown <= 30)}; the process for the download ${(after.childPeak / 1_024).toFixed(0)} MB, gone afterwards`,
  )
  await scope.disposeAsync()
}

async function register(url: string): Promise<string> {
  const { createFactory: connect } = await import('../../src/adapters/factory/factory.ts')
  await connect(url).register(homelabSchematic, AbortSignal.timeout(10_000))
  return homelabSchematicId
}

async function byHand(url: string, directory: string): Promise<number> {
  const part = join(directory, 'by-hand.part')
  const line = `curl -sS -o '${part}' '${url}' && sha256sum '${part}' && sync '${part}' && mv '${part}' '${part}.efi'`
  const began = performance.now()
  await once(spawn('sh', ['-c', line], { stdio: 'ignore' }), 'exit')
  return performance.now() - began
}
