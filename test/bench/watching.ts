import type { StatusAnswer } from '../../src/core/operator.ts'
import type { Entry } from '../../src/core/journal.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { type ManyNodes, startManyNodes } from './many-nodes.ts'
import { cpuSeconds, residentMb, say, sleep, startBareNode } from './measure.ts'

const sizes = [5, 50, 500]
/** The daemon asks every node once in this time. */
const seconds = 30

/** What it costs to watch: CPU over one round of questions and the pause that belongs to it, and memory. */
export async function measureWatching(outer: AsyncDisposableStack): Promise<void> {
  const bare = startBareNode(outer)
  for (const count of sizes) {
    await using stack = new AsyncDisposableStack()
    const nodes = stack.use(await startManyNodes(82, count))
    const { directory, config } = nodes
    stack.defer(() => endStore(directory))
    const daemon = stack.use(await startDaemon({ config, directory, pollEvery: 2_000 }))
    const { control, pid } = daemon
    await waitFor(
      'the first image',
      60_000,
      async () => (await control.get<StatusAnswer>('/status')).published !== undefined,
    )
    // What follows is the pause between two rounds, less these seconds, and one round.
    await quiet(nodes, 3_000)
    const before = { cpu: await cpuSeconds(pid), bare: await cpuSeconds(bare), asked: await nodes.connections() }
    await sleep(seconds * 1_000)
    const cpu = (await cpuSeconds(pid)) - before.cpu
    const idle = (await cpuSeconds(bare)) - before.bare
    const asked = (await nodes.connections()) - before.asked
    const [ours, empty] = [await residentMb(pid), await residentMb(bare)]
    const lost = (await control.list<Entry>('/journal?limit=2000')).filter(
      ({ kind, text }) => kind === 'event' && /no longer answers/.test(text),
    ).length
    const part = (used: number) => `${((used / seconds) * 100).toFixed(2)} %`
    say(
      `watching ${count} nodes, CPU`,
      `${part(cpu)} of a core over ${seconds} s with ${asked} questions, bare Node ${part(idle)}: ${((cpu * 1_000) / asked).toFixed(1)} ms a question`,
    )
    say(
      `watching ${count} nodes, RSS`,
      `${ours.toFixed(0)} MB, bare Node ${empty.toFixed(0)} MB: ${(ours / empty).toFixed(1)} x; taken for silent: ${lost}`,
    )
  }
}

/** Waits until no node has been asked anything for so many ms. */
async function quiet(nodes: ManyNodes, ms: number): Promise<void> {
  let last = -1
  let since = performance.now()
  await waitFor('the nodes to be left alone', 60_000, async () => {
    const now = await nodes.connections()
    if (now !== last) since = performance.now()
    last = now
    return performance.now() - since >= ms
  })
}
