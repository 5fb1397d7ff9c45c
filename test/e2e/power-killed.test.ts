import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PowerAnswer } from '../../src/core/operator.ts'
import type { Outage } from '../../src/core/power/outage.ts'
import { endStore, type LabDaemon, startDaemon, waitFor } from '../lab/daemon.ts'
import { type Homelab, replicasOf, startHomelab } from '../lab/homelab.ts'
import { personOf } from './rollout-lab.ts'
import { startUpsdStandIn, type UpsdStandIn } from '../lab/upsd/stand-in.ts'

/** kill -9 of the real process in each phase of an outage, with the wire-level lab as judge. */

interface Scene {
  readonly lab: Homelab
  readonly upsd: UpsdStandIn
  readonly outage: () => Promise<Outage | undefined>
  readonly kill: () => Promise<void>
}

const called = ({ lab }: Scene, method: string, role: string) =>
  lab.nodes.some((node) => node.role === role && node.calls.some((call) => call.method === `MachineService.${method}`))
const spared = ({ lab }: Scene) => replicasOf(lab)

/** How the lab sees that a phase has come, in their order. */
const phases: readonly { readonly name: string; readonly isThere: (scene: Scene) => boolean | Promise<boolean> }[] = [
  { name: 'load is shed', isThere: (scene) => spared(scene) === 0 },
  { name: 'nodes are cordoned', isThere: ({ lab }) => lab.kubernetes.node('w-1')?.spec.unschedulable === true },
  { name: 'pods leave', isThere: ({ lab }) => isLeaving(lab) },
  { name: 'a worker was told', isThere: (scene) => called(scene, 'Shutdown', 'worker') },
  { name: 'a control plane was told', isThere: (scene) => called(scene, 'Shutdown', 'controlplane') },
  { name: 'the NAS is off', isThere: ({ lab }) => lab.nas?.power === 'off' },
  { name: 'everything was told', isThere: async ({ outage }) => (await outage())?.stage === 'stopped' },
  { name: 'the NAS is being woken', isThere: ({ lab }) => lab.woken.length > 0 },
  { name: 'nodes are being woken', isThere: ({ lab }) => lab.woken.length > 1 },
  { name: 'a node is back', isThere: async ({ outage }) => hasBack(await outage()) },
]
const wayBack = phases.findIndex(({ name }) => name === 'the NAS is being woken')

function isLeaving({ kubernetes }: Homelab): boolean {
  return kubernetes.pods().some(({ metadata }) => metadata.name === 'slow' && metadata.deletionTimestamp !== undefined)
}

function hasBack(outage: Outage | undefined): boolean {
  return Object.entries(outage?.nodes ?? {}).some(([name, { state }]) => name !== 'nas' && state === 'back')
}

describe.concurrent('an agent that is killed', () => {
  const points = phases.flatMap((phase, index) =>
    (['on battery', 'on mains'] as const).map((next) => ({ ...phase, index, next })),
  )
  test.each(points)('when $name is followed by one that does right, $next', async ({ name, isThere, index, next }) => {
    await using stack = new AsyncDisposableStack()
    const net = 100 + index * 2 + (next === 'on mains' ? 1 : 0)
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-power-killed-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    stack.defer(() => endStore(directory))
    const upsd = stack.use(await startUpsdStandIn({ address: `127.0.${net}.93` }))
    const lab = stack.use(
      await startHomelab({
        net,
        controlPlanes: 1,
        workers: 2,
        nas: true,
        pace: { stop: 700, boot: 900, settle: 200 },
      }),
    )
    lab.kubernetes.addDeployment({ name: 'films', namespace: 'media', replicas: 2, labels: { tier: 'batch' } })
    lab.kubernetes.addPod({ name: 'slow', node: 'w-1', terminateMs: 900 })
    const config = await lab.writeConfig(directory, {
      ups: { host: upsd.address, port: upsd.port },
      upgrade: { enabled: false },
      power: {
        drainTimeout: '4s',
        shutdownTimeout: '6s',
        reserve: '1s',
        shed: [{ selector: 'tier=batch' }],
        shedAfter: '0s',
      },
    })
    // Somebody else's, and to stay so.
    await (await personOf(lab, directory)).cordon('w-2')
    let daemon: LabDaemon = stack.use(await startDaemon({ config, directory }))
    const scene: Scene = {
      lab,
      upsd,
      outage: async () => (await daemon.control.list<Outage>('/outages').catch(() => []))[0],
      kill: () => daemon.kill(),
    }
    const allOff = () =>
      waitFor(
        'everything to be off',
        40_000,
        () => lab.nodes.every(({ power }) => power === 'off') && lab.nas?.power === 'off',
      )
    await waitFor('the agent to know of mains', 20_000, async () =>
      (await daemon.control.get<PowerAnswer>('/power')).upses.every(({ state }) => state.mode === 'on-mains'),
    )
    await upsd.set('battery.runtime', '900')
    await upsd.status('OB DISCHRG')
    if (name !== 'load is shed') {
      await waitFor('load to be shed', 20_000, () => spared(scene) === 0)
      await upsd.status('OB DISCHRG LB')
    }
    if (index >= wayBack) {
      await waitFor('all to be told', 40_000, async () => (await scene.outage())?.stage === 'stopped')
      await upsd.status('OL CHRG')
    }
    await waitFor(name, 30_000, () => isThere(scene), 5)
    await scene.kill()

    await upsd.status(next === 'on battery' ? 'OB DISCHRG LB' : 'OL CHRG')
    daemon = stack.use(await startDaemon({ config, directory }))
    if (next === 'on battery') {
      await allOff()
      await waitFor('all to be told', 20_000, async () => (await scene.outage())?.stage === 'stopped')
      await upsd.status('OL CHRG')
    }
    await waitFor('the outage to be over', 60_000, async () => (await scene.outage())?.stage === 'over')
    await waitFor(
      'everything to be as before',
      20_000,
      () =>
        lab.nodes.every(({ ready }) => ready) &&
        lab.nas?.power === 'on' &&
        spared(scene) === 2 &&
        lab.nodes.every(
          (node) => (lab.kubernetes.node(node.name)?.spec.unschedulable ?? false) === (node.name === 'w-2'),
        ),
    )
    expect((await scene.outage())?.stage).toBe('over')
  })
})
