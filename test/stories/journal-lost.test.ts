import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { FakeHomelab } from '../fakes/homelab.ts'
import { memoryJournal } from '../fakes/journal.ts'
import { allOff, failPower, startWhole, stageOf, wholeHomelab, words } from '../fakes/outage-stories.ts'
import { waitFor } from '../lab/daemon.ts'

/** Everything was shut down by an agent that then lost its journal, and its life. */
async function shutDownAndLost({ isKnownLost }: { readonly isKnownLost: boolean }): Promise<FakeHomelab> {
  const homelab = wholeHomelab()
  {
    await using it = startWhole(homelab)
    await failPower(it, homelab)
    await allOff(homelab)
    it.die()
  }
  const journal = memoryJournal()
  Object.assign(homelab.ports, { journal })
  if (isKnownLost) remembered.lost.remember(journal, { at: new Date().toISOString(), why: 'file is not a database' })
  homelab.diary.length = 0
  return homelab
}

const up = (homelab: FakeHomelab) =>
  [...homelab.machines.values(), { name: 'nas', up: homelab.hosts.get('nas')!.up }]
    .filter((machine) => machine.up)
    .map(({ name }) => name)
const cordoned = (homelab: FakeHomelab) =>
  [...homelab.machines.values()].filter(({ unschedulable }) => unschedulable).map(({ name }) => name)
const wakes = (homelab: FakeHomelab) => homelab.diary.filter((entry) => entry.startsWith('wake '))

function switchOn(homelab: FakeHomelab, ...names: readonly string[]): void {
  for (const name of names) Object.assign(homelab.machine(name), { up: true, stage: 'running' })
}

describe('an outage whose journal is lost', () => {
  test('is finished from the marks on the nodes as soon as the control planes are up', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: false })
    switchOn(homelab, 'cp-1', 'cp-2', 'cp-3')
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('the outage to be over', 5_000, () => stageOf(homelab) === 'over')
    await it.agent.idle()
    // One that a person had closed bears no mark of ours; one that was off before the outage stays so.
    expect(up(homelab).toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3', 'nas', 's-1', 'w-1'])
    expect(cordoned(homelab)).toEqual(['closed-1'])
    expect(wakes(homelab)[0]).toBe('wake nas')
    expect(homelab.scalables.map(({ replicas }) => replicas)).toEqual([3])
    expect(it.agent.alerts.find('journal.unmarked')?.text).toMatch(/closed-1/)
    expect(it.agent.alerts.find('journal.unmarked')?.action).toMatch(/caretaker power wake closed-1/)
  })

  test('that was shut down in a hurry, and bears no mark, is named for a person to decide, with what wakes it', async () => {
    const homelab = wholeHomelab()
    const journal = memoryJournal()
    Object.assign(homelab.ports, { journal })
    remembered.lost.remember(journal, { at: new Date().toISOString(), why: 'file is not a database' })
    for (const name of ['w-1', 's-1']) Object.assign(homelab.machine(name), { up: false })
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('it to be named', 5_000, () => it.agent.alerts.find('journal.unmarked') !== undefined)
    await it.agent.idle()
    const alert = it.agent.alerts.find('journal.unmarked')
    expect(alert?.severity).toBe('critical')
    for (const name of ['w-1', 's-1']) expect(alert?.action).toContain(`\`caretaker power wake ${name}\``)
    expect(wakes(homelab)).toEqual([])
    expect(remembered.lost.recall(journal)).toBeUndefined()
  })

  test('begins with the control planes, where it is known to be lost and none of them answers', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: true })
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('the workers to be back', 5_000, () => up(homelab).includes('w-1') && stageOf(homelab) === 'over')
    await it.agent.idle()
    expect(up(homelab).toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3', 'nas', 's-1', 'w-1'])
    expect(wakes(homelab).slice(0, 2)).toEqual(['wake nas', expect.stringMatching(/wake cp/)])
    await waitFor('the loss to be settled', 5_000, () => remembered.lost.recall(homelab.ports.journal) === undefined)
  })

  test('wakes nothing where nothing tells of an outage', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: false })
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await it.agent.idle()
    expect(homelab.diary).toEqual([])
    expect(homelab.ports.journal.openOutage()).toBeUndefined()
  })

  test('wakes nothing on battery, and nothing while the power is not known', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: true })
    await using it = startWhole(homelab)
    await it.silent()
    await it.run('wake-cluster')
    await it.reads(words.battery)
    await it.run('wake-cluster')
    await it.agent.idle()
    expect(wakes(homelab)).toEqual([])
    // Nor is anything decided yet about what was up: the marks are read when mains power is back.
    expect(homelab.ports.journal.openOutage()).toBeUndefined()
  })

  test('is resumed by the next agent, when that one dies in the middle of it', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: true })
    {
      const it = startWhole(homelab)
      const woken = Promise.withResolvers<void>()
      homelab.before = (entry) => {
        if (entry !== 'wake cp-2') return
        it.die()
        woken.resolve()
      }
      await it.reads(words.mains)
      await woken.promise
      void it.agent.stop()
    }
    homelab.before = undefined
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('the workers to be back', 5_000, () => up(homelab).includes('w-1') && stageOf(homelab) === 'over')
    expect(up(homelab).toSorted()).toEqual(['cp-1', 'cp-2', 'cp-3', 'nas', 's-1', 'w-1'])
  })

  test.each([
    { when: 'everything is down', stillUp: [] },
    { when: 'the control planes are still up', stillUp: ['cp-1', 'cp-2', 'cp-3'] },
    { when: 'one control plane is still up', stillUp: ['cp-2'] },
  ])('is not forgotten where the battery is still in use, and $when', async ({ stillUp }) => {
    const homelab = await shutDownAndLost({ isKnownLost: true })
    switchOn(homelab, ...stillUp)
    {
      await using it = startWhole(homelab)
      await it.reads(words.low)
      await waitFor('everything to be off', 5_000, () => up(homelab).length === 0 && stageOf(homelab) === 'stopped')
      await it.agent.idle()
      it.die()
    }
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    const all = ['cp-1', 'cp-2', 'cp-3', 'nas', 's-1', 'w-1']
    await waitFor('all to be back', 5_000, () => all.every((name) => up(homelab).includes(name)))
    await waitFor('the loss to be settled', 5_000, () => remembered.lost.recall(homelab.ports.journal) === undefined)
    await it.agent.idle()
    expect(up(homelab).toSorted()).toEqual(all)
    expect(cordoned(homelab)).toEqual(['closed-1'])
  })

  test('tells people that what storage systems had set before is lost with it', async () => {
    const homelab = await shutDownAndLost({ isKnownLost: true })
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('the workers to be back', 5_000, () => up(homelab).includes('w-1') && stageOf(homelab) === 'over')
    // A person may have set it as well: it is not ours to take away.
    expect(homelab.storageSettings.map(({ value }) => value)).toEqual(['set'])
    expect(it.agent.alerts.find('journal.storage')?.text).toMatch(/lost what Ceph had set before/)
    expect(it.agent.alerts.find('journal.storage')?.action).toMatch(/noout/)
  })

  test('that a person had ordered leaves down what is marked so', async () => {
    const homelab = wholeHomelab()
    {
      await using it = startWhole(homelab)
      await it.reads(words.mains)
      it.agent.guard.order(new Date().toISOString())
      await allOff(homelab)
      it.die()
    }
    Object.assign(homelab.ports, { journal: memoryJournal() })
    homelab.diary.length = 0
    switchOn(homelab, 'cp-1', 'cp-2', 'cp-3')
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('cp-1 to be uncordoned', 5_000, () => !homelab.machine('cp-1').unschedulable)
    await it.agent.idle()
    expect(wakes(homelab)).toEqual([])
    expect(up(homelab)).not.toContain('w-1')
    expect(cordoned(homelab)).toContain('w-1')
    expect(homelab.scalables.map(({ replicas }) => replicas)).toEqual([0])
    expect(it.agent.alerts.find('journal.ordered')?.text).toMatch(/^w-1 and s-1 were shut down on request/)
    // One that was off long before nobody has ordered down, and one that a person had closed bears no mark.
    expect(cordoned(homelab)).not.toContain('off-1')
    expect(it.agent.alerts.find('journal.unmarked')?.subject).toMatch(/closed-1/)
    // As soon as they are up there is nothing left to be told.
    switchOn(homelab, 'w-1', 's-1', 'closed-1')
    await it.run('wake-cluster')
    await it.run('wake-cluster')
    expect(cordoned(homelab)).toEqual(['closed-1'])
    expect(it.agent.alerts.find('journal.ordered')).toBeUndefined()
  })

  test('that was undone while the journal was lost needs no more than its cordons taken away', async () => {
    const homelab = wholeHomelab()
    homelab.machine('w-1').mark = { why: 'power', at: 'long ago' }
    homelab.machine('w-1').unschedulable = true
    homelab.machine('s-1').mark = { why: 'upgrade', at: '2026-11-26T10:00:00Z', release: 'v1.14.1' }
    homelab.machine('s-1').unschedulable = true
    await using it = startWhole(homelab)
    await it.reads(words.mains)
    await waitFor('w-1 to be uncordoned', 5_000, () => !homelab.machine('w-1').unschedulable)
    await it.agent.idle()
    expect(cordoned(homelab).toSorted()).toEqual(['closed-1', 's-1'])
    expect(homelab.ports.journal.openOutage()).toBeUndefined()
  })
})

test('a node that took its order to shut down was up, although nobody had an answer of it in time', async () => {
  const homelab = wholeHomelab()
  // Whoever asks while its own machine is busy with its start asks in vain.
  let isBusy = true
  const { talos } = homelab.ports
  const observe: typeof talos.observe = (node, signal) =>
    isBusy
      ? Promise.reject(new AgentError('timed-out', `${node} does not answer in time`))
      : talos.observe(node, signal)
  Object.assign(homelab.ports, { talos: { ...talos, observe } })
  homelab.apiStarting = Infinity
  await using it = startWhole(homelab)
  await it.reads(words.mains)
  await it.reads(words.low)
  await waitFor('everything to be off', 5_000, () => up(homelab).length === 0 && stageOf(homelab) === 'stopped')
  isBusy = false
  homelab.apiStarting = 0
  await it.reads(words.mains)
  await waitFor('the outage to be over', 5_000, () => stageOf(homelab) === 'over')
  expect(up(homelab).toSorted()).toEqual(['closed-1', 'cp-1', 'cp-2', 'cp-3', 'nas', 's-1', 'w-1'])
})
