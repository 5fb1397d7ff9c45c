import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { begin, days, finish, offered, texts, versionsOf } from '../fakes/rollout.ts'
import { three, two } from '../fakes/stories.ts'

const newsOf = ({ ports }: FakeHomelab) => remembered.news.recall(ports.journal)

test('a Kubernetes that is too new for the next patch sends the homelab to the next minor version at once', async () => {
  const homelab = fakeHomelab(two, { version: 'v1.12.3', versions: ['v1.12.3', 'v1.12.11', 'v1.13.9'] })
  await using it = await begin(homelab)
  expect(newsOf(homelab)).toBe(
    'v1.13.9 is the target release: the newest of the next minor version, from v1.12.3; the usual order is blocked (v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.36.3)',
  )
  expect(await days(it)).toBe('every node runs v1.13.9')
  expect(homelab.machine('w-1').boots).toBe(2)
})

test('with a Kubernetes that fits, the way leads over the newest patch', async () => {
  const homelab = fakeHomelab(two, { version: 'v1.12.3', versions: ['v1.12.3', 'v1.12.11', 'v1.13.9'] })
  homelab.kubernetesVersion = 'v1.35.2'
  await using it = await begin(homelab)
  expect(await days(it)).toBe('every node runs v1.13.9')
  expect(homelab.machine('w-1').boots).toBe(3)
})

test('where no way is left, the plan says what would open one', async () => {
  const homelab = fakeHomelab(two, { version: 'v1.13.9', versions: ['v1.13.9', 'v1.14.1'] })
  homelab.kubernetesVersion = 'v1.31.4'
  await using it = await begin(homelab)
  const { release } = (await it.control.rollout()).plan
  expect(release).toEqual({
    kind: 'wait',
    version: 'v1.14.1',
    reason: 'v1.14.1 needs Kubernetes 1.32 or later, but the cluster runs v1.31.4: upgrade Kubernetes first',
  })
  expect(homelab.diary.filter((entry) => entry.startsWith('cordon'))).toEqual([])
})

for (const [who, options, why] of [
  ['a paused node', {}, 'w-2 is paused (a guest): resume it with `caretaker resume w-2`'],
  [
    'the node that Caretaker runs on',
    { ownNode: 'w-2' },
    'w-2 is the machine that Caretaker runs on: upgrade it with talosctl, or run Caretaker elsewhere',
  ],
] as const) {
  test(`${who} lets the others go on, one minor version ahead and no further`, async () => {
    const homelab = fakeHomelab(three, { version: 'v1.13.8', versions: ['v1.13.9', 'v1.14.1', 'v1.15.0'] })
    if (!('ownNode' in options)) homelab.machine('w-2').paused = 'a guest'
    await using it = await begin(homelab, options)
    expect(newsOf(homelab)).toContain(`${why}; it stays at v1.13.8, and the others are upgraded without it, up to 1.14`)
    await days(it)
    expect(versionsOf(homelab)).toEqual({
      'cp-1': 'v1.14.1',
      'cp-2': 'v1.14.1',
      'cp-3': 'v1.14.1',
      'w-1': 'v1.14.1',
      'w-2': 'v1.13.8',
    })
    expect(newsOf(homelab)).toBe(`v1.15.0 is available: w-2 stays at v1.13.8, so the others stop at 1.14: ${why}`)
    const { plan } = await it.control.rollout()
    expect(plan.warnings).toEqual([`${why}; it stays at v1.13.8, and the others are upgraded without it, up to 1.14`])
    expect(homelab.ports.journal.rollouts(5).map(({ release, outcome }) => `${release} ${outcome}`)).toContain(
      'v1.13.9 done',
    )
  })
}

test('a node that is resumed catches up before the others go on', async () => {
  const homelab = fakeHomelab(three, { version: 'v1.13.8', versions: ['v1.13.9', 'v1.14.1', 'v1.15.0'] })
  homelab.machine('w-2').paused = 'a guest'
  await using it = await begin(homelab)
  await days(it)
  homelab.machine('w-2').paused = undefined
  await it.run('watch-releases')
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
  for (let week = 0; week < 2; week++) await days(it)
  expect(new Set(Object.values(versionsOf(homelab)))).toEqual(new Set(['v1.15.0']))
})

test('a homelab whose nodes are all set aside waits as ever', async () => {
  const homelab = fakeHomelab(two, offered)
  for (const machine of homelab.machines.values()) machine.paused = 'holidays'
  await using it = await begin(homelab)
  expect(remembered.target.recall(homelab.ports.journal)).toBe('v1.14.1')
  expect(await it.next()).toBe('cp-1 is paused (holidays): resume it with `caretaker resume cp-1`')
})

test.each(['v1.13.9-k7.1.9', 'v1.11.5-1-gab12cd3', 'v1.13.9-dirty'])(
  'a node that runs %s is left as it is and named, and the others go on',
  async (version) => {
    const homelab = fakeHomelab(three, { versions: ['v1.13.9', 'v1.13.10'] })
    homelab.machine('w-2').version = version
    homelab.machine('w-2').installed.version = version
    await using it = await begin(homelab)
    const named = `w-2 runs ${version}, which is not an official release: it is left alone`
    expect(newsOf(homelab)).toContain(named)
    expect((await it.control.rollout()).plan.warnings).toEqual([named])
    expect(await days(it)).toBe(`every node runs v1.13.10, except w-2 (${version})`)
    expect(homelab.machine('w-2')).toMatchObject({ version, boots: 1, unschedulable: false })
    expect(homelab.ports.journal.rollouts(5)[0]).toMatchObject({ release: 'v1.13.10', outcome: 'done' })
  },
)

test.each([
  ['kubelet', 'w-1'],
  ['kubelet', 'cp-1'],
  ['kube-scheduler', 'cp-1'],
  ['kube-controller-manager', 'cp-1'],
])('a %s on %s that is too old is named before anything is drained', async (component, node) => {
  const homelab = fakeHomelab(two, offered)
  homelab.machine(node).components = { [component]: 'v1.31.9' }
  await using it = await begin(homelab)
  expect(await it.next()).toBe(
    `v1.14.1 needs Kubernetes 1.32 or later, but ${component} on ${node} is v1.31.9: upgrade Kubernetes first`,
  )
  expect(homelab.diary.filter((entry) => /^(cordon|drain)/.test(entry))).toEqual([])
  homelab.machine(node).components = {}
  expect(await days(it)).toBe('every node runs v1.14.1')
})

test('components that are not known are no permission', async () => {
  const homelab = fakeHomelab(two, offered)
  await using it = await begin(homelab)
  homelab.ports.kubernetes.components = async () => {
    throw new AgentError('rejected', 'pods is forbidden')
  }
  expect(await it.next()).toBe('the versions of the Kubernetes components are unknown (pods is forbidden)')
})

test('with approval of minor versions, a node that lags behind asks for itself alone', async () => {
  const homelab = fakeHomelab(three, { version: 'v1.13.8', versions: ['v1.12.11', 'v1.13.9'] })
  Object.assign(homelab.machine('w-1'), {
    version: 'v1.12.11',
    installed: { ...homelab.machine('w-1').installed, version: 'v1.12.11' },
  })
  homelab.kubernetesVersion = 'v1.35.0'
  await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
  expect(await days(it)).toBe('v1.13.9 waits for approval: approve it with `caretaker approve v1.13.9`')
  expect(versionsOf(homelab)).toMatchObject({ 'w-1': 'v1.12.11', 'w-2': 'v1.13.9', 'cp-1': 'v1.13.9' })
  expect(texts(homelab, 'alert')).toEqual(['v1.13.9 waits for approval. Approve it with `caretaker approve v1.13.9`'])
  await it.control.approve('v1.13.9')
  expect(await finish(it)).toBe('every node runs v1.13.9')
})

test('with approval of minor versions, nobody is asked for a node that is paused', async () => {
  const homelab = fakeHomelab(three, { version: 'v1.13.9', versions: ['v1.13.9'] })
  const old = { ...homelab.machine('w-1').installed, version: 'v1.12.11' }
  Object.assign(homelab.machine('w-1'), { ...old, installed: old, paused: 'a guest' })
  await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
  expect(await it.next()).toBe('w-1 is paused (a guest): resume it with `caretaker resume w-1`')
  expect(texts(homelab, 'alert')).toEqual([])
})

test('with approval of minor versions, patches ask nobody', async () => {
  const homelab = fakeHomelab(two, { versions: ['v1.13.9', 'v1.13.10'] })
  await using it = await begin(homelab, { upgrade: { approval: 'minor' } })
  expect(await finish(it)).toBe('every node runs v1.13.10')
  expect(texts(homelab, 'alert')).toEqual([])
})
