import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kill } from 'node:process'
import { expect, test } from 'vitest'
import type { PowerAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, type LabDaemon, runCli, startDaemon, storePid, waitFor } from '../lab/daemon.ts'
import { type Homelab, replicasOf, startHomelab } from '../lab/homelab.ts'
import { lacks } from '../lab/needs.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

interface Scene {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly directory: string
  readonly config: string
  readonly daemon: LabDaemon
  cli(...args: string[]): ReturnType<typeof runCli>
}

/** Three nodes, a NAS, a UPS and a daemon that knows of mains. */
async function setScene(
  stack: AsyncDisposableStack,
  net: number,
  power: object = {},
  prepare?: (directory: string) => Promise<void>,
): Promise<Scene> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-power-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await prepare?.(directory)
  stack.defer(() => endStore(directory))
  const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
  const lab = stack.use(await startHomelab({ net, workers: 1, nas: true, pace: { stop: 300, boot: 500, settle: 200 } }))
  lab.kubernetes.addDeployment({ name: 'films', namespace: 'media', replicas: 2, labels: { tier: 'batch' } })
  const config = await lab.writeConfig(directory, {
    ups: { host: upsd.address, port: upsd.port },
    upgrade: { enabled: false },
    power: { drainTimeout: '3s', shutdownTimeout: '5s', reserve: '1s', ...power },
  })
  const daemon = stack.use(await startDaemon({ config, directory }))
  await waitFor('the agent to know of mains', 20_000, async () =>
    (await daemon.control.get<PowerAnswer>('/power')).upses.every(({ state }) => state.mode === 'on-mains'),
  )
  return { lab, upsd, directory, config, daemon, cli: (...args) => runCli([...args, '-c', config]) }
}

const outageOf = async (daemon: LabDaemon) => (await daemon.control.list<Outage>('/outages'))[0]
const allOff = ({ lab }: Scene) =>
  waitFor(
    'everything to be off',
    40_000,
    () => lab.nodes.every(({ power }) => power === 'off') && lab.nas?.power === 'off',
  )
const allBack = (scene: Scene) =>
  waitFor('everything to be back', 60_000, async () => (await outageOf(scene.daemon))?.stage === 'over')

test('a person looks at the plan, rehearses it, shuts everything down and wakes it again, all by the command line', async () => {
  await using stack = new AsyncDisposableStack()
  const scene = await setScene(stack, 81)
  const { lab, cli } = scene
  const plan = await cli('power', 'plan')
  expect(plan.code).toBe(0)
  expect(plan.stdout).toMatch(/if mains power failed now: ordered/)
  expect(plan.stdout).toMatch(/wait for NAS +▒/)

  const asked = await cli('drill', 'power')
  expect([asked.code, asked.stdout]).toEqual([2, ''])
  const dry = await cli('drill', 'power', '--dry-run')
  expect(dry.stdout).toContain('nas: login works')
  expect(dry.code, dry.stdout).toBe(0)
  const closed = () =>
    lab.nodes.filter(({ name }) => lab.kubernetes.node(name)?.spec.unschedulable).map(({ name }) => name)
  // A job that has just started may hold the cluster for a moment.
  let real = await cli('drill', 'power', '--yes')
  await waitFor('the rehearsal to have its turn', 30_000, async () => {
    if (!/^waiting for the .* to end/.test(real.stdout)) return true
    real = await cli('drill', 'power', '--yes')
    return false
  })
  expect(real.stdout).toMatch(/done +drain in/)
  expect(real.code, real.stdout).toBe(0)
  expect(closed()).toEqual([])
  expect(lab.poweredOff).toEqual([])

  const hesitant = await cli('power', 'shutdown')
  expect([hesitant.code, hesitant.stderr]).toEqual([
    2,
    'caretaker: nothing done; add --now --yes to shut everything down\n',
  ])
  expect((await cli('power', 'cancel')).stdout).toContain('there is nothing to cancel')
  expect((await cli('power', 'shutdown', '--now', '--yes')).code).toBe(0)
  await allOff(scene)
  expect(lab.poweredOff).toEqual(['w-1', ...lab.poweredOff.slice(1, 4), 'nas'])
  await waitFor('all to be told', 10_000, async () => (await outageOf(scene.daemon))?.stage === 'stopped')
  expect((await cli('power', 'status')).stdout).toContain('shutdown requested on')
  expect((await cli('power', 'wake')).stdout).toContain('the shutdown request is cancelled')
  await allBack(scene)
  expect(lab.nodes.every(({ ready }) => ready) && lab.nas?.power === 'on').toBe(true)
  const history = await cli('power', 'history')
  expect(history.stdout).toMatch(/because a person requested it/)
  expect(history.stdout).toMatch(/nas +back +\d\d:\d\d:\d\d +\d\d:\d\d:\d\d/)
})

test('on battery the spare workloads go first; everything comes back with mains, with as many replicas as before', async () => {
  await using stack = new AsyncDisposableStack()
  const scene = await setScene(stack, 82, { shed: [{ selector: 'tier=batch' }], shedAfter: '0s' })
  const { lab, upsd } = scene
  const replicas = () => replicasOf(lab)
  await upsd.set('battery.runtime', '900')
  await upsd.status('OB DISCHRG')
  await waitFor('the workload to be scaled down', 15_000, () => replicas() === 0)
  expect(lab.nodes.every(({ ready }) => ready)).toBe(true)
  await upsd.status('OB DISCHRG LB')
  await allOff(scene)
  await upsd.status('OL CHRG')
  await allBack(scene)
  expect(replicas()).toBe(2)
  expect(lab.nodes.filter(({ name }) => lab.kubernetes.node(name)?.spec.unschedulable)).toEqual([])
})

const whyNoDisk = process.getuid?.() === 0 ? undefined : 'only root can mount a small disk'

test.skipIf(lacks(whyNoDisk))(
  'a queue store that is killed and a disk that runs full in the middle of an outage keep nothing up',
  async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, 83, {}, async (directory) => {
      const state = join(directory, 'state')
      await mkdir(state)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', state])
      stack.defer(() => void execFileSync('umount', ['-l', state]))
    })
    const { lab, upsd, directory, daemon } = scene
    await upsd.set('battery.runtime', '900')
    await upsd.status('OB DISCHRG LB')
    await waitFor('the first order', 20_000, () =>
      lab.nodes.some(({ calls }) => calls.some(({ method }) => method === 'MachineService.Shutdown')),
    )
    // Now nothing that it stands on is left but its own memory.
    const pid = await storePid(directory)
    expect(pid).toBeDefined()
    kill(pid!, 'SIGKILL')
    await writeFile(join(directory, 'state', 'filler'), Buffer.alloc(24 * 1_048_576)).catch(() => {})
    await allOff(scene)
    await waitFor('the agent to say that its journal is in memory', 20_000, async () => {
      const status = await daemon.control.get<StatusAnswer>('/status')
      return status.journalDegraded !== undefined
    })
    await waitFor('all to be told', 20_000, async () => (await outageOf(daemon))?.stage === 'stopped')
    await rm(join(directory, 'state', 'filler'))
    await upsd.status('OL CHRG')
    await allBack(scene)
    expect(lab.nodes.every(({ ready }) => ready) && lab.nas?.power === 'on').toBe(true)
  },
)
