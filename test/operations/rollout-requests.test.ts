import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { beginRollout } from '../../src/core/upgrade/record.ts'
import { abortsIn } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { controlPlane, worker } from '../core/cluster/nodes.ts'
import { asked } from '../fakes/person.ts'
import { open } from './requesting.ts'
import { earlier, now, requestsAt } from './rollouts-at.ts'

const week = 7 * 86_400_000

describe('to start again', () => {
  const back: CordonMark = {
    why: 'upgrade',
    at: earlier,
    back: true,
    rebooting: true,
    bootId: 'boot-1',
    release: 'v1.14.1',
  }
  const nodes = [
    controlPlane('cp-1', ['cp-1']),
    // It reboots into its previous release: nothing can stop that any more.
    worker('w-1', { talos: 'silent', kubernetes: { unschedulable: true, cordon: back } }),
  ]
  const request = (node: string) => ({ node, bootId: 'boot-1', force: false })

  test('takes back what a person has held up, and has the upgrade look at once', async () => {
    await using at = await open(async ({ control }) => {
      await control.pause('guests')
      await control.abort()
    })
    const { requests, journal, started, looks } = requestsAt(at)
    expect(await requests.start(asked())).toEqual({
      said: 'cancelled the pause, the abort of v1.14.1; rollouts continue',
      changed: true,
    })
    expect([remembered.paused.recall(journal), abortsIn(journal)]).toEqual([undefined, []])
    expect([started, looks]).toEqual([['upgrade-node'], []])
    expect(journal.entries(1)).toMatchObject([{ kind: 'event', subject: 'rollout' }])
  })

  test('takes back rollbacks, but for those that are under way', async () => {
    await using at = await open()
    const { requests, journal, looks, rollbacks } = requestsAt(at, nodes)
    remembered.rollbacks.remember(journal, [request('cp-1'), request('w-1')])
    expect(await requests.start(asked())).toEqual({
      said: 'cancelled the request to roll back cp-1; rollouts continue; the rollback of w-1 is under way, and is finished first',
      changed: true,
    })
    expect([looks.length, rollbacks()]).toEqual([1, undefined])
  })

  test('changes nothing where only rollbacks that are under way are left', async () => {
    await using at = await open()
    const { requests, journal, started, rollbacks } = requestsAt(at, nodes)
    remembered.rollbacks.remember(journal, [request('w-1')])
    expect(await requests.start(asked())).toEqual({
      said: 'nothing was paused or aborted; the rollback of w-1 is under way, and is finished first',
      changed: false,
    })
    expect([started, rollbacks()]).toEqual([[], [request('w-1')]])
  })
})

test.each([
  { lasts: 1, isTaken: true },
  { lasts: week, isTaken: true },
  { lasts: week + 1, isTaken: false },
  { lasts: 0, isTaken: false },
  { lasts: Number.NaN, isTaken: false },
])('a window of $lasts ms is taken: $isTaken', async ({ lasts, isTaken }) => {
  await using at = await open()
  const { requests, journal } = requestsAt(at)
  const taken = requests.openWindow({ lastsMs: lasts }, asked()).then(
    ({ changed }) => changed,
    ({ code }: AgentError) => code,
  )
  expect(await taken).toBe(isTaken || 'misconfigured')
  expect(remembered.openUntil.recall(journal)).toBe(isTaken ? now.getTime() + lasts : undefined)
})

describe('the state of rollouts', () => {
  test.each([
    { name: 'no window', until: undefined, is: undefined },
    { name: 'a window that is open', until: now.getTime() + 1, is: '2026-05-01T03:00:00.001Z' },
    { name: 'a window that has just ended', until: now.getTime(), is: undefined },
  ])('tells of $name', async ({ until, is }) => {
    await using at = await open()
    const { requests, journal } = requestsAt(at)
    remembered.openUntil.remember(journal, until)
    expect((await requests.status(asked().signal)).openUntil).toBe(is)
  })

  test('tells of the plan, the record, the newest snapshot and what people have requested', async () => {
    await using at = await open(({ control }) => control.pause('guests'))
    const { requests, journal } = requestsAt(at)
    journal.saveRollout(beginRollout('v1.14.1', new Date(earlier)))
    const [newest, oldest] = [{ file: '/snapshots/2' }, { file: '/snapshots/1' }] as const
    at.homelab.ports.snapshots.list = async () => [newest, oldest] as never
    expect(await requests.status(asked().signal)).toMatchObject({
      plan: { version: 'v1.14.1', decision: { kind: 'wait' } },
      current: { release: 'v1.14.1' },
      paused: { reason: 'guests' },
      snapshot: newest,
    })
    at.homelab.ports.snapshots.list = () => Promise.reject(new AgentError('unreachable', 'no disk'))
    const { snapshot, plan } = await requests.status(asked().signal)
    expect([snapshot, plan.version]).toEqual([undefined, 'v1.14.1'])
  })
})

test('a pause without a reason has none', async () => {
  await using at = await open()
  const { requests } = requestsAt(at)
  expect(await requests.pause({ reason: undefined }, asked())).toEqual({ said: 'rollouts are paused', changed: true })
})

describe('to resume', () => {
  const text = 'rollouts are no longer paused'
  const but =
    ', but the rollout of v1.14.1 was aborted by admin@nas (unverified): start it again with `caretaker rollout start`'
  test.each([
    { name: 'the target', target: 'v1.14.1', coming: 'v1.14.2', is: `${text}${but}` },
    {
      name: 'what is coming, as long as there is no target',
      target: undefined,
      coming: 'v1.14.1',
      is: `${text}${but}`,
    },
    { name: 'what is coming after the target', target: 'v1.14.2', coming: 'v1.14.1', is: text },
  ])('says that a person holds back $name: $is', async ({ target, coming, is }) => {
    await using at = await open(async ({ control }) => {
      await control.abort('v1.14.1')
      await control.pause()
    })
    const { requests, journal } = requestsAt(at)
    remembered.target.remember(journal, target)
    remembered.coming.remember(journal, coming)
    expect((await requests.resume(asked())).said).toBe(is)
    expect(remembered.paused.recall(journal)).toBeUndefined()
  })
})
