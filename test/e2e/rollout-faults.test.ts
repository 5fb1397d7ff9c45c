import { describe, expect, test } from 'vitest'
import type { PlanAnswer, RunAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { Run } from '../../src/core/journal.ts'
import type { Rollout, RolloutNode } from '../../src/core/upgrade/record.ts'
import type { LabDaemon } from '../lab/daemon.ts'
import type { Homelab } from '../lab/homelab.ts'
import {
  asSoonAs,
  isOver,
  journalOf,
  publish,
  type RolloutLab,
  watchReleases,
  type RolloutLabOptions,
  startRolloutLab,
  tracesOn,
  type Watch,
} from './rollout-lab.ts'

/** What goes wrong on a homelab's way to a release, and what people do meanwhile. The lab judges. */

const before = 'v1.13.9'
const after = 'v1.14.1'
let net = 220

interface Scene {
  readonly rollout: RolloutLab
  readonly daemon: LabDaemon
  readonly watch: Watch
}

/** A homelab of its own for each test; most need no quorum, and have one control plane. */
async function setScene(
  stack: AsyncDisposableStack,
  options: Omit<RolloutLabOptions, 'net'> = {},
  prepare: (lab: Homelab) => void = () => {},
): Promise<Scene> {
  const rollout = stack.use(
    await startRolloutLab({ net: net++, controlPlanes: 1, version: before, versions: [before], ...options }),
  )
  prepare(rollout.lab)
  const daemon = await rollout.start()
  return { rollout, daemon, watch: rollout.watch() }
}

const begin = ({ rollout, daemon }: Scene) => publish(rollout, daemon, after)
const isDone = ({ rollout, daemon }: Scene) => asSoonAs('the rollout to be over', () => isOver(rollout, daemon, after))
const decision = async ({ control }: LabDaemon) => (await control.get<PlanAnswer>('/plan')).decision
const waitsFor = async (daemon: LabDaemon, reason: string) => {
  const decided = await decision(daemon)
  return decided.kind === 'wait' && decided.reason.includes(reason)
}
const isToldInRuns = async ({ control }: LabDaemon, text: string) =>
  (await control.list<Run>('/runs?limit=50')).some(
    ({ job, detail }) => job === 'upgrade-node' && detail?.includes(text),
  )
const runJob = ({ control }: LabDaemon) => control.post<RunAnswer>('/jobs/upgrade-node/run', { wait: true })
const newestRecord = async ({ control }: LabDaemon) => (await control.list<Rollout>('/rollouts'))[0]!
const recordOf = async (daemon: LabDaemon, node: string): Promise<RolloutNode> =>
  (await newestRecord(daemon)).nodes[node]!
const isTold = async (daemon: LabDaemon, kind: string, text: string) =>
  (await journalOf(daemon)).some((entry) => entry.kind === kind && entry.text.includes(text))

/** Every node went once and came back, or as often as is said, and nobody's word is left on it. */
function expectDone({ rollout, watch }: Scene, boots: Readonly<Record<string, number>> = {}): void {
  for (const node of rollout.lab.nodes) {
    const { name } = node
    expect({ name, boots: watch.boots(node), traces: tracesOn(rollout, name) }).toEqual({
      name,
      boots: boots[name] ?? 1,
      traces: [],
    })
  }
  expect(watch.breaches()).toEqual([])
}

const reboots = ({ rollout, watch }: Scene, name: string) =>
  watch.calls(rollout.lab.node(name)).filter((method) => method === 'MachineService.Reboot').length

/** A pod on w-1 whose budget lets it never go. */
function block({ kubernetes }: Homelab): void {
  kubernetes.addPod({ name: 'db-0', node: 'w-1', owner: { kind: 'StatefulSet', name: 'db' }, labels: { app: 'db' } })
  kubernetes.addPodDisruptionBudget({ name: 'db', matchLabels: { app: 'db' }, minAvailable: 1 })
}

/** The API server is away, whatever the control planes do; returns what gives it back. */
function takeApiAway({ kubernetes }: Homelab): () => void {
  const { setAvailability } = kubernetes
  setAvailability('down')
  kubernetes.setAvailability = () => {}
  return () => {
    kubernetes.setAvailability = setAvailability
    setAvailability('serving')
  }
}

describe.concurrent('on the way to a release', { timeout: 300_000 }, () => {
  test('a node that boots its previous release is tried once more with a power cycle, where that is the policy', async () => {
    await using stack = new AsyncDisposableStack()
    const options = { upgrade: { afterRollback: 'powercycle' } }
    const scene = await setScene(stack, options, (lab) => (lab.node('w-1').faults.rollBack = true))
    await begin(scene)
    await isDone(scene)
    expectDone(scene, { 'w-1': 2 })
    const modes = scene.rollout.lab.node('w-1').calls.filter(({ method }) => method === 'MachineService.Reboot')
    expect(modes.map(({ mode }) => mode)).toEqual([undefined, 'POWERCYCLE'])
    const why = `rolled back: it rebooted and runs ${before}, not ${after}`
    expect(await isTold(scene.daemon, 'step', why)).toBe(true)
    expect(await recordOf(scene.daemon, 'w-1')).toMatchObject({
      outcome: 'upgraded',
      failures: [expect.stringContaining(why)],
    })
  })

  test('a node that boots its previous release is back in service, and not tried again until a person says so', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, {}, (lab) => (lab.node('w-1').faults.rollBack = true))
    const { rollout, daemon } = scene
    const worker = rollout.lab.node('w-1')
    await begin(scene)
    const stuck = 'the rollout is stuck: w-1 booted its previous release'
    await asSoonAs('the rollout to be stuck', () => isTold(daemon, 'event', stuck))
    expect(await decision(daemon)).toMatchObject({
      kind: 'stuck',
      node: 'w-1',
      reason: expect.stringContaining('rolled back'),
    })
    expect(await runJob(daemon)).toMatchObject({
      outcome: 'stuck',
      detail: expect.stringContaining('w-1 booted its previous release'),
    })
    expect(tracesOn(rollout, 'w-1')).toEqual(['caretaker.homelab/attempts'])
    expect(worker).toMatchObject({ version: before, ready: true })
    expect(reboots(scene, 'cp-1')).toBe(0)
    await daemon.control.post('/rollout/retry')
    await isDone(scene)
    expectDone(scene, { 'w-1': 2 })
  })

  test("a reboot that never begins is told again, and is nobody's failed attempt", async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { upgrade: { rebootTimeout: '5s' } }, (lab) => {
      lab.node('w-1').faults.rebootIgnored = true
      lab.node('cp-1').faults.locked = true
    })
    await begin(scene)
    await isDone(scene)
    expectDone(scene)
    for (const name of ['w-1', 'cp-1']) {
      expect(reboots(scene, name), name).toBe(2)
      expect(await recordOf(scene.daemon, name)).toMatchObject({ outcome: 'upgraded', failures: [] })
      expect(await isTold(scene.daemon, 'step', `wait until ${name} is upgraded: the reboot never started`)).toBe(true)
    }
  })

  test('connections that a kexec leaves half open are given up', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { controlPlanes: 3 }, (lab) => {
      for (const { faults } of lab.nodes) faults.halfOpen = true
    })
    await begin(scene)
    await isDone(scene)
    expectDone(scene)
    for (const { name, faults } of scene.rollout.lab.nodes) {
      expect(faults.halfOpen, name).toBe(false)
      expect(await recordOf(scene.daemon, name)).toMatchObject({ outcome: 'upgraded', failures: [] })
    }
  })

  test('an installer that fails is tried again and then not again, in its own words, and its node works on', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, {}, (lab) => {
      lab.node('w-1').faults.installerExit = 1
      lab.node('cp-1').faults.installerExit = 2
    })
    const { rollout, daemon } = scene
    const { faults } = rollout.lab.node('cp-1')
    await begin(scene)
    await asSoonAs('the installer on cp-1 to fail', () => faults.installerExit === undefined)
    faults.installerExit = 2
    await asSoonAs('the rollout to be stuck', () =>
      isTold(daemon, 'event', 'the rollout is stuck: cp-1 failed 2 times'),
    )
    expect(await recordOf(daemon, 'w-1')).toMatchObject({
      outcome: 'upgraded',
      failures: [expect.stringContaining('exited with code 1: it gives no reason')],
    })
    const why = 'it will fail every time until you fix that'
    expect((await recordOf(daemon, 'cp-1')).failures).toEqual([
      expect.stringContaining(`exited with code 2`),
      expect.stringContaining(why),
    ])
    expect(await decision(daemon)).toMatchObject({ kind: 'stuck', reason: expect.stringContaining(why) })
    expect(tracesOn(rollout, 'cp-1')).toEqual(['caretaker.homelab/attempts'])
    expect(reboots(scene, 'cp-1')).toBe(0)
    await daemon.control.post('/rollout/retry', { node: 'cp-1' })
    await isDone(scene)
    expectDone(scene)
  })

  test('a drain that a budget refuses names the pod and the budget, and goes on as soon as it may', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { upgrade: { drainTimeout: '1s' } }, block)
    const { rollout, daemon, watch } = scene
    await begin(scene)
    await asSoonAs('an alert', () => isTold(daemon, 'alert', 'default/db-0 (of StatefulSet db)'))
    const alert = (await journalOf(daemon)).find(({ kind, text }) => kind === 'alert' && text.includes('default/db-0'))
    expect(alert).toMatchObject({
      subject: 'w-1',
      text: expect.stringMatching(/^the upgrade of w-1 failed: drain w-1: .*disruption budget.* db\b/),
    })
    expect(watch.calls(rollout.lab.node('w-1'))).not.toContain('LifecycleService.Upgrade')
    rollout.lab.kubernetes.removePodDisruptionBudget('db')
    await isDone(scene)
    expectDone(scene)
    expect(await recordOf(daemon, 'w-1')).toMatchObject({ outcome: 'upgraded', failures: [] })
  })

  test('a node that a person cordons stops the rollout before it, and is left alone', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { workers: 2 })
    const { rollout, daemon, watch } = scene
    await begin(scene)
    await asSoonAs('w-1 to be begun', () => watch.diary().includes('cordon w-1'))
    await rollout.person.cordon('w-2')
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

  test('an API server that is away in the middle is waited for, and no failed attempt', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(
      stack,
      { controlPlanes: 3, upgrade: { drainTimeout: '1s' } },
      ({ kubernetes, nodes }) => {
        for (const { name } of nodes) kubernetes.addPod({ name: `slow-${name}`, node: name, terminateMs: 300 })
      },
    )
    const { rollout, daemon, watch } = scene
    const { lab } = rollout
    await begin(scene)
    await asSoonAs('the worker to be away', () => !lab.node('w-1').answering)
    const uncordonOnly = takeApiAway(lab)
    await asSoonAs('the agent to look at it without Kubernetes', async () => {
      if (!lab.node('w-1').ready) return false
      const { cluster, activities } = await daemon.control.get<StatusAnswer>('/status')
      return !cluster.kubernetes.ok && activities.some(({ step }) => step === 'wait until w-1 is upgraded')
    })
    uncordonOnly()
    await asSoonAs('a control plane to be emptied', () =>
      watch.diary().some((entry) => entry.startsWith('evict default/slow-cp')),
    )
    const uncordonOnlyAgain = takeApiAway(lab)
    await asSoonAs('the agent to give up for now', () => isToldInRuns(daemon, "the cluster's Lease can't be taken"))
    uncordonOnlyAgain()
    await isDone(scene)
    expectDone(scene)
    for (const { name } of lab.nodes)
      expect(await recordOf(daemon, name)).toMatchObject({ outcome: 'upgraded', failures: [] })
  })

  test('certificates of the nodes that are renewed in the middle are no trouble', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, { controlPlanes: 3 })
    const { rollout, daemon, watch } = scene
    const renewAll = () => Promise.all(rollout.lab.nodes.map((node) => node.renewCertificate()))
    await begin(scene)
    await asSoonAs('the worker to be installed', () => rollout.lab.node('w-1').armed)
    await renewAll()
    await asSoonAs('a control plane to be closed', () => watch.diary().some((entry) => entry.startsWith('cordon cp')))
    await renewAll()
    await isDone(scene)
    expectDone(scene)
    for (const { name } of rollout.lab.nodes)
      expect(await recordOf(daemon, name)).toMatchObject({ outcome: 'upgraded', failures: [] })
  })

  test('two minor versions behind, the nodes go through the one between, all of them before any goes further', async () => {
    await using stack = new AsyncDisposableStack()
    const [oldest, between] = ['v1.12.11', 'v1.13.9']
    const scene = await setScene(stack, {
      controlPlanes: 3,
      version: oldest,
      versions: [oldest, between, after],
      kubernetesVersion: 'v1.35.4',
    })
    const { rollout, daemon, watch } = scene
    const mixtures = new Set<string>()
    for (const node of rollout.lab.nodes)
      node.onChange(() => mixtures.add([...new Set(rollout.lab.nodes.map(({ version }) => version))].toSorted().join()))
    await isDone(scene)
    expectDone(scene, Object.fromEntries(rollout.lab.nodes.map(({ name }) => [name, 2])))
    expect([...mixtures].toSorted()).toEqual(
      [oldest, `${oldest},${between}`, between, `${between},${after}`, after].toSorted(),
    )
    for (const node of rollout.lab.nodes)
      expect(watch.calls(node).filter((method) => /MachineService\.(Upgrade|Reboot)/.test(method))).toEqual([
        'MachineService.Upgrade',
        'MachineService.Reboot',
      ])
    expect((await daemon.control.list<Rollout>('/rollouts')).map(({ release, outcome }) => [release, outcome])).toEqual(
      [
        [after, 'done'],
        [between, 'done'],
      ],
    )
    expect(await isTold(daemon, 'event', `the rollout of ${between} is complete`)).toBe(true)
  })

  test('a second agent with a state of its own waits, says who works, and does nothing', async () => {
    await using stack = new AsyncDisposableStack()
    const scene = await setScene(stack, {}, block)
    const { rollout, watch } = scene
    await begin(scene)
    await asSoonAs('the drain to be refused', () => watch.diary().includes('evict-refused default/db-0'))
    const second = await rollout.start({ another: true })
    await asSoonAs('the second to wait', () => isToldInRuns(second, 'holds the Lease (upgrade)'))
    const waits = (await second.control.list<Run>('/runs?limit=50')).find(
      ({ job, outcome }) => job === 'upgrade-node' && outcome !== undefined,
    )
    expect(waits).toMatchObject({
      outcome: 'later',
      detail: expect.stringMatching(/^caretaker-\S+ holds the Lease/),
    })
    expect(await isTold(second, 'step', 'w-1')).toBe(false)
    rollout.lab.kubernetes.removePodDisruptionBudget('db')
    await isDone(scene)
    await asSoonAs('the second to see that all is done', () => isToldInRuns(second, `every node runs ${after}`))
    expectDone(scene)
    expect(await isTold(second, 'step', 'cordon')).toBe(false)
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
