import { describe, expect, test } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { beginRollout } from '../../src/core/upgrade/record.ts'
import { abortsIn } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { asked } from '../fakes/person.ts'
import { begin } from '../fakes/rollout.ts'
import { two } from '../fakes/stories.ts'
import { type At, open } from './requesting.ts'
import { earlier, now, requestsAt } from './rollouts-at.ts'

describe('an abort', () => {
  test.each([
    { name: 'ends the record of that release', release: 'v1.14.1', isOpen: false },
    { name: 'leaves the record of another one open', release: 'v1.14.0', isOpen: true },
  ])('$name', async ({ release, isOpen }) => {
    await using at = await open()
    const { requests, journal, started } = requestsAt(at)
    journal.saveRollout(beginRollout(release, new Date(earlier)))
    expect((await requests.abort({ version: 'v1.14.1' }, asked())).changed).toBe(true)
    expect(journal.openRollout()?.release).toBe(isOpen ? release : undefined)
    expect(journal.rollouts(1)[0]?.outcome).toBe(isOpen ? undefined : 'aborted')
    expect(abortsIn(journal)).toEqual([{ release: 'v1.14.1', by: 'admin@nas (unverified)', at: now.toISOString() }])
    expect(started).toEqual(['upgrade-node'])
  })

  test('of the release whose record is open is taken though another one is coming, which is said', async () => {
    await using at = await open()
    const { requests, journal } = requestsAt(at)
    journal.saveRollout(beginRollout('v1.14.0', new Date(earlier)))
    const { said } = await requests.abort({ version: 'v1.14.0' }, asked())
    expect(said).toBe(
      'the rollout of v1.14.0 is aborted: no node is upgraded to it until `caretaker rollout start`; v1.14.1 is to come all the same: abort it with `caretaker rollout abort v1.14.1`',
    )
    expect(journal.openRollout()).toBeUndefined()
  })

  test('that is asked for again ends a record that was begun since', async () => {
    await using at = await open(({ control }) => control.abort())
    const { requests, journal } = requestsAt(at)
    journal.saveRollout(beginRollout('v1.14.1', new Date(earlier)))
    expect((await requests.abort({ version: 'v1.14.1' }, asked())).changed).toBe(true)
    expect(journal.openRollout()).toBeUndefined()
  })

  test('of what nodes are under way to says that they are finished', async () => {
    await using at = await open(({ homelab }) => {
      const cordon: CordonMark = {
        why: 'upgrade',
        at: earlier,
        release: 'v1.14.1',
        from: 'v1.13.9',
        bootId: 'boot-1 of w-1',
      }
      Object.assign(homelab.machine('w-1'), { unschedulable: true, mark: cordon })
    })
    const { said } = await requestsAt(at).requests.abort({}, asked())
    expect(said).toBe(
      'the rollout of v1.14.1 is aborted: nodes that have it installed are finished, nodes that are only cordoned are uncordoned',
    )
  })
})

const all = (at: At, what: object) => {
  for (const machine of at.homelab.machines.values()) Object.assign(machine, what)
}

describe('an abort without a release', () => {
  test('of a release that every node runs, and one with another schematic, is taken', async () => {
    await using at = await open()
    all(at, { version: 'v1.14.1' })
    Object.assign(at.homelab.machine('w-1'), { schematic: 'f'.repeat(64) })
    const { requests, journal } = requestsAt(at)
    expect((await requests.abort({}, asked())).said).toMatch(/^the rollout of v1\.14\.1 is aborted: /)
    expect(abortsIn(journal)).toMatchObject([{ release: 'v1.14.1' }])
  })

  test('is refused where nodes run what is no release', async () => {
    await using at = await open()
    all(at, { version: 'v1.15.0-alpha.0-12-gabcdef0' })
    await expect(requestsAt(at).requests.abort({}, asked())).rejects.toMatchObject({ code: 'rejected' })
  })
})

describe('where no node answers', () => {
  const dark = () =>
    open(({ homelab }) => {
      for (const machine of homelab.machines.values()) machine.up = false
    })
  test.each(['abort', 'approve'] as const)('%s without a release is refused', async (what) => {
    await using at = await dark()
    at.homelab.versions.length = 0
    remembered.versions.remember(at.homelab.ports.journal, [])
    remembered.target.remember(at.homelab.ports.journal, undefined)
    const { requests, started } = requestsAt(at)
    await expect(requests[what]({}, asked())).rejects.toMatchObject({
      code: 'rejected',
      message: 'there is no target release at present: no node answers, so their versions are unknown',
    })
    expect(started).toEqual([])
  })
})

describe('an approval', () => {
  const approve = async (at: At, losing: readonly string[] = [], version = 'v1.14.1') => {
    const { requests, journal, started } = requestsAt(at)
    const { said, changed } = await requests.approve({ version, losing }, asked())
    const approved = [remembered.approved.recall(journal), remembered.losses.recall(journal)]
    return { said, changed, approved, started }
  }

  test('is remembered, and has the upgrade look at once', async () => {
    await using at = await open()
    expect(await approve(at)).toEqual({
      said: 'v1.14.1 is approved',
      changed: true,
      approved: ['v1.14.1', undefined],
      started: ['upgrade-node'],
    })
  })

  test('of a release that every node runs, and one with another schematic, is taken', async () => {
    await using at = await open()
    all(at, { version: 'v1.14.1' })
    Object.assign(at.homelab.machine('w-1'), { schematic: 'f'.repeat(64) })
    expect(await approve(at)).toMatchObject({ said: 'v1.14.1 is approved', changed: true })
  })

  test('adds to what may be lost, of this release and not of another', async () => {
    await using at = await open(({ control }) => control.approve('v1.14.0', ['gvisor']))
    expect((await approve(at, ['i915'])).approved).toEqual(['v1.14.1', { release: 'v1.14.1', names: ['i915'] }])
    const more = await approve(at, ['i915', 'gvisor'])
    expect([more.said, more.approved[1]]).toEqual([
      'v1.14.1 is approved, and nodes may lose i915, gvisor',
      { release: 'v1.14.1', names: ['i915', 'gvisor'] },
    ])
    expect(await approve(at, ['gvisor'])).toMatchObject({
      said: 'v1.14.1 was already approved',
      changed: false,
      started: [],
    })
  })

  test.each<{ name: string; after: (at: At) => unknown; but: string }>([
    {
      name: 'withdrawn',
      after: ({ homelab }) => remembered.withdrawn.remember(homelab.ports.journal, ['v1.14.1']),
      but: ', but it is withdrawn: no node is upgraded to it',
    },
    {
      name: 'aborted',
      after: ({ control }) => control.abort(),
      but: ', but the rollout of v1.14.1 was aborted by admin@nas (unverified): start it again with `caretaker rollout start`',
    },
  ])('of what is $name changes nothing for now, and says so each time', async ({ after, but }) => {
    await using at = await open()
    await after(at)
    expect((await approve(at)).said).toBe(`v1.14.1 is approved${but}`)
    expect((await approve(at)).said).toBe(`v1.14.1 was already approved${but}`)
  })

  test.each<{ name: string; release: string; offered: readonly string[]; after: (at: At) => unknown }>([
    {
      name: 'is on record as being rolled out',
      release: 'v1.14.0',
      offered: ['v1.13.9', 'v1.14.1'],
      after: ({ homelab }) => homelab.ports.journal.saveRollout(beginRollout('v1.14.0', new Date(earlier))),
    },
    {
      name: 'a node is under way to',
      release: 'v1.14.1',
      offered: ['v1.13.9'],
      after: ({ homelab }) => {
        const mark: CordonMark = {
          why: 'upgrade',
          at: earlier,
          release: 'v1.14.1',
          bootId: 'boot-1 of w-1',
          installer: 'succeeded',
        }
        const machine = homelab.machine('w-1')
        const installed = { version: 'v1.14.1', schematic: machine.schematic }
        Object.assign(machine, { unschedulable: true, mark, installed })
      },
    },
  ])('of what $name needs no Factory', async ({ release, offered, after }) => {
    await using at = await open(after)
    const { journal, factory } = at.homelab.ports
    remembered.versions.remember(journal, [...offered])
    factory.versions = () => Promise.reject(new AgentError('unreachable', 'no route to host'))
    expect((await approve(at, [], release)).approved[0]).toBe(release)
    await expect(approve(at, [], 'v1.13.10')).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('of what the configuration leaves out says so', async () => {
    const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.14.0', 'v1.14.1'] })
    await using started = await begin(homelab, { upgrade: { skip: ['v1.14.1'] } })
    const at = { ...started, homelab }
    expect((await approve(at)).said).toMatch(/^v1\.14\.1 is approved, but .*upgrade\.skip/)
  })

  test('is doubted by nothing where no release was ever withdrawn', async () => {
    await using at = await open(({ homelab }) => remembered.withdrawn.remember(homelab.ports.journal, undefined))
    expect((await approve(at)).said).toBe('v1.14.1 is approved')
  })

  test('of another release than the one that is aborted is not doubted', async () => {
    await using at = await open(({ control }) => control.abort())
    expect((await approve(at, [], 'v1.14.0')).said).toBe('v1.14.0 is approved')
  })
})
