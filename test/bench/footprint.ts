import { spawnSync } from 'node:child_process'
import type { Run } from '../../src/core/journal.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { startManyNodes } from './many-nodes.ts'
import { clock, goal, median, residentMb, say, sleep, startBareNode, worst } from './measure.ts'
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
    await waitFor(
      'the first image',
      60_000,
      async () => (await daemon.control.get<StatusAnswer>('/status')).published !== undefined,
    )
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
    say('  the first job', `${first} ms after the start ${goal(`${firstJobWithin} ms`, first <= firstJobWithin)}`)
    if (count === '5') await measureStatus(launcher, config)
  }
}

/** When the first job began, in ms after the start. */
async function firstJob({ control }: LabDaemon, beganAt: number): Promise<number> {
  let first = Infinity
  await waitFor('the first job', 60_000, async () => {
    const runs = await control.get<Run[]>('/runs?limit=1000')
    first = Math.min(...runs.map(({ startedAt }) => Date.parse(startedAt) - beganAt))
    return runs.length > 0
  })
  return first
}

async function measureStatus(launcher: string, config: string): Promise<void> {
  const [ours, bare]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    ours.push(await clock(async () => void spawnSync(process.execPath, [launcher, 'status', '-c', config])))
    bare.push(await clock(async () => void spawnSync(process.execPath, ['-e', '0'])))
  }
  const times = median(ours) / median(bare)
  say(
    '  `status`',
    `${median(ours).toFixed(0)} ms, \`node -e 0\` ${median(bare).toFixed(0)} ms: ${times.toFixed(1)} x ${goal(`${statusWithin} x`, times <= statusWithin)}`,
  )
}
