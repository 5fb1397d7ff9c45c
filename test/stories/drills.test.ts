import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { startAgent, type StartedAgent } from '../fakes/agent.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { personAt } from '../fakes/person.ts'
import { low, onBattery, online, two } from '../fakes/stories.ts'
import { waitFor } from '../lab/daemon.ts'

const running = ({ machines }: FakeHomelab) => [...machines.values()].filter(({ up }) => up).map(({ name }) => name)
const isOver = ({ ports }: FakeHomelab) => ports.journal.outages(1)[0]?.stage === 'over'
const allOff = (homelab: FakeHomelab) =>
  waitFor('everything to be off', 5_000, () => homelab.ports.journal.openOutage()?.stage === 'stopped')

test('a rehearsal cordons and drains for real, shuts nothing down, and takes everything back', async () => {
  const homelab = fakeHomelab(two)
  homelab.storageSettings.push({ system: 'ceph', namespace: 'rook-ceph', name: 'noout', value: 'unset', during: 'set' })
  homelab.machine('w-1').unschedulable = true
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const { run, report } = await personAt(homelab, it).drill(false)
  expect(run.outcome).toBe('done')
  expect(report?.walked?.map(({ phase }) => phase)).toEqual(['cordon', 'set-storage-flags', 'drain'])
  expect(homelab.diary).toEqual([
    'cordon cp-1',
    'set noout to set',
    'drain cp-1',
    'drain w-1',
    'uncordon cp-1',
    'set noout to unset',
  ])
  expect(homelab.machine('w-1').unschedulable).toBe(true)
  expect(isOver(homelab)).toBe(true)
})

test('a rehearsal leaves the cluster to another agent that works on it', async () => {
  const homelab = fakeHomelab(two)
  const lease = { holder: 'another', purpose: 'upgrade', lasts: 60_000, until: Date.now() + 3_600_000 } as const
  homelab.lease = lease
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const { run, report } = await personAt(homelab, it).drill(false)
  expect(run).toMatchObject({ outcome: 'later', detail: 'another holds the Lease (upgrade)' })
  expect([report, homelab.diary, homelab.lease]).toEqual([undefined, [], lease])
})

test('a rehearsal goes no further than it is told', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const control = personAt(homelab, it)
  await control.drill(false, 'cordon')
  expect(homelab.diary).toEqual(['cordon cp-1', 'cordon w-1', 'uncordon cp-1', 'uncordon w-1'])
  await expect(control.drill(false, 'lunch')).rejects.toThrow(AgentError)
})

test('a rehearsal is cancelled by a person: it goes no further, what was done is undone, and the journal tells of it', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const control = personAt(homelab, it)
  const answers: unknown[] = []
  homelab.before = async (entry) => {
    if (entry !== 'cordon cp-1') return
    answers.push(await control.cancel(), await control.cancel())
  }
  const { run } = await control.drill(false)
  expect(answers).toEqual([
    { said: 'the rehearsal is cancelled: what it has done is undone', changed: true },
    expect.objectContaining({ changed: false }),
  ])
  expect(homelab.diary.filter((entry) => entry.startsWith('drain'))).toEqual([])
  expect(run.detail).toMatch(/^rehearsed .*when it was cancelled/)
  expect([...homelab.machines.values()].some(({ unschedulable }) => unschedulable)).toBe(false)
  expect(isOver(homelab)).toBe(true)
  const told = homelab.ports.journal.entries(50).flatMap(({ kind, text }) => (kind === 'power' ? [text] : []))
  for (const text of ['a rehearsal of a power cut was requested; by admin@nas (unverified)', 'a rehearsal starts'])
    expect(told).toContain(text)
  expect(told.some((text) => text.startsWith('the rehearsal is over: '))).toBe(true)
  // The next one is a new one.
  homelab.before = undefined
  expect((await control.drill(false)).run.detail).not.toContain('cancelled')
})

test('a rehearsal that only checks is in the journal', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await personAt(homelab, it).drill(true)
  expect(homelab.ports.journal.entries(50).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^a power cut was rehearsed without any change: .*; by admin@nas/),
  )
})

test('a power cut in the middle of a rehearsal is a power cut', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  homelab.before = async (entry) => {
    if (entry === 'drain w-1') await it.reads(low)
  }
  await personAt(homelab, it).drill(false)
  await allOff(homelab)
  expect(running(homelab)).toEqual([])
  homelab.before = undefined
  await it.reads(online)
  await waitFor('the end', 5_000, () => isOver(homelab))
  expect([...homelab.machines.values()].every(({ up, unschedulable }) => up && !unschedulable)).toBe(true)
})

test('an agent that is killed in a rehearsal is followed by one that takes it back, and does not repeat it', async () => {
  const homelab = fakeHomelab(two)
  {
    const first = startAgent(homelab)
    await first.reads(online)
    await first.agent.idle()
    const drained = Promise.withResolvers<void>()
    homelab.before = async (entry) => {
      if (entry !== 'drain w-1') return
      first.die()
      drained.resolve()
      await new Promise(() => {})
    }
    void personAt(homelab, first)
      .drill(false)
      .catch(() => {})
    await drained.promise
    void first.agent.stop()
  }
  homelab.before = undefined
  await using second = startAgent(homelab)
  await second.reads(online)
  await waitFor('the end', 5_000, () => isOver(homelab))
  await second.agent.idle()
  expect(homelab.diary.filter((entry) => entry === 'cordon w-1')).toHaveLength(1)
  expect([...homelab.machines.values()].some(({ unschedulable }) => unschedulable)).toBe(false)
})

test('a rehearsal asks each UPS now, and calls one that is silent or on battery a fault', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  const faults = async () => {
    const { report } = await personAt(homelab, it).drill(true)
    return report!.checks.filter(({ ok }) => !ok).map(({ text }) => text)
  }
  expect(await faults()).toEqual([])
  homelab.upses.set('ups', 'silent')
  expect(await faults()).toEqual(['does not report its status: the UPS does not answer'])
  homelab.upses.set('ups', onBattery)
  expect(await faults()).toEqual(['is not on mains power: OB DISCHRG'])
})

test.for([
  {
    why: 'the UPS is on battery',
    before: (_: FakeHomelab, it: StartedAgent) => it.reads(onBattery),
    answer: { code: 'not-now', message: 'no rehearsal: the UPS is on battery' },
  },
  {
    why: 'an outage is still open',
    before: async ({ ports }: FakeHomelab) => {
      const record = ports.journal.outages(1)[0]!
      ports.journal.saveOutage({ ...record, stage: 'waking', startedAt: '2026-07-15T10:00:00.000Z' })
    },
    answer: { code: 'not-now', message: 'no rehearsal: an outage is still open' },
  },
])('a rehearsal that is refused, because $why, shows nothing of an earlier one', async ({ before, answer }) => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const person = personAt(homelab, it)
  expect((await person.drill(false)).report?.walked).toHaveLength(2)
  await before(homelab, it)
  await expect(person.drill(false)).rejects.toMatchObject(answer)
})

test('two who ask for a rehearsal before it begins have the same one, and both get its report', async () => {
  const homelab = fakeHomelab(two)
  await using it = startAgent(homelab)
  await it.reads(online)
  await it.agent.idle()
  const person = personAt(homelab, it)
  const answers = await Promise.all([person.drill(false), person.drill(false)])
  for (const { report } of answers) expect(report?.walked?.map(({ phase }) => phase)).toEqual(['cordon', 'drain'])
})
