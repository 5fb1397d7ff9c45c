import { expect, test } from 'vitest'
import type { PlanAnswer, StatusAnswer } from '../../src/core/operator.ts'
import type { LabDaemon } from '../lab/daemon.ts'
import { asSoonAs, isOver, journalOf, publish, startRolloutLab, watchReleases } from './rollout-lab.ts'

/** What the Factory says and what Kubernetes runs, seen by a daemon over the wire. */

const watchNow = (daemon: LabDaemon) => watchReleases(daemon, { wait: true })
const planOf = ({ control }: LabDaemon) => control.get<PlanAnswer>('/plan')

test('a release that the Factory withdraws before it is approved goes to nobody, and the next patch does', async () => {
  await using stack = new AsyncDisposableStack()
  const rollout = stack.use(
    await startRolloutLab({ net: 171, controlPlanes: 1, versions: ['v1.13.9'], upgrade: { approval: 'always' } }),
  )
  const daemon = await rollout.start()
  await publish(rollout, daemon, 'v1.14.1')
  await asSoonAs('v1.14.1 to wait for approval', async () => (await planOf(daemon)).toApprove.length === 2)
  rollout.lab.factory.publish('v1.13.10')
  rollout.lab.factory.withdraw('v1.14.1')
  await watchNow(daemon)
  expect((await planOf(daemon)).release).toEqual({
    kind: 'target',
    version: 'v1.13.10',
    reason: 'the newest patch of 1.13, from v1.13.9; v1.14.1 was withdrawn by the Image Factory',
  })
  await daemon.control.post('/rollout/approve', { version: 'v1.14.1' })
  await daemon.control.post('/rollout/approve', { version: 'v1.13.10' })
  await asSoonAs('all nodes to have v1.13.10', () => isOver(rollout, daemon, 'v1.13.10'))
  await watchNow(daemon)
  expect((await daemon.control.get<StatusAnswer>('/status')).news).toBe(
    'v1.14.1 was withdrawn by the Image Factory, and nothing else is newer than v1.13.10',
  )
  expect((await journalOf(daemon)).map(({ text }) => text)).toContain(
    'v1.14.1 was withdrawn by the Image Factory: no more nodes are upgraded to it',
  )
})

test('a kubelet that was left behind is named while all nodes are in service, and nothing waits once it is upgraded', async () => {
  await using stack = new AsyncDisposableStack()
  const rollout = stack.use(
    await startRolloutLab({ net: 172, controlPlanes: 1, versions: ['v1.13.9'], workers: 2, diskless: ['w-2'] }),
  )
  const { kubernetes } = rollout.lab
  kubernetes.setNodeInfo('w-1', { kubeletVersion: 'v1.31.9' })
  const daemon = await rollout.start()
  const watch = rollout.watch()
  await publish(rollout, daemon, 'v1.14.1')
  const text = 'v1.14.1 needs Kubernetes 1.32 or later, but kubelet on w-1 is v1.31.9: upgrade Kubernetes first'
  await asSoonAs('the kubelet to be named', async () => {
    const { decision } = await planOf(daemon)
    return decision.kind === 'wait' && decision.reason === text
  })
  expect(watch.diary()).toEqual([])
  kubernetes.setNodeInfo('w-1', { kubeletVersion: 'v1.36.3' })
  await asSoonAs('all nodes to have v1.14.1', () => isOver(rollout, daemon, 'v1.14.1'))
  // It has no disk to install to: it boots what is published for it, once its turn has come.
  const { calls } = watch
  const orders = calls(rollout.lab.node('w-2')).filter((call) => /Reboot|Upgrade|Pull|Rollback/.test(call))
  expect(orders).toEqual(['MachineService.Reboot'])
  expect(watch.boots(rollout.lab.node('w-2'))).toBe(1)
})
