import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { kill } from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobAnswer } from '../../src/core/operator.ts'
import { endStore, type LabDaemon, startDaemon, storePid, waitFor } from '../lab/daemon.ts'
import { type Homelab, startHomelab } from '../lab/homelab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

/** What supervisors such as Docker leave a process before they kill it is 10 s; ours is less, in ms. */
const farewellWithin = 8_000

let lab: Homelab
beforeAll(async () => {
  lab = await startHomelab({ net: 178, controlPlanes: 1, workers: 1, versions: ['v1.13.9'] })
})
afterAll(() => lab[Symbol.asyncDispose]())

interface Scene {
  readonly upsd: UpsdStandIn
  readonly directory: string
  start(): Promise<LabDaemon>
}

async function setScene(stack: AsyncDisposableStack): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-farewell-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  stack.defer(() => endStore(directory))
  const login = { user: 'monuser', password: 'secret' }
  const upsd = stack.use(await startUpsdStandIn({ address: '127.0.178.93' }))
  const config = await lab.writeConfig(directory, { ups: { host: upsd.address, port: upsd.port, ...login } })
  return { upsd, directory, start: async () => stack.use(await startDaemon({ config, directory })) }
}

const isWorking = (daemon: LabDaemon) => () => daemon.output.includes('"job":"watch-releases"')

/** How long the daemon takes to end after SIGTERM, in ms. */
async function farewellOf(daemon: LabDaemon): Promise<number> {
  const began = performance.now()
  expect(await daemon.stop(), daemon.output).toBe(0)
  return performance.now() - began
}

/** Frozen as by SIGSTOP, until the test ends, and killed then. */
function freeze(stack: AsyncDisposableStack, pid: number): void {
  kill(pid, 'SIGSTOP')
  stack.defer(() => void kill(pid, 'SIGKILL'))
}

/** A server that takes connections and says nothing, as a frozen host does. */
async function startMute(stack: AsyncDisposableStack): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  await once(server.listen(0, '127.0.118.94'), 'listening')
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.118.94:${(server.address() as AddressInfo).port}`
}

/** A file whose reading never ends, as on a share whose server is away: it holds a thread. */
async function hangingFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await promisify(execFile)('mkfifo', [path])
}

test('a frozen queue store does not delay the farewell beyond its limit', async () => {
  await using stack = new AsyncDisposableStack()
  const { directory, start } = await setScene(stack)
  const daemon = await start()
  await waitFor('a job to have come through the queue', 20_000, isWorking(daemon))
  freeze(stack, (await storePid(directory))!)
  expect(await farewellOf(daemon)).toBeLessThan(farewellWithin)
})

test('with queue store, upsd, Kubernetes and share frozen in the middle of a run, the farewell keeps its one limit', async () => {
  await using stack = new AsyncDisposableStack()
  const { upsd, directory, start } = await setScene(stack)
  const kubeconfig = join(directory, 'kubeconfig')
  const mute = await startMute(stack)
  const text = await readFile(kubeconfig, 'utf8')
  await writeFile(kubeconfig, text.replace(/server: .*/, `server: https://${mute}`))
  await hangingFile(join(directory, 'share', 'talos', 'v1.13.1', 'a'.repeat(12), 'manifest.json'))
  const daemon = await start()
  await waitFor('our login at upsd', 20_000, () => upsd.commands.some((command) => command.startsWith('LOGIN')))
  await waitFor('the queue store', 20_000, async () => (await storePid(directory)) !== undefined)
  await waitFor('a run of the queue to be under way', 20_000, async () => {
    const jobs = await daemon.control.get<readonly JobAnswer[]>('/jobs')
    return jobs.some(({ runs, lastRun }) => runs === 'queue' && lastRun && lastRun.outcome === undefined)
  })
  freeze(stack, (await storePid(directory))!)
  upsd.misbehaviour.halfOpen = true
  expect(await farewellOf(daemon)).toBeLessThan(farewellWithin)
  expect(daemon.output).toMatch(/leaving it behind/)
})
