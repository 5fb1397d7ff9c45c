import { describe, expect, test } from 'vitest'
import type { Run } from '../../src/core/journal.ts'
import type { Homelab } from '../lab/homelab.ts'
import { asSoonAs, journalOf, watchReleases, tracesOn } from './rollout-lab.ts'
import {
  before,
  after,
  scenesFrom,
  begin,
  isDone,
  waitsFor,
  isToldInRuns,
  runJob,
  newestRecord,
  recordOf,
  expectDone,
  reboots,
  block,
} from './rollout-scene.ts'

/** What people, and a second agent, do while a homelab is on its way to a release. */

const setScene = scenesFrom(240)

describe.concurrent('with people beside it', () => {
  test('a node that a person cordons stops the rollout before it, and is left alone', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { workers: 2 }, block)
    const { rollout, daemon, watch } = scene
    await begin(scene)
    await asSoonAs('the drain of w-1 to be refused', () => watch.diary().includes('evict-refused default/db-0'))
    await rollout.person.cordon('w-2')
    // Not before: w-1 could be done, and w-2 begun, by the time a busy machine has cordoned it.
    rollout.lab.kubernetes.removePodDisruptionBudget('db')
    await asSoonAs('the rollout to wait', () =>
      isToldInRuns(daemon, 'w-2 was cordoned by someone else: uncordon it to continue'),
    )
    expect(await runJob(daemon)).toMatchObject({
      outcome: 'later',
      detail: expect.stringContaining('w-2 was cordoned'),
    })
    expect(tracesOn(rollout, 'w-1')).toEqual([])
    expect(tracesOn(rollout, 'w-2')).toEqual(['cordoned'])
    expect(rollout.lab.nodes.map(({ version }) => version)).toEqual([before, after, before])
    await rollout.person.uncordon('w-2')
    await isDone(scene)
    expectDone(scene)
  })

  test('armed nodes that a person reboots are met as they then are, by an agent that looks on and by one that was dead', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { controlPlanes: 3 })
    const { rollout, daemon, watch } = scene
    const armed = (role: string) => rollout.lab.nodes.find((node) => node.role === role && node.armed)
    await begin(scene)
    await asSoonAs('the worker to be armed', () => armed('worker') !== undefined)
    await rollout.person.reboot('w-1')
    await asSoonAs('a control plane to be armed', () => armed('controlplane') !== undefined)
    await daemon.kill()
    const { name } = armed('controlplane')!
    await rollout.person.reboot(name)
    await asSoonAs('it to be back', () => rollout.lab.node(name).version === after && rollout.lab.node(name).ready)
    const next = await rollout.start()
    await isDone({ ...scene, daemon: next })
    expectDone(scene)
    expect(reboots(scene, name)).toBe(1)
    for (const node of rollout.lab.nodes)
      expect(await recordOf(next, node.name)).toMatchObject({ outcome: 'upgraded', failures: [] })
    expect(watch.breaches()).toEqual([])
  })

  test('a second agent with a state of its own does nothing while the first works, and says who does', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, {}, block)
    const { rollout, watch } = scene
    await begin(scene)
    await asSoonAs('the drain to be refused', () => watch.diary().includes('evict-refused default/db-0'))
    const second = await rollout.start({ another: true })
    await asSoonAs('the second to wait', () => isToldInRuns(second, 'holds the Lease (upgrade)'))
    const waits = (await second.control.list<Run>('/runs?limit=50')).find(({ detail }) =>
      detail?.includes('holds the Lease (upgrade)'),
    )
    expect(waits).toMatchObject({
      job: 'upgrade-node',
      outcome: 'later',
      detail: expect.stringMatching(/^caretaker-\S+ holds the Lease/),
    })
    const steps = (await journalOf(second)).filter(({ kind, text }) => kind === 'step' && /\b(w|cp)-1\b/.test(text))
    expect(steps).toEqual([])
    rollout.lab.kubernetes.removePodDisruptionBudget('db')
    // Whoever has the Lease goes on. The first gives it back wherever a busy machine makes it wait, in the middle of a node
    // too, so what can be said of the rest is that each node went once.
    await asSoonAs('every node to be upgraded', () =>
      rollout.lab.nodes.every(
        ({ name, version, ready }) => version === after && ready && tracesOn(rollout, name).length === 0,
      ),
    )
    for (const daemon of [scene.daemon, second])
      await asSoonAs('both to see that all is done', () => isToldInRuns(daemon, `every node runs ${after}`))
    expectDone(scene)
  })

  test('a worker that is taken back in the middle stays there, and nothing more is begun, after a restart neither', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { controlPlanes: 3 })
    const { rollout, daemon, watch } = scene
    const worker = rollout.lab.node('w-1')
    await begin(scene)
    await asSoonAs('the worker to be done', () => watch.diary().includes('uncordon w-1'))
    await daemon.control.post('/nodes/w-1/rollback')
    await asSoonAs('the worker to be back', () => worker.version === before && worker.ready)
    await asSoonAs('all to be in service', () =>
      rollout.lab.nodes.every(({ name, ready, armed }) => ready && !armed && tracesOn(rollout, name).length === 0),
    )
    await asSoonAs('nothing to be under way', () => waitsFor(daemon, `the rollout of ${after} was aborted`))
    expect(await newestRecord(daemon)).toMatchObject({
      outcome: 'aborted',
      nodes: { 'w-1': { outcome: 'rolled-back' } },
    })
    await daemon.kill()
    const next = await rollout.start()
    await watchReleases(next, { wait: true })
    expect(await runJob(next)).toMatchObject({ outcome: 'later', detail: expect.stringContaining('was aborted') })
    expect(worker).toMatchObject({ version: before, ready: true, armed: false })
    expect(watch.boots(worker)).toBe(2)
    expect(watch.calls(worker).filter((method) => method === 'MachineService.Rollback').length).toBe(1)
    expect(watch.breaches()).toEqual([])
  })

  test('an abort gives back what is only cordoned, and begins nothing more until a person says so', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { upgrade: { drainTimeout: '1s' } }, block)
    const { rollout, daemon, watch } = scene
    await begin(scene)
    await asSoonAs('the drain to be refused', () => watch.diary().includes('evict-refused default/db-0'))
    await daemon.control.post('/rollout/abort')
    await asSoonAs('the worker to be given back', () => tracesOn(rollout, 'w-1').every((trace) => trace !== 'cordoned'))
    rollout.lab.kubernetes.removePodDisruptionBudget('db')
    await asSoonAs('nothing to be under way', () => waitsFor(daemon, `the rollout of ${after} was aborted`))
    expect(await runJob(daemon)).toMatchObject({ outcome: 'later', detail: expect.stringContaining('was aborted') })
    expect(await newestRecord(daemon)).toMatchObject({
      outcome: 'aborted',
      nodes: { 'w-1': { outcome: 'released' } },
    })
    for (const node of rollout.lab.nodes) expect(watch.boots(node), node.name).toBe(0)
    await daemon.control.post('/rollout/start')
    await isDone(scene)
    expectDone(scene)
  })

  test('an abort finishes what is installed, and begins nothing more', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack)
    const { rollout, daemon, watch } = scene
    const [cp, worker] = ['cp-1', 'w-1'].map(rollout.lab.node) as [Homelab['nodes'][0], Homelab['nodes'][0]]
    await begin(scene)
    await asSoonAs('the worker to be armed', () => worker.armed)
    await daemon.control.post('/rollout/abort')
    await asSoonAs('the worker to be done', () => worker.version === after && watch.diary().includes('uncordon w-1'))
    await asSoonAs('nothing to be under way', () => waitsFor(daemon, `the rollout of ${after} was aborted`))
    expect(await runJob(daemon)).toMatchObject({ outcome: 'later', detail: expect.stringContaining('was aborted') })
    expect(await newestRecord(daemon)).toMatchObject({ outcome: 'aborted', nodes: { 'w-1': { outcome: 'upgraded' } } })
    expect(watch.boots(worker)).toBe(1)
    expect(watch.boots(cp)).toBe(0)
    expect(watch.diary().some((entry) => entry.includes('cp-1'))).toBe(false)
    for (const { name } of rollout.lab.nodes) expect(tracesOn(rollout, name)).toEqual([])
  })
})
