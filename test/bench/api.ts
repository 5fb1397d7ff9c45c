import { createClient } from '../../src/http/client.ts'
import { followLive } from '../../src/http/live-client.ts'
import type { StatusAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type LabUpsd, startUpsd } from '../lab/upsd/upsd.ts'
import { measureApiWeight } from './api-weight.ts'
import { startManyNodes } from './many-nodes.ts'
import { clock, cpuSeconds, goal, median, percentile, residentMb, say, sleep, worst } from './measure.ts'
import { installPackage } from './package.ts'

const net = 203
const nodes = 50
const questions = 1_000
const clients = 100
const allowed = { p99: 20, megabytes: 30, share: 0.05 }
/** Between two requests, in ms: an address may make 20 a second. */
const pace = 60
/** How long the clients are watched, in s. */
const watched = 20

/** What the API of an installed package costs: questions, clients that follow what changes, and memory. */
export async function measureApi(stack: AsyncDisposableStack): Promise<void> {
  const launcher = await installPackage(stack)
  await measureLarge(launcher)
  await measureApiWeight(launcher)
}

async function measureLarge(launcher: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const upsd = stack.use(await startUpsd({ address: `127.${net}.0.93` }))
  const address = `127.${net}.0.94`
  const lab = stack.use(
    await startManyNodes(net, nodes, {
      api: { address, port: 8_420 },
      upses: [{ host: upsd.address, port: upsd.port }],
    }),
  )
  stack.defer(() => endStore(lab.directory))
  const daemon = stack.use(await startDaemon({ config: lab.config, directory: lab.directory, launcher }))
  await waitFor(
    'the first image',
    60_000,
    async () => (await daemon.control.get<StatusAnswer>('/status')).published !== undefined,
    500,
  )
  // The start's own work is over.
  await sleep(15_000)
  const url = `http://${address}:8420`
  await measureQuestions(url)
  await measureFollowers(stack, { url, daemon, upsd })
}

async function measureQuestions(url: string): Promise<void> {
  const { status, power } = createClient({ url })
  const first = await clock(() => status.$get())
  const [took, peers]: [number[], number[]] = [[], []]
  for (let question = 0; question < questions; question++) {
    took.push(await clock(() => status.$get()))
    await sleep(pace)
    // What this machine takes for a small answer, at the same time.
    if (question % 4 === 0) {
      peers.push(await clock(() => power.$get()))
      await sleep(pace)
    }
  }
  const p99 = percentile(took, 0.99)
  say(
    `GET /status of ${nodes} nodes`,
    `median ${median(took).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${worst(took).toFixed(0)} ms, the first ${first.toFixed(0)} ms ${goal(`p99 ${allowed.p99} ms`, p99 <= allowed.p99)}`,
  )
  say('  GET /power, meanwhile', `median ${median(peers).toFixed(1)} ms, p99 ${percentile(peers, 0.99).toFixed(1)} ms`)
}

interface Followed {
  readonly url: string
  readonly daemon: LabDaemon
  readonly upsd: LabUpsd
}

/** The UPS says something else every second, so that there is something to be told of. */
async function measureFollowers(stack: AsyncDisposableStack, { url, daemon, upsd }: Followed): Promise<void> {
  const alone = await watch(daemon, upsd)
  const stop = new AbortController()
  stack.defer(() => stop.abort())
  const counts = { state: 0, other: 0 }
  for (let client = 0; client < clients; client++) {
    void (async () => {
      for await (const { event } of followLive({ url }, stop.signal, () => {}))
        counts[event === 'state' ? 'state' : 'other'] += 1
    })()
    await sleep(pace)
  }
  await waitFor('every client to be told', 30_000, () => counts.state >= clients)
  const before = counts.other
  const followed = await watch(daemon, upsd)
  const each = (counts.other - before) / clients
  const [share, more] = [(followed.cpu - alone.cpu) / watched, followed.mb - alone.mb]
  say(
    `${clients} clients that follow`,
    `${more.toFixed(1)} MB and ${(share * 100).toFixed(1)} % of a core more, each told ${each.toFixed(0)} times in ${watched} s ${goal(`${allowed.megabytes} MB, ${allowed.share * 100} %`, more <= allowed.megabytes && share <= allowed.share)}`,
  )
  say('  the daemon without them', `${alone.mb.toFixed(0)} MB, ${((alone.cpu / watched) * 100).toFixed(1)} % of a core`)
}

/** CPU over the time in s, and the median of its memory in MB. */
async function watch({ pid }: LabDaemon, upsd: LabUpsd): Promise<{ readonly cpu: number; readonly mb: number }> {
  const began = await cpuSeconds(pid)
  const samples: number[] = []
  for (let second = 0; second < watched; second++) {
    const next = sleep(1_000)
    await upsd.set('battery.runtime', String(3_000 + second))
    samples.push(await residentMb(pid))
    await next
  }
  return { cpu: (await cpuSeconds(pid)) - began, mb: median(samples) }
}
