import { describe, expect, test } from 'vitest'
import type { StatusAnswer } from '../../src/core/operator.ts'
import type { Rollout } from '../../src/core/upgrade/record.ts'
import { asSoonAs, journalOf, tracesOn } from './rollout-lab.ts'
import {
  before,
  after,
  scenesFrom,
  begin,
  isDone,
  decision,
  isToldInRuns,
  runJob,
  recordOf,
  isTold,
  expectDone,
  reboots,
  block,
  takeApiAway,
} from './rollout-scene.ts'

/** What goes wrong on a homelab's way to a release. */

const setScene = scenesFrom(220)

describe.concurrent('on the way to a release', () => {
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
})
