import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFactory as connect } from '../../src/adapters/factory/factory.ts'
import { createFactory } from '../lab/factory/factory.ts'
import { homelabSchematic, homelabSchematicId } from '../lab/homelab.ts'
import { layOutPackage } from '../lab/package.ts'
import { clock, goal, median, ms, say } from './measure.ts'
import type { HeldMemory, StagingOrder } from './staging-process.ts'

const mega = 1_000_000
const asset = 'metal-amd64-uki.efi'

/** Staging small and large images, and verifying them, beside curl, sha256sum, sync and mv, which look into nothing. */
export async function measureStagingSizes(stack: AsyncDisposableStack): Promise<void> {
  const entry = await buildEntry(stack)
  for (const [size, rounds] of [
    [100, 7],
    [1_000, 3],
  ] as const)
    await measureSize(stack, { size, rounds, entry })
}

/** The program that works on the share, as users have it: sources take far longer to start. */
async function buildEntry(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-built-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await layOutPackage(directory)
  return join(directory, 'dist/src/main/share-worker.js')
}

interface Measured {
  /** In MB. */
  readonly size: number
  readonly rounds: number
  readonly entry: string
}

async function measureSize(stack: AsyncDisposableStack, { size, rounds, entry }: Measured): Promise<void> {
  // Ended with the rest where it takes too long.
  const scope = stack.use(new AsyncDisposableStack())
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-sizes-'))
  scope.defer(() => rm(directory, { recursive: true, force: true }))
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < (rounds + 3) * size * mega) throw new Error('the disk is too small for this')
  const versions = Array.from({ length: rounds }, (_, round) => `v1.13.${round}`)
  const lab = scope.use(createFactory({ address: '127.0.114.10', versions, imageBytes: size * mega }))
  await lab.start()
  await connect(lab.url).register(homelabSchematic, AbortSignal.timeout(10_000))
  const ask = await startStaging(scope, [lab.url, directory, entry])
  const idle = (await ask('memory')) as HeldMemory
  const took = { ours: [] as number[], byHand: [] as number[], verified: [] as number[], summed: [] as number[] }
  for (const version of versions) {
    // Built before, and read once: the disk is as warm for the one as for the other.
    lab.imageBytes(homelabSchematicId, version, asset)
    const part = join(directory, 'by-hand.part')
    const url = `${lab.url}/image/${homelabSchematicId}/${version}/${asset}`
    const line = `curl -sS -o '${part}' '${url}' && sha256sum '${part}' && sync '${part}' && mv '${part}' '${part}.efi'`
    took.byHand.push(await clock(() => run(line)))
    took.ours.push((await ask({ stage: version })) as number)
    took.summed.push(await clock(() => run(`sha256sum '${directory}/${asset}'`)))
    took.verified.push((await ask({ verify: version })) as number)
  }
  tell(size, took, { idle, after: (await ask('memory')) as HeldMemory })
  await scope.disposeAsync()
}

function tell(
  size: number,
  { ours, byHand, verified, summed }: Readonly<Record<'ours' | 'byHand' | 'verified' | 'summed', readonly number[]>>,
  { idle, after }: { readonly idle: HeldMemory; readonly after: HeldMemory },
): void {
  const ratio = median(ours) / median(byHand)
  const speed = median(summed) / median(verified)
  const mega = (kibi: number) => (kibi / 1_024).toFixed(0)
  const grown = after.own.peak - idle.own.now
  say(
    `staging ${size} MB`,
    `${ms(median(ours))} (checked), curl + sha256sum + sync + mv ${ms(median(byHand))}: ${ratio.toFixed(2)} x ${goal('1.1', ratio <= 1.1)}`,
  )
  say(
    '',
    `the daemon's peak ${mega(grown)} MB above idle ${goal('30', grown <= 30 * 1_024)}; the process for the share ${mega(after.childPeak)} MB, which ends;` +
      ` each page counted once, all together ${mega(after.together.peak - idle.together.now)} MB above the daemon at rest`,
  )
  say(
    `verifying ${size} MB`,
    `${ms(median(verified))}, sha256sum ${ms(median(summed))}: ${speed.toFixed(2)} of its speed ${goal('0.9', speed >= 0.9)}`,
  )
}

async function startStaging(scope: AsyncDisposableStack, given: readonly string[]) {
  const child = fork(fileURLToPath(new URL('staging-process.ts', import.meta.url)), given, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`the process that stages has ended with code ${String(code)}`)
  })
  ended.catch(() => undefined)
  scope.defer(() => void child.kill('SIGKILL'))
  const answer = async () => ((await Promise.race([once(child, 'message'), ended])) as [unknown])[0]
  await answer()
  return (order: StagingOrder): Promise<unknown> => {
    const answered = answer()
    child.send(order)
    return answered
  }
}

async function run(line: string): Promise<void> {
  const [code] = (await once(spawn('sh', ['-c', line], { stdio: 'ignore' }), 'exit')) as [number]
  if (code !== 0) throw new Error(`${line.split(' ')[0]} ends with ${code}`)
}
