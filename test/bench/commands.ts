import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answers } from '../cli/answers.ts'
import { startDaemon } from '../http/daemon.ts'
import { rounds } from './everyday.ts'
import { installPackage } from './package.ts'
import { clock, goal, median, say } from './measure.ts'

/** What a person waits for, and so many times `node -e 0` that it may take. */
const commands = [
  { name: '--help', args: ['--help'], most: 4 },
  { name: 'completion of a command', args: ['complete', '--', 'power', 'wa'], most: 3 },
  { name: 'completion of a name', args: ['complete', '--', 'pause', 'w'], most: 3 },
  { name: 'status', args: ['status'], most: 7 },
] as const

/** Commands of the package, as they are installed, at a daemon that answers at once; each beside an empty program. */
export async function measureCommands(stack: AsyncDisposableStack): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'caretaker-commands-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const launcher = await installPackage(stack)
  const config = join(folder, 'caretaker.yaml')
  await writeFile(config, `state: ${folder}\n`)
  const names = () => ({ nodes: ['w-1'], hosts: [], upses: [], jobs: [], machines: [], releases: [] })
  stack.use(await startDaemon({ ...answers, names }, { socket: join(folder, 'control.sock') }))
  for (const { name, args, most } of commands) {
    const ours: number[] = []
    const empty: number[] = []
    // The first one compiles.
    for (let round = -1; round < rounds * 4; round++) {
      const [own, peer] = [
        await clock(() => run([launcher, ...args], config)),
        await clock(() => run(['-e', '0'], config)),
      ]
      if (round < 0) continue
      ours.push(own)
      empty.push(peer)
    }
    const ratio = median(ours) / median(empty)
    const said = `${median(ours).toFixed(0)} ms, \`node -e 0\` ${median(empty).toFixed(0)} ms: ${ratio.toFixed(1)} x`
    say(`\`${name}\``, `${said} ${goal(`at most ${most} x`, ratio <= most)}`)
  }
}

/** The processes run one after the other: whoever measures must not be what they wait for. */
async function run(args: readonly string[], config: string): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: 'ignore', env: { ...process.env, CARETAKER_CONFIG: config } })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
}
