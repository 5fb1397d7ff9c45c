import { describe, expect, test } from 'vitest'
import { armedEntries } from '../core/cluster/nodes.ts'
import { asks, came, marked, type Requested, rollout } from './rolling-back.ts'

describe('what would bring it forward again is aborted', () => {
  const unended = rollout('v1.14.1', undefined, false)
  test.each<{ name: string; asked: Requested; is: readonly string[] }>([
    { name: 'the release that it leaves', asked: { rollouts: [came] }, is: ['v1.13.8'] },
    { name: 'the rollout that is under way', asked: { force: true, rollouts: [unended] }, is: ['v1.14.1'] },
    { name: 'nothing, where it only keeps what it runs', asked: { w1: { talos: armedEntries } }, is: [] },
    { name: 'nothing, where its upgrade was only begun', asked: { w1: { kubernetes: marked({}) } }, is: [] },
  ])('$name', async ({ asked, is }) => {
    const { aborts, record } = await asks(asked)
    expect(aborts).toEqual(
      is.map((release) => ({ release, by: 'admin@nas (unverified)', at: '2026-05-01T03:00:00.000Z' })),
    )
    expect(record).toBeUndefined()
  })

  test('and the record of a rollout that is under way ends', async () => {
    const { newest } = await asks({ force: true, rollouts: [unended] })
    expect(newest).toMatchObject({ release: 'v1.14.1', outcome: 'aborted', endedAt: '2026-05-01T03:00:00.000Z' })
  })
})

describe('who asks again', () => {
  const before = { node: 'w-1', bootId: 'boot-1', force: true }
  test('has the upgrade look at once, and changes nothing', async () => {
    const ran = await asks({ force: true, rollbacks: [before] })
    expect([ran.said, ran.changed]).toEqual(['w-1 will be rolled back from v1.13.8 (already requested)', false])
    expect([ran.started, ran.written, ran.aborts, ran.requests]).toEqual([['upgrade-node'], 0, [], [before]])
  })

  test.each([
    { name: 'with force now', earlier: { ...before, force: false } },
    { name: 'for another boot', earlier: { ...before, bootId: 'boot-0' } },
    { name: 'for another way back', earlier: { ...before, to: 'v1.13.7' } },
  ])('$name has the request in place of the earlier one, and keeps those of other nodes', async ({ earlier }) => {
    const other = { ...before, node: 'cp-1' }
    const ran = await asks({ force: true, rollbacks: [earlier, other] })
    expect([ran.changed, ran.requests]).toEqual([true, [other, before]])
  })
})

test('what it waits for is said, and nothing where it goes on at once', async () => {
  const waits = await asks({ force: true, isPaused: true })
  expect(waits.said).toMatch(/^w-1 will be rolled back from v1\.13\.8; waiting: rollouts are paused since .*: guests$/)
  expect((await asks({ force: true })).said).toBe('w-1 will be rolled back from v1.13.8')
})

test('a request is on record also where whoever asked did not wait for the answer', async () => {
  const ran = await asks({ force: true, leaves: true })
  expect(ran.requests).toHaveLength(1)
  expect([ran.written, ran.started]).toEqual([1, ['upgrade-node']])
})
