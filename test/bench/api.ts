import { join } from 'node:path'
import { createClient } from '../../src/http/client.ts'
import { followLive } from '../../src/http/live-client.ts'
import { startDaemon, waitFor } from '../lab/daemon.ts'
import { startManyNodes } from './many-nodes.ts'
import { clock, cpuSeconds, goal, median, residentMb, say, sleep } from './measure.ts'

const nodes = 50
const questions = 1_000
const clients = 100
const allowed = { p99: 20, megabytes: 30, share: 0.05 }
/** How long the clients are watched, in ms. */
const watchedFor = 20_000

/** The API of a daemon with many nodes: questions for the status, and clients that follow what changes. */
export async function measureApi(stack: AsyncDisposableStack): Promise<void> {
  const lab = stack.use(await startManyNodes(203, nodes))
  const daemon = stack.use(await startDaemon({ config: lab.config, directory: lab.directory }))
  const socketPath = join(lab.directory, 'state', 'control.sock')
  await sleep(15_000)
  const { status, power } = createClient({ socketPath })
  const first = await clock(() => status.$get())
  const [took, peers]: [number[], number[]] = [[], []]
  for (let question = 0; question < questions; question++) {
    took.push(await clock(() => status.$get()))
    // What this machine takes for a small answer, at the same time.
    peers.push(await clock(() => power.$get()))
    await sleep(20)
  }
  const p99 = late(took)
  say(
    `status of ${nodes} nodes`,
    `median ${median(took).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, of a small answer ${late(peers).toFixed(1)} ms, worst ${Math.max(...took).toFixed(0)} ms, the first ${first.toFixed(0)} ms ${goal(`p99 ${allowed.p99} ms`, p99 <= allowed.p99)}`,
  )

  const before = { mb: await residentMb(daemon.pid), cpu: await cpuSeconds(daemon.pid) }
  await sleep(watchedFor)
  const idle = (await cpuSeconds(daemon.pid)) - before.cpu
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  let states = 0
  for (let client = 0; client < clients; client++)
    void (async () => {
      for await (const { event } of followLive({ socketPath }, stop.signal, () => {}))
        if (event === 'state') states += 1
    })()
  await waitFor('every client to be told', 30_000, () => states === clients)
  const began = await cpuSeconds(daemon.pid)
  await sleep(watchedFor)
  const share = ((await cpuSeconds(daemon.pid)) - began - idle) / (watchedFor / 1_000)
  const more = (await residentMb(daemon.pid)) - before.mb
  say(
    `${clients} clients that follow`,
    `${more.toFixed(1)} MB more, ${(share * 100).toFixed(1)} % of a core more ${goal(`${allowed.megabytes} MB, ${allowed.share * 100} %`, more <= allowed.megabytes && share <= allowed.share)}`,
  )
}

/** What one in a hundred takes at least. */
function late(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1]!
}
