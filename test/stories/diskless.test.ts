import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { type FakeHomelab, fakeHomelab } from '../fakes/homelab.ts'
import { judgeOf } from '../fakes/judge.ts'
import { begin, days, offered, sentence, texts, versionsOf } from '../fakes/rollout.ts'
import { startAgent } from '../fakes/agent.ts'
import { online } from '../fakes/stories.ts'

/** Workers without an installation on a disk: their upgrade is a publication and a reboot, at their turn. */

const roles = { 'cp-1': 'controlplane', 'w-1': 'worker', 'w-2': 'worker', 'w-3': 'worker' } as const
const names = ['w-2', 'w-3']
const fileOf = (node: string) => `${node}-metal-amd64-uki.efi`
const images = [{ name: 'disks' }, ...names.map((name) => ({ name, diskless: true, nodes: [name] }))]

function homelabOf(options = offered): FakeHomelab {
  const homelab = fakeHomelab(roles, options)
  for (const name of names) homelab.machine(name).bootsFrom = fileOf(name)
  return homelab
}
const served = ({ share }: FakeHomelab) =>
  Object.fromEntries(names.map((name) => [name, share.serves(fileOf(name))?.version]))

test('a node without a disk is upgraded by a publication and a reboot, each at its own turn', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  expect(served(homelab)).toEqual({ 'w-2': 'v1.13.9', 'w-3': 'v1.13.9' })
  const seen: Record<string, unknown> = {}
  homelab.before = (entry) => {
    if (entry.startsWith('reboot ')) seen[entry] = served(homelab)
    // Its machine id is new at each boot, and its kubelet tells it some moments later.
    if (entry === 'reboot w-2') homelab.machine('w-2').kubeletLate = 2
  }
  const before = homelab.diary.length
  expect(await days(it)).toBe('every node runs v1.14.1')
  expect(texts(homelab, 'alert')).toEqual([])
  expect(seen).toMatchObject({
    'reboot w-1': { 'w-2': 'v1.13.9', 'w-3': 'v1.13.9' },
    'reboot w-2': { 'w-2': 'v1.14.1', 'w-3': 'v1.13.9' },
    'reboot w-3': { 'w-2': 'v1.14.1', 'w-3': 'v1.14.1' },
  })
  expect(homelab.diary.slice(before).filter((entry) => entry.endsWith(' w-2'))).toEqual([
    'cordon w-2',
    'drain w-2',
    'reboot w-2',
    'uncordon w-2',
  ])
  expect(homelab.pulled.map(([node]) => node)).not.toContain('w-2')
})

test('one that reboots before its turn comes back as it was, and in the middle of its turn as the new release', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  const reboot = async (name: string) => homelab.ports.talos.reboot(name, 'default', new AbortController().signal)
  let once = true
  homelab.before = async (entry) => {
    if (entry === 'cordon w-1') await reboot('w-3')
    if (entry !== 'drain w-2' || !once) return
    once = false
    // Whoever stages meanwhile sees whose turn it is.
    await it.run('stage-image')
    await reboot('w-2')
  }
  await it.next()
  expect(versionsOf(homelab)['w-3']).toBe('v1.13.9')
  expect(await days(it)).toBe('every node runs v1.14.1')
  expect(homelab.diary.filter((entry) => entry === 'reboot w-2')).toHaveLength(1)
})

/** Brings w-1 to the new release, and w-2 to right before its reboot. */
async function toTheTurn(homelab: FakeHomelab, it: Awaited<ReturnType<typeof begin>>): Promise<void> {
  homelab.before = (entry) => {
    if (entry === 'reboot w-2') throw new AgentError('not-now', 'it is stopped here')
  }
  await it.next()
  await it.next()
  homelab.before = undefined
  expect(versionsOf(homelab)).toMatchObject({ 'w-1': 'v1.14.1', 'w-2': 'v1.13.9' })
  expect(served(homelab)['w-2']).toBe('v1.14.1')
}

test('what was decided before its turn gives it no older release', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  const { share } = homelab.ports
  const { stage } = share
  // Staging takes its time with another image, and comes to this one when the node's turn has come.
  share.stage = async (...given) => {
    share.stage = stage
    await toTheTurn(homelab, it)
    return stage(...given)
  }
  await it.run('stage-image')
  expect(served(homelab)['w-2']).toBe('v1.14.1')
})

test('where its turn ends without the new release it is served again what it runs, before it is uncordoned', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  await toTheTurn(homelab, it)
  await it.control.pause()
  const seen: unknown[] = []
  homelab.before = (entry) => {
    if (entry === 'uncordon w-2') seen.push(served(homelab)['w-2'])
  }
  await it.next()
  expect(seen).toEqual(['v1.13.9'])
  expect(homelab.machine('w-2').unschedulable).toBe(false)
  await it.run('stage-image')
  expect(served(homelab)).toEqual({ 'w-2': 'v1.13.9', 'w-3': 'v1.13.9' })
})

test('it is rolled back by a publication and a reboot', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  await days(it)
  homelab.before = async (entry) => {
    // Whoever stages meanwhile knows that it goes back.
    if (entry === 'reboot w-3') await it.run('stage-image')
  }
  await it.control.rollback('w-3')
  await it.runQueue()
  expect(versionsOf(homelab)).toMatchObject({ 'w-2': 'v1.14.1', 'w-3': 'v1.13.9' })
  expect(homelab.machine('w-3').unschedulable).toBe(false)
  await it.run('stage-image')
  expect(served(homelab)).toEqual({ 'w-2': 'v1.14.1', 'w-3': 'v1.13.9' })
  expect(homelab.diary.some((entry) => entry.startsWith('roll-back'))).toBe(false)
})

test('what the configuration says of a disk and the node does not holds it, and says what to do', async () => {
  const homelab = homelabOf()
  homelab.machine('w-2').bootsFrom = undefined
  await using it = await begin(homelab, { images })
  expect(await days(it)).toContain('w-2 has an installation on its disk')
  const other = homelabOf()
  await using unsaid = await begin(other, { images: images.slice(0, 2) })
  expect(await days(unsaid)).toContain('w-3 has no installation on a disk')
  expect(other.diary).not.toContain('cordon w-3')
})

test('while Kubernetes does not say whose turn it is, nothing changes for a node without a disk', async () => {
  const homelab = homelabOf()
  await using it = await begin(homelab, { images })
  await toTheTurn(homelab, it)
  const { kubernetes } = homelab.ports
  const { nodes } = kubernetes
  kubernetes.nodes = async () => {
    throw new AgentError('unreachable', 'the API server is away')
  }
  await it.run('stage-image')
  expect(served(homelab)['w-2']).toBe('v1.14.1')
  kubernetes.nodes = nodes
  expect(await days(it)).toBe('every node runs v1.14.1')
})

describe('an agent that dies', () => {
  const entries = async () => {
    const homelab = homelabOf()
    await using it = startAgent(homelab, { images })
    await it.reads(online)
    await it.agent.idle()
    await it.run('watch-releases')
    await it.run('stage-image')
    const begun = homelab.diary.length
    await roll(it)
    return homelab.diary.slice(begun)
  }
  const roll = async (it: { run: ReturnType<typeof startAgent>['run'] }) => {
    for (let run = 0; run < 60; run++) {
      await it.run('stage-image')
      const outcome = await it.run('upgrade-node')
      if (outcome.kind !== 'later') return sentence(outcome)
    }
    return 'never ends'
  }

  test('at any step leaves nothing that the next one does not finish, and no node comes up before its turn', async () => {
    const all = await entries()
    expect(all.filter((entry) => entry === 'reboot w-3')).toHaveLength(1)
    for (const [index, entry] of all.entries()) {
      const homelab = homelabOf()
      const judge = judgeOf(homelab)
      const first = startAgent(homelab, { images })
      await first.reads(online)
      await first.agent.idle()
      await first.run('watch-releases')
      await first.run('stage-image')
      const died = Promise.withResolvers<void>()
      let seen = 0
      homelab.before = async (one) => {
        judge.look(one)
        if (seen++ < index) return
        first.die()
        died.resolve()
        await new Promise(() => {})
      }
      await Promise.race([died.promise, roll(first).catch(() => {})])
      homelab.before = (one) => judge.look(one)
      await using second = startAgent(homelab, { images })
      await second.reads(online)
      expect(await roll(second), `after ${entry} (${index})`).toBe('every node runs v1.14.1')
      expect(judge.breaches).toEqual([])
      await second.run('stage-image')
      expect(served(homelab)).toEqual({ 'w-2': 'v1.14.1', 'w-3': 'v1.14.1' })
      for (const name of names) expect(homelab.machine(name)).toMatchObject({ boots: 2, unschedulable: false })
    }
  })
})
