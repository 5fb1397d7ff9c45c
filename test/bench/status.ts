import { spawnSync } from 'node:child_process'
import { runCli } from '../lab/daemon.ts'
import { type Everyday, rounds } from './everyday.ts'
import { clock, median, say } from './measure.ts'

/** A question from the command line, until its process has ended. */
export async function measureStatus({ config }: Everyday): Promise<void> {
  const cold: number[] = []
  const nodes: number[] = []
  for (let round = 0; round < rounds * 2; round++) {
    cold.push(await clock(() => runCli(['status', '--json', '-c', config])))
    nodes.push(await clock(async () => void spawnSync(process.execPath, ['-e', '0'])))
  }
  say(
    '`status`, cold',
    `${median(cold).toFixed(0)} ms, \`node -e 0\` ${median(nodes).toFixed(0)} ms: ${(median(cold) / median(nodes)).toFixed(1)} x`,
  )
}
