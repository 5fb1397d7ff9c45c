import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credentials } from '../../src/adapters/talos/talosconfig.ts'
import type { PowerAnswer } from '../../src/core/operator.ts'
import type { Entry } from '../../src/core/journal.ts'
import { loadSettings } from '../../src/main/settings.ts'
import { readTalos } from '../../src/main/credentials.ts'
import { endStore, startDaemon, waitFor } from '../lab/daemon.ts'
import { startUpsd } from '../lab/upsd/upsd.ts'
import { forkCluster } from './forked.ts'
import type { NodeReport, ShutdownOrder } from './many-shutdowns-process.ts'
import { clock, cpuSeconds, goal, median, say } from './measure.ts'
import { firstSight } from './power-race-ours.ts'

const controlPlanes = 3
const workers = 197
const hangsEach = 10
const allowed = 2_000
/** What the battery says that it has, in s: enough for everything, and for no more than to tell all at once. */
const batteries = { ordered: 45, short: 12 }
const [reserve, shutdownTimeout, drain] = [5, 5, 10]
const bareRounds = 3

type Form = keyof typeof batteries

/** A large cluster goes down, and some of its nodes take the order and never go off. */
export async function measureManyShutdowns(): Promise<void> {
  for (const form of Object.keys(batteries) as Form[]) await shutDownAll(form)
}

async function shutDownAll(form: Form): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const upsd = stack.use(
    await startUpsd({ address: '127.96.0.93', variables: { 'battery.runtime': String(batteries[form]) } }),
  )
  const seconds = (value: number) => `${value}s`
  const power = {
    pollInterval: '1s',
    pollIntervalOnBattery: '1s',
    onBatteryAfter: '0s',
    lowBatteryAfter: '0s',
    minimumRuntime: '0s',
    drain: seconds(drain),
    shutdownTimeout: seconds(shutdownTimeout),
    reserve: seconds(reserve),
  }
  const upses = [{ host: upsd.address, port: upsd.port }]
  const order: ShutdownOrder = {
    net: 96,
    controlPlanes,
    workers,
    hangsEach,
    stop: 1_000,
    directory,
    config: { upses, power },
  }
  const cluster = await forkCluster(stack, 'many-shutdowns-process.ts', order)

  const settings = await loadSettings(cluster.config, {})
  const { value: credentials } = await readTalos(settings)
  const bare: number[] = []
  for (let round = 0; round < bareRounds; round++)
    bare.push(await clock(() => Promise.all(settings.config.nodes.map(({ address }) => askBare(address, credentials)))))

  const { control, pid } = stack.use(await startDaemon({ config: cluster.config, directory, pollEvery: 1_000 }))
  const mode = async () => (await control.get<PowerAnswer>('/power')).upses[0]?.state.mode
  await waitFor('the agent to be on mains', 15_000, async () => (await mode()) === 'on-mains')
  await rest(pid)
  await upsd.status('OB DISCHRG')
  await waitFor('the agent to be on battery', 15_000, async () => (await mode()) === 'on-battery')
  const cpus = [await cpuSeconds(pid), await cpuSeconds(cluster.pid)] as const
  const at = await firstSight(upsd, 'LB', () => upsd.status('OB DISCHRG LB'))
  let end: Entry | undefined
  await waitFor(
    'every machine to be told and waited for',
    120_000,
    async () => {
      const entries = await control.list<Entry>('/journal?limit=100')
      end = entries.find(({ text }) => text === 'shutdown requested for every machine')
      return end !== undefined
    },
    250,
  )
  const used = [(await cpuSeconds(pid)) - cpus[0], (await cpuSeconds(cluster.pid)) - cpus[1]] as const
  const entries = await control.list<Entry>('/journal?limit=3000')
  const said = entries.filter(({ kind, text }) => kind === 'power' && /battery has|assumed/.test(text))
  const given = entries.find(
    ({ kind, text }) => kind === 'alert' && text.includes(' did not shut down in time'),
  )?.subject
  tell(form, {
    nodes: (await cluster.ask()) as NodeReport[],
    at,
    bare: median(bare),
    endedAfter: Date.parse(end!.at) - at,
    givenUp: given?.split(', ').length ?? 0,
    used,
    said: said.toReversed().map(({ text }) => text),
  })
}

interface Outcome {
  readonly nodes: readonly NodeReport[]
  readonly at: number
  readonly bare: number
  readonly endedAfter: number
  readonly givenUp: number
  readonly used: readonly [number, number]
  readonly said: readonly string[]
}

function tell(form: Form, { nodes, at, bare, endedAfter, givenUp, used, said }: Outcome): void {
  const hanging = nodes.filter(({ hangs }) => hangs).length
  console.log(
    `${nodes.length} nodes, ${hanging} of them hang, ${batteries[form]} s of runtime, ${reserve} s in reserve: ${said.join('; then ')}`,
  )
  const told = (role: NodeReport['role']) =>
    nodes
      .filter((node) => node.role === role)
      .flatMap(({ toldAt }) => toldAt.slice(0, 1))
      .map((each) => each - at)
      .toSorted((a, b) => a - b)
  for (const [role, name, count] of [
    ['worker', 'workers', workers],
    ['controlplane', 'control planes', controlPlanes],
  ] as const) {
    const calls = told(role)
    const spread = (calls.at(-1) ?? Infinity) - (calls[0] ?? 0)
    say(
      `  ${name} told`,
      `${calls.length} of ${count}, first after ${calls[0]} ms, last after ${calls.at(-1)} ms: within ${spread} ms ${goal(`${allowed} ms`, spread <= allowed && calls.length === count)}`,
    )
    if (role === 'worker')
      say(
        '  the same number of bare calls',
        `${bare.toFixed(0)} ms (a handshake and a call each, all at once): ours ${(spread / bare).toFixed(1)} x`,
      )
  }
  // Told all at once, nothing is kept back.
  const budget = (batteries[form] - (form === 'short' ? 0 : reserve)) * 1_000
  say('  the whole plan', `${(endedAfter / 1_000).toFixed(1)} s ${goal(`${budget / 1_000} s`, endedAfter <= budget)}`)
  const off = nodes.filter((node) => node.power === 'off').length
  const right = nodes.every((node) => (node.power === 'off') !== node.hangs) && givenUp === hanging
  say('  in the end', `${off} off, ${givenUp} given up ${goal('those that hang and no other', right)}`)
  say('  CPU of it', `${used[0].toFixed(1)} s ours, ${used[1].toFixed(1)} s the lab's`)
}

/** Waits until a process has next to nothing to do. */
async function rest(pid: number): Promise<void> {
  let last = -Infinity
  await waitFor(
    'the agent to be at rest',
    90_000,
    async () => {
      const now = await cpuSeconds(pid)
      const used = now - last
      last = now
      return used < 0.05
    },
    2_000,
  )
}

/** A TLS handshake and one unary call by plain Node. */
async function askBare(host: string, { ca, cert, key }: Credentials): Promise<void> {
  const session = connect(`https://${host}:50000`, { ca, cert, key })
  try {
    await once(session, 'connect')
    const call = session.request({
      ':method': 'POST',
      ':path': '/machine.MachineService/Version',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let status: unknown
    call.on('trailers', (trailers) => (status = trailers['grpc-status']))
    // An empty message in its frame.
    call.end(Buffer.alloc(5))
    call.resume()
    await once(call, 'end')
    if (status !== '0') throw new Error(`${host} answers with ${String(status)}`)
  } finally {
    session.destroy()
  }
}
