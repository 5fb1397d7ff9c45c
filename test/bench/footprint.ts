import { spawnSync } from 'node:child_process'
import type { Run } from '../../src/core/journal.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { startManyNodes } from './many-nodes.ts'
import {
  clock,
  cpuSeconds,
  cpuSecondsOfEnded,
  goal,
  median,
  residentMb,
  say,
  sleep,
  startBareNode,
  worst,
} from './measure.ts'
import { installPackage } from './package.ts'

/** By the number of nodes, how many times the memory of a bare Node ours may have. */
const goals = { 5: 2.2, 50: 3, 500: 5 } as const
const firstJobWithin = 1_500
const statusWithin = 7
/** How long is waited for the start's own garbage to be collected, and then watched, in s. */
const [settles, watched] = [30, 40]
const rounds = 9

/** What the package takes as it is installed: memory beside a bare Node, and time to the first job and for `status`. */
export async function measureFootprint(outer: AsyncDisposableStack): Promise<void> {
  const launcher = await installPackage(outer)
  const bare = startBareNode(outer)
  for (const [count, most] of Object.entries(goals)) {
    await using stack = new AsyncDisposableStack()
    const nodes = stack.use(await startManyNodes(84, Number(count)))
    const { directory, config } = nodes
    stack.defer(() => endStore(directory))
    const beganAt = Date.now()
    const daemon = stack.use(await startDaemon({ config, directory, launcher, pollEvery: 2_000 }))
    const first = await firstJob(daemon, beganAt)
    const spent = (await cpuSeconds(daemon.pid)) * 1_000
    await firstImage(daemon)
    await sleep(settles * 1_000)
    const samples: number[] = []
    for (let second = 0; second < watched; second++) {
      await sleep(1_000)
      samples.push(await residentMb(daemon.pid))
    }
    const empty = await residentMb(bare)
    const times = median(samples) / empty
    say(
      `installed, ${count} nodes, RSS`,
      `${median(samples).toFixed(0)} MB, at most ${worst(samples).toFixed(0)} MB, bare Node ${empty.toFixed(0)} MB: ${times.toFixed(2)} x ${goal(`${most} x`, times <= most)}`,
    )
    say(
      '  the first job',
      `${first} ms after the start, at most ${spent.toFixed(0)} ms of them CPU ${goal(`${firstJobWithin} ms`, first <= firstJobWithin)}`,
    )
    if (count === '5') await measureStatus(launcher, config)
  }
}

/** When the first job began, in ms after the start. */
async function firstJob({ control }: LabDaemon, beganAt: number): Promise<number> {
  let first = Infinity
  await waitFor('the first job', 60_000, async () => {
    const runs = await control.list<Run>('/runs?limit=1000')
    first = Math.min(...runs.map(({ startedAt }) => Date.parse(startedAt) - beganAt))
    return runs.length > 0
  })
  return first
}

/**
 * Waits until an image is staged. Where the nodes had no time to answer at the start, because the machine is busy, the
 * daemon would look again in half an hour only.
 */
async function firstImage({ control }: LabDaemon): Promise<void> {
  const isStaged = async () => (await control.get<StatusAnswer>('/status')).published !== undefined
  const look = async () => {
    if (await isStaged()) return true
    await control.post('/jobs/watch-releases/run', { wait: true })
    return false
  }
  await waitFor('the first image', 60_000, look, 5_000)
}

async function measureStatus(launcher: string, config: string): Promise<void> {
  const [ours, bare]: [Taken[], Taken[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(await runNode([launcher, 'status', '-c', config]))
    bare.push(await runNode(['-e', '0']))
  }
  const [our, its] = [median(ours.map(({ ms }) => ms)), median(bare.map(({ ms }) => ms))]
  const cpu = ours.reduce((sum, taken) => sum + taken.cpu, 0) / bare.reduce((sum, taken) => sum + taken.cpu, 0)
  say(
    '  `status`',
    `${our.toFixed(0)} ms, \`node -e 0\` ${its.toFixed(0)} ms: ${(our / its).toFixed(1)} x ${goal(`${statusWithin} x`, our / its <= statusWithin)}; of CPU ${cpu.toFixed(1)} x`,
  )
}

/** What a process took: its time in ms, and what it had of the CPU in s. */
interface Taken {
  readonly ms: number
  readonly cpu: number
}

async function runNode(args: readonly string[]): Promise<Taken> {
  const before = await cpuSecondsOfEnded()
  const ms = await clock(async () => void spawnSync(process.execPath, args))
  return { ms, cpu: (await cpuSecondsOfEnded()) - before }
}
