import { describe, expect, test } from 'vitest'
import { beginRollout } from '../../src/core/upgrade/record.ts'
import { abortsIn } from '../../src/operations/aborts.ts'
import { asked } from '../fakes/person.ts'
import { type At, open } from './requesting.ts'
import { earlier, requestsAt } from './rollouts-at.ts'

// Which releases nodes have, and what that makes of a request. Offered are v1.12.8 to v1.14.1, which is coming.

/** `silent`: it does not answer. */
type Runs = Readonly<Record<'cp-1' | 'w-1', string>>

/** A homelab whose nodes run these releases, or do not answer. */
const running = (runs: Runs) =>
  open(({ homelab }: At) => {
    for (const [name, version] of Object.entries(runs))
      Object.assign(homelab.machine(name), version === 'silent' ? { up: false } : { version })
  })

describe('a release that nodes have', () => {
  const none = (why: string) => `there is no rollout to abort: ${why}`
  const older = 'no node runs anything older than'
  const hint = '; abort what is coming with `caretaker rollout abort v1.14.1`'
  test.each<{ runs: Runs; release: string; is: string }>([
    {
      runs: { 'cp-1': 'v1.14.0', 'w-1': 'v1.14.1' },
      release: 'v1.14.0',
      is: none(`${older} v1.14.0${hint}`),
    },
    {
      runs: { 'cp-1': 'v1.14.0', 'w-1': 'v1.14.0' },
      release: 'v1.14.0',
      is: none(`every node runs v1.14.0${hint}`),
    },
    {
      runs: { 'cp-1': 'v1.14.1', 'w-1': 'v1.14.1' },
      release: 'v1.14.0',
      is: none(`${older} v1.14.0`),
    },
    {
      runs: { 'cp-1': 'v1.14.0', 'w-1': 'silent' },
      release: 'v1.14.0',
      is: none(`every node that answers runs v1.14.0${hint}`),
    },
    {
      runs: { 'cp-1': 'v1.14.1', 'w-1': 'silent' },
      release: 'v1.14.0',
      is: none('no node that answers runs anything older than v1.14.0'),
    },
  ])('where they run $runs: an abort of $release says $is', async ({ runs, release, is }) => {
    await using at = await running(runs)
    const { requests, journal, started } = requestsAt(at)
    expect(await requests.abort({ version: release }, asked())).toEqual({ said: is, changed: false })
    expect([abortsIn(journal), started]).toEqual([[], []])
  })

  const nothing = (release: string, which = '') =>
    `there is nothing to approve: no node${which} runs anything older than ${release}`
  test.each<{ runs: Runs; release: string; is: string }>([
    { runs: { 'cp-1': 'v1.13.9', 'w-1': 'v1.14.1' }, release: 'v1.14.0', is: 'v1.14.0 is approved' },
    { runs: { 'cp-1': 'v1.14.0', 'w-1': 'v1.14.1' }, release: 'v1.14.0', is: nothing('v1.14.0') },
    { runs: { 'cp-1': 'v1.14.0', 'w-1': 'silent' }, release: 'v1.14.0', is: nothing('v1.14.0', ' that answers') },
    // A build of somebody's own says nothing of releases.
    {
      runs: { 'cp-1': 'v1.14.0', 'w-1': 'v1.13.0-alpha.0-12-gabcdef0' },
      release: 'v1.14.0',
      is: nothing('v1.14.0'),
    },
    { runs: { 'cp-1': 'silent', 'w-1': 'silent' }, release: 'v1.14.0', is: 'v1.14.0 is approved' },
  ])('where they run $runs: an approval of $release says $is', async ({ runs, release, is }) => {
    await using at = await running(runs)
    const { said } = await requestsAt(at).requests.approve({ version: release }, asked())
    expect(said).toBe(is)
  })
})

/** w-1 is under way to v1.14.0. */
const underWay = () =>
  open(({ homelab }) => {
    const machine = homelab.machine('w-1')
    const installed = { version: 'v1.14.0', schematic: machine.schematic }
    const mark = {
      why: 'upgrade',
      at: earlier,
      release: 'v1.14.0',
      bootId: 'boot-1 of w-1',
      installer: 'succeeded',
    } as const
    Object.assign(machine, { unschedulable: true, mark, installed, latest: installed })
  })

test('an abort of what is in hand names the release that is to come all the same', async () => {
  await using at = await underWay()
  expect((await requestsAt(at).requests.abort({}, asked())).said).toBe(
    'the rollout of v1.14.0 is aborted: nodes that have it installed are finished, nodes that are only cordoned are uncordoned; v1.14.1 is to come all the same: abort it with `caretaker rollout abort v1.14.1`',
  )
})

test('an abort of what is to come names the release that is in hand', async () => {
  await using at = await underWay()
  const { requests, journal } = requestsAt(at)
  journal.saveRollout(beginRollout('v1.14.1', new Date(earlier)))
  expect((await requests.abort({ version: 'v1.14.1' }, asked())).said).toBe(
    'the rollout of v1.14.1 is aborted: no node is upgraded to it until `caretaker rollout start`; v1.14.0 is to come all the same: abort it with `caretaker rollout abort v1.14.0`',
  )
})
