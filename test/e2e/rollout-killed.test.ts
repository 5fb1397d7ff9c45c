import { afterAll, describe, expect, test } from 'vitest'
import type { Entry, Run } from '../../src/core/journal.ts'
import type { LabDaemon } from '../lab/daemon.ts'
import type { TalosNode } from '../lab/talos/types.ts'
import { asSoonAs, isOver, publish, type RolloutLab, startRolloutLab, tracesOn, type Watch } from './rollout-lab.ts'

/** The real daemon is killed in each phase of a node's plan, and the next one takes over from what it finds. */

interface Scene {
  readonly rollout: RolloutLab
  readonly watch: Watch
  readonly daemon: LabDaemon
  readonly release: string
}

interface Phase {
  readonly only?: TalosNode['role']
  /** Something that makes the phase last. */
  readonly prepare?: (node: TalosNode, rollout: RolloutLab) => void
  /** It lasts until the next agent has come to look. */
  readonly lasts?: true
  /** As the lab sees it on one node. */
  readonly sees: (node: TalosNode, scene: Scene) => boolean | Promise<boolean>
}

const called =
  (...methods: string[]): Phase['sees'] =>
  (node, { watch }) =>
    watch.calls(node).some((method) => methods.includes(method))
const did =
  (what: string): Phase['sees'] =>
  ({ name }, { watch }) =>
    watch.diary().includes(`${what} ${name}`)

const phases: Readonly<Record<string, Phase>> = {
  'snapshot etcd': { only: 'controlplane', sees: (_, { watch }) => watch.snapshots > 0 },
  cordon: { sees: did('cordon') },
  drain: {
    prepare: ({ name }, { lab }) => void lab.kubernetes.addPod({ name: `slow-${name}`, node: name, terminateMs: 300 }),
    sees: ({ name }, { watch }) => watch.diary().includes(`evict default/slow-${name}`),
  },
  install: { sees: called('LifecycleService.Upgrade', 'MachineService.Upgrade') },
  'forfeit leadership': { only: 'controlplane', sees: called('MachineService.EtcdForfeitLeadership') },
  'its word before the reboot': {
    sees: ({ name }, { rollout }) =>
      Object.values(rollout.lab.kubernetes.node(name)!.metadata.annotations ?? {}).some((text) =>
        text.includes('"rebooting":true'),
      ),
  },
  reboot: { sees: called('MachineService.Reboot') },
  'verify boot, while it goes down': {
    lasts: true,
    sees: ({ stage }) => stage === 'rebooting' || stage === 'upgrading',
  },
  'verify boot, while it is away': { lasts: true, sees: ({ answering }) => !answering },
  'verify boot, while it boots': { lasts: true, sees: ({ answering, stage }) => answering && stage === 'booting' },
  settle: {
    // The lab sees nothing of it: the daemon only looks.
    sees: async ({ name, role, ready, version }, { release, daemon }) => {
      if (!ready || version !== release) return false
      const before = role === 'controlplane' ? 'wait until etcd is healthy' : `wait until ${name} is upgraded`
      return (await daemon.control.list<Entry>('/journal?limit=1'))[0]?.text === `${before}: done`
    },
  },
  uncordon: { sees: did('uncordon') },
}
/** Where the older API, one call for all, takes another way. */
const onTheOlderWay = [
  'verify boot, while it goes down',
  'verify boot, while it is away',
  'its word before the reboot',
  'install',
]
/** What a run says that waits for what a dead agent has left behind, and not for a busy machine. */
const waitsForTheDead = /holds the Lease|by someone else|that Caretaker did not start|after it was cordoned/

const slowestFirst = Object.keys(phases).toSorted(
  (a, b) => Number(phases[b]!.lasts ?? false) - Number(phases[a]!.lasts ?? false),
)

let net = 120

const generations = [
  { from: 'v1.13.9', later: (n: number) => `v1.14.${n}`, kubernetes: 'v1.36.3', names: slowestFirst },
  { from: 'v1.12.0', later: (n: number) => `v1.12.${n}`, kubernetes: 'v1.35.4', names: onTheOlderWay },
]

for (const { from, later, kubernetes, names } of generations) {
  const orders = from.startsWith('v1.12') ? { Upgrade: 1, Reboot: 0 } : { Upgrade: 0, Reboot: 1 }

  describe.concurrent(`nodes that run ${from} or later are finished by the next agent`, () => {
    interface Stage {
      readonly rollout: RolloutLab
      readonly slow: boolean
      daemon: LabDaemon
      releases: number
    }
    /** A homelab that a rollout has been through is as good as new for the next one, to the patch after that. */
    const free: Stage[] = []
    afterAll(() => Promise.all(free.map(({ rollout }) => rollout[Symbol.asyncDispose]())))

    async function take(slow: boolean): Promise<Stage> {
      const found = free.findIndex((stage) => stage.slow === slow)
      if (found >= 0) return free.splice(found, 1)[0]!
      const rollout = await startRolloutLab({
        net: net++,
        version: from,
        versions: [from],
        kubernetesVersion: kubernetes,
        // A call that is cut off in its pull has done nothing, and may come again.
        pace: { pull: 0, ...(slow ? { stop: 1_000, boot: 1_500, settle: 1_500 } : {}) },
        // Long: a wait for what a dead agent left is to be seen in the runs. Endless it can't be, as a busy machine makes waits
        // of its own.
        upgrade: { retryAfter: '20s' },
      })
      return { rollout, slow, daemon: await rollout.start(), releases: 0 }
    }

    test.each(names)('that is killed in: %s', async (name) => {
      const phase = phases[name]!
      const stage = await take(phase.lasts ?? false)
      const { rollout } = stage
      const { lab, person } = rollout
      const release = later(++stage.releases)
      const watch = rollout.watch()

      async function killIn(role: TalosNode['role']): Promise<void> {
        if ((phase.only ?? role) !== role) return
        const scene = { rollout, watch, daemon: stage.daemon, release }
        await asSoonAs(`a ${role} in this phase`, async () => {
          for (const node of lab.nodes) if (node.role === role && (await phase.sees(node, scene))) return true
          return false
        })
        await stage.daemon.kill()
        stage.daemon = await rollout.start()
      }

      try {
        for (const node of lab.nodes) phase.prepare?.(node, rollout)
        await publish(rollout, stage.daemon, release)
        await killIn('worker')
        await asSoonAs('the worker to be done', () => watch.diary().includes('uncordon w-1'))
        await person.cordon('w-1')
        await killIn('controlplane')
        await asSoonAs('the rollout to be over', () => isOver(rollout, stage.daemon, release))

        expect(watch.breaches()).toEqual([])
        const runs = await stage.daemon.control.list<Run>('/runs?limit=50')
        expect(runs.flatMap(({ detail = '' }) => (waitsForTheDead.test(detail) ? [detail] : []))).toEqual([])
        for (const node of lab.nodes) {
          const count = (method: string) => watch.calls(node).filter((call) => call === method).length
          const Upgrade = count('MachineService.Upgrade')
          const Reboot = count('MachineService.Reboot')
          expect({ name: node.name, boots: watch.boots(node), Upgrade, Reboot }).toEqual({
            name: node.name,
            boots: 1,
            ...orders,
          })
          expect(tracesOn(rollout, node.name), node.name).toEqual(node.name === 'w-1' ? ['cordoned'] : [])
        }
        await person.uncordon('w-1')
      } catch (error) {
        await rollout[Symbol.asyncDispose]()
        throw error
      }
      free.push(stage)
    })
  })
}

test.concurrent('a node whose one call for all is still at work is waited for by the next agent at once', async () => {
  await using rollout = await startRolloutLab({
    net: net++,
    controlPlanes: 1,
    version: 'v1.12.0',
    versions: ['v1.12.0'],
    kubernetesVersion: 'v1.35.4',
    pace: { stop: 10_000 },
    upgrade: { retryAfter: '20s' },
  })
  const first = await rollout.start()
  const watch = rollout.watch()
  const worker = rollout.lab.node('w-1')
  await publish(rollout, first, 'v1.12.1')
  await asSoonAs('the worker to be at it', () => worker.stage === 'upgrading')
  await first.kill()
  const second = await rollout.start()
  expect(worker.stage).toBe('upgrading')
  await asSoonAs('the rollout to be over', () => isOver(rollout, second, 'v1.12.1'))
  for (const node of rollout.lab.nodes) expect(watch.boots(node), node.name).toBe(1)
})
