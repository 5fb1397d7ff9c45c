import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { begin, days, finish, offered, texts, versionsOf } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

const published = async ({ ports }: FakeHomelab) =>
  (await ports.share.staged()).find((image) => image.published)?.version
const installed = (homelab: FakeHomelab, release: string) =>
  homelab.diary.filter((entry) => entry.startsWith('pull-image') && entry.endsWith(release))

/** Machines boot what is staged, without waiting for the nodes. */
const atOnce = { share: { publish: 'when-staged' } }

/** What the Factory says from now on. */
function says(homelab: FakeHomelab, versions: readonly string[], withdrawn: readonly string[] | undefined = []): void {
  homelab.versions = [...versions]
  homelab.withdrawn = withdrawn && [...withdrawn]
}

test('a release that is withdrawn before its first node is begun by none, and the patch that came with it is taken', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab, atOnce)
  expect(await published(homelab)).toBe('v1.14.1')
  says(homelab, ['v1.13.9', 'v1.13.10', 'v1.14.0'], ['v1.14.1'])
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(await published(homelab)).toBe('v1.13.10')
  expect((await it.control.rollout()).plan.release).toEqual({
    kind: 'target',
    version: 'v1.13.10',
    reason: 'the newest patch of 1.13, from v1.13.9; v1.14.1 was withdrawn by the Image Factory',
  })
  expect(await days(it)).toBe('every node runs v1.14.0')
  expect(installed(homelab, 'v1.14.1')).toEqual([])
  expect(new Set(Object.values(versionsOf(homelab)))).toEqual(new Set(['v1.14.0']))
  expect(texts(homelab, 'alert')).toEqual([
    'settled: v1.14.1 was withdrawn by the Image Factory: no more nodes are upgraded to it',
    'v1.14.1 was withdrawn by the Image Factory: no more nodes are upgraded to it',
  ])
})

test('a rollout whose release is withdrawn goes no further, and the others go on in their own line', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab)
  await it.next()
  expect(versionsOf(homelab)).toMatchObject({ 'w-1': 'v1.14.1', 'w-2': 'v1.13.9' })
  says(homelab, ['v1.13.9', 'v1.13.10'], ['v1.14.1'])
  expect(await days(it)).toBe('every node runs v1.13.10, except w-1 (v1.14.1 was withdrawn by the Image Factory)')
  expect(versionsOf(homelab)).toEqual({
    'cp-1': 'v1.13.10',
    'cp-2': 'v1.13.10',
    'cp-3': 'v1.13.10',
    'w-1': 'v1.14.1',
    'w-2': 'v1.13.10',
  })
  expect(homelab.machine('w-1').boots).toBe(2)
  expect(homelab.ports.journal.rollouts(5).map(({ release, outcome }) => `${release} ${outcome}`)).toEqual([
    'v1.13.10 done',
    'v1.14.1 superseded',
  ])
})

test('where nothing else is newer, a rollout that was withdrawn stands still and says why', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab, atOnce)
  await it.next()
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  expect(await days(it)).toBe('every node runs v1.13.9, except w-1 (v1.14.1 was withdrawn by the Image Factory)')
  expect(remembered.news.recall(homelab.ports.journal)).toBe(
    'v1.14.1 was withdrawn by the Image Factory, and nothing else is newer than v1.13.9',
  )
  expect(versionsOf(homelab)).toMatchObject({ 'w-1': 'v1.14.1', 'w-2': 'v1.13.9', 'cp-1': 'v1.13.9' })
  expect(await published(homelab)).toBe('v1.13.9')
})

test('a person can take the node back that has a withdrawn release already', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab)
  await it.next()
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  await it.run('watch-releases')
  await it.control.rollback('w-1', false)
  await finish(it)
  expect(versionsOf(homelab)['w-1']).toBe('v1.13.9')
  expect(homelab.machine('w-1').unschedulable).toBe(false)
})

for (const [at, then] of [
  ['drain w-1', 'v1.13.9'],
  ['install w-1', 'v1.14.1'],
  ['reboot w-1', 'v1.14.1'],
] as const) {
  test(`a release that is withdrawn during "${at}" leaves that node with ${then}, in service`, async () => {
    const homelab = fakeHomelab(two, offered)
    await using it = await begin(homelab)
    homelab.before = async (entry) => {
      if (entry !== at) return
      homelab.before = undefined
      says(homelab, ['v1.13.9'], ['v1.14.1'])
      await it.run('watch-releases')
    }
    await it.next()
    await finish(it)
    expect(homelab.machine('w-1')).toMatchObject({ version: then, unschedulable: false })
    expect(homelab.machine('cp-1').version).toBe('v1.13.9')
  })
}

test('a node that was armed on purpose for a release that is withdrawn then is named in an alert', async () => {
  const homelab = fakeHomelab(two, offered)
  const never = { windows: [{ days: ['sun'], from: '03:00', to: '03:01' }], mode: 'staged' }
  await using it = await begin(homelab, { upgrade: never, now: () => new Date('2026-03-04T12:00:00Z') })
  await it.next()
  expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', installed: { version: 'v1.14.1' } })
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  await it.run('watch-releases')
  await it.next()
  expect(texts(homelab, 'alert')).toContain(
    'w-1 starts another release at the next boot: an upgrade is installed that Caretaker will not finish. Disarm it with `caretaker rollback w-1`',
  )
  expect(homelab.machine('cp-1').installed.version).toBe('v1.13.9')
})

test('an agent that starts with a node cordoned for a withdrawn release uncordons it', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  await it.run('watch-releases')
  const mark = { why: 'upgrade', at: '2026-01-01T00:00:00Z', release: 'v1.14.1', bootId: 'boot-1 of w-1' } as const
  Object.assign(homelab.machine('w-1'), { mark, unschedulable: true })
  await finish(it)
  expect(homelab.machine('w-1')).toMatchObject({ version: 'v1.13.9', unschedulable: false, boots: 1 })
})

test('a withdrawn release that every node runs is not installed anew for another schematic', async () => {
  const homelab = fakeHomelab(two, { version: 'v1.14.1', versions: ['v1.14.1'] })
  await using it = await begin(homelab)
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  homelab.machine('w-1').schematic = 'b'.repeat(64)
  await it.run('watch-releases')
  expect(await it.next()).toBe('v1.14.1 was withdrawn by the Image Factory: no more nodes are upgraded to it')
  expect(homelab.machine('w-1').boots).toBe(1)
  expect(await it.run('stage-image')).toMatchObject({
    kind: 'done',
    summary: 'v1.13.9 staged',
  })
})

test('what was withdrawn stays so while the Factory does not answer that question', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  says(homelab, ['v1.13.9'], ['v1.14.1'])
  await it.run('watch-releases')
  homelab.ports.factory.withdrawn = async () => {
    throw new AgentError('unreachable', 'the Factory answers 502')
  }
  homelab.versions = ['v1.13.9', 'v1.13.10']
  await it.run('watch-releases')
  expect(remembered.withdrawn.recall(homelab.ports.journal)).toEqual(['v1.14.1'])
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.13.10')
  expect(texts(homelab, 'alert').filter((text) => text.includes('no longer lists'))).toEqual([])
})

test('a Factory that is too old to mark anything still says what it offers', async () => {
  const homelab = fakeHomelab(two, offered)
  homelab.withdrawn = undefined
  await using it = await begin(homelab)
  expect(await days(it)).toBe('every node runs v1.14.1')
})

test('a release that leaves the list without a word is reported once, begun by nobody, and replaced by nothing older', async () => {
  const homelab = fakeHomelab(three, offered)
  await using it = await begin(homelab, atOnce)
  await it.next()
  says(homelab, ['v1.13.9', 'v1.14.0'], undefined)
  expect(await days(it)).toMatch(/^v1\.14\.1: the Factory no longer lists v1\.14\.1, although it was not withdrawn/)
  expect(versionsOf(homelab)).toMatchObject({ 'w-1': 'v1.14.1', 'w-2': 'v1.13.9', 'cp-1': 'v1.13.9' })
  expect(await published(homelab)).toBe('v1.14.1')
  expect(texts(homelab, 'alert')).toEqual(['the Factory no longer lists v1.14.1; nothing is downgraded'])
  expect(remembered.news.recall(homelab.ports.journal)).toMatch(/^the Factory no longer lists v1\.14\.1/)

  says(homelab, ['v1.13.9', 'v1.14.0', 'v1.14.1'], undefined)
  expect(await days(it)).toBe('every node runs v1.14.1')
})

test('a release that vanishes keeps nobody from the patch that came meanwhile', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  says(homelab, ['v1.13.9', 'v1.13.10', 'v1.14.0'])
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.13.10')
  expect(texts(homelab, 'alert')).toEqual(['the Factory no longer lists v1.14.1; nothing is downgraded'])
})

test.each([
  ['an empty list', []],
  ['a list of what is no release', ['latest']],
])('%s changes nothing', async (_, list) => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab, atOnce)
  homelab.ports.factory.versions = async () => list.filter((version) => version.startsWith('v'))
  await it.run('watch-releases')
  await it.run('stage-image')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
  expect(await published(homelab)).toBe('v1.14.1')
})

test.each([
  { name: 'a pre-release', before: ['v1.13.9', 'v1.14.0-alpha.0'] },
  { name: 'a release that is skipped', before: ['v1.13.9', 'v1.14.1'], upgrade: { skip: ['v1.14.1'] } },
  { name: 'a release beyond the pinned one', before: ['v1.13.9', 'v1.14.1'], upgrade: { pin: 'v1.13.10' } },
  { name: 'a release of a line that is left behind', before: ['v1.12.11', 'v1.13.9'] },
] as const)('$name that leaves the list is no news, and the next patch is seen', async ({ before, upgrade = {} }) => {
  const homelab = fakeHomelab(two, { versions: before })
  await using it = await begin(homelab, { upgrade })
  says(homelab, ['v1.13.9', 'v1.13.10'])
  expect(await days(it)).toBe('every node runs v1.13.10')
  expect(texts(homelab, 'alert')).toEqual([])
})
