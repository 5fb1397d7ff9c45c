import { describe, expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { fakeHomelab } from '../fakes/homelab.ts'
import { asked, operatorOf, type Person } from '../fakes/person.ts'
import { begin, offered } from '../fakes/rollout.ts'
import { low, online, two } from '../fakes/stories.ts'
import { open, signed } from './requesting.ts'

const known = 'cp-1 and w-1'

test.each<{ what: string; ask: (person: Person) => Promise<unknown>; says: string }>([
  {
    what: 'pause a node',
    ask: (person) => person.pauseNode('w-9', 'x'),
    says: `there is no node w-9; there are ${known}`,
  },
  {
    what: 'resume a node',
    ask: (person) => person.resumeNode('w-9'),
    says: `there is no node w-9; there are ${known}`,
  },
  {
    what: 'retry a node',
    ask: (person) => person.retry('w-9'),
    says: `there is no node w-9; there are ${known}`,
  },
  {
    what: 'roll a node back',
    ask: (person) => person.rollback('w-9'),
    says: `there is no node w-9; there are ${known}`,
  },
  {
    what: 'wake a machine',
    ask: (person) => person.wake('w-9'),
    says: `there is no machine w-9; there are ${known}`,
  },
])('to $what that does not exist is refused, with those that do', async ({ ask, says }) => {
  await using at = await open()
  await expect(ask(at.control)).rejects.toMatchObject({ code: 'not-found', message: says })
  expect(signed(at.homelab)).toEqual([])
})

test.each<{ what: string; ask: (person: Person) => Promise<unknown>; code: string; says: string }>([
  {
    what: 'approve what is no release',
    ask: (person) => person.approve('newest'),
    code: 'misconfigured',
    says: 'newest is not a Talos release such as v1.13.9',
  },
  {
    what: 'approve a release that does not exist',
    ask: (person) => person.approve('v7.7.7'),
    code: 'not-found',
    says: 'the Image Factory does not offer v7.7.7; the newest that it offers is v1.14.1',
  },
  {
    what: 'approve the loss of what no node has',
    ask: (person) => person.approve('v1.14.1', ['gvisro']),
    code: 'not-found',
    says: 'no node has gvisro: `caretaker plan` tells what would be lost',
  },
  {
    what: 'abort a release that does not exist',
    ask: (person) => person.abort('v7.7.7'),
    code: 'not-found',
    says: 'the Image Factory does not offer v7.7.7; the newest that it offers is v1.14.1',
  },
  {
    what: 'abort what is no release',
    ask: (person) => person.abort('newest'),
    code: 'misconfigured',
    says: 'newest is not a Talos release such as v1.13.9',
  },
  {
    what: 'abort a rollout that is not to come',
    ask: (person) => person.abort('v1.14.0'),
    code: 'not-found',
    says: 'there is no rollout of v1.14.0: v1.14.1 is coming. To leave out a release, add it to upgrade.skip',
  },
  {
    what: 'open a window for no time',
    ask: (person) => person.runNow(0),
    code: 'misconfigured',
    says: 'a window can be opened for up to 7 days',
  },
  {
    what: 'open a window for ever',
    ask: (person) => person.runNow(8 * 86_400_000),
    code: 'misconfigured',
    says: 'a window can be opened for up to 7 days',
  },
  {
    what: 'rehearse lunch',
    ask: (person) => person.drill(true, 'lunch'),
    code: 'misconfigured',
    says: 'lunch is not a phase that can be rehearsed; those are cordon, scale-down, set-storage-flags, drain',
  },
  {
    what: 'wake everything after no outage',
    ask: (person) => person.wake(),
    code: 'rejected',
    says: 'no outage is open: name the machine to wake',
  },
])('to $what is refused', async ({ ask, code, says }) => {
  await using at = await open()
  await expect(ask(at.control)).rejects.toMatchObject({ code, message: says })
  expect(signed(at.homelab)).toEqual([])
})

describe('a job by hand', () => {
  test('is refused where there is no such job, with those that there are', async () => {
    await using at = await open()
    const { jobs } = operatorOf(at.homelab, at)
    await expect(jobs.run({ job: 'look', wait: false }, asked())).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(/^there is no job look; there are .*upgrade-node/),
    })
  })

  test('is waited for, but not for a run that had begun before', async () => {
    await using at = await open()
    const { jobs } = operatorOf(at.homelab, at)
    const earlier = at.run('check-power')
    at.passes(1)
    const running = jobs.run({ job: 'check-power', wait: true }, asked())
    await earlier
    at.passes(1)
    const [job] = at.waiting.filter(({ name }) => name === 'check-power')
    expect(job).toBeDefined()
    const outcome = await at.run('check-power')
    expect(await running).toEqual({ outcome: 'done', detail: 'summary' in outcome ? outcome.summary : '' })
    expect(signed(at.homelab)).toEqual(['a run of check-power was requested; by admin@nas (unverified)'])
  })

  test('is not waited for any longer than whoever asked', async () => {
    await using at = await open()
    const { jobs } = operatorOf(at.homelab, at)
    const leave = new AbortController()
    const running = jobs.run({ job: 'check-power', wait: true }, { ...asked(), signal: leave.signal })
    leave.abort()
    await expect(running).rejects.toMatchObject({
      code: 'unreachable',
      message: 'no one is waiting for check-power any more',
    })
  })
})

test('an order that is withdrawn before anything went down is withdrawn, and said to be', async () => {
  await using at = await open()
  at.agent.guard.order(new Date().toISOString())
  expect(at.homelab.ports.journal.openOutage()).toBeUndefined()
  expect(await at.control.wake()).toEqual({
    changed: true,
    said: 'the shutdown request is cancelled before anything went down',
  })
})

test('a machine that would go down again at once is not woken, and the way out is named', async () => {
  await using at = await open()
  await at.reads(low)
  await at.agent.idle()
  await expect(at.control.wake('w-1')).rejects.toMatchObject({
    code: 'rejected',
    message: 'w-1 would be shut down again, because the battery is low (OB LB); run `caretaker power cancel` first',
  })
  await at.reads(online)
})

test('where upgrades are off in the configuration, resuming says that they stay off', async () => {
  const homelab = fakeHomelab(two, offered)
  await using at = await begin(homelab, { upgrade: { enabled: false } })
  await at.control.pause()
  expect((await at.control.resume()).said).toBe('rollouts are no longer paused, but upgrade.enabled is false')
  expect((await at.control.resume()).said).toBe('rollouts were not paused, but upgrade.enabled is false')
})

test('a reason is one line of bounded length, wherever it comes from', async () => {
  await using at = await open()
  const hostile = `guests\u001B[2J\n2026-01-01 alert ${'x'.repeat(1_000)}`
  await at.control.pauseNode('w-1', hostile)
  const { paused } = at.homelab.machine('w-1')
  expect(paused).toMatch(/^guests \[2J 2026-01-01 alert x+$/)
  expect(paused).toHaveLength(300)
})

test('an image of a release that does not exist is not even tried', async () => {
  await using at = await open()
  const { staging } = operatorOf(at.homelab, at)
  await expect(staging.stage({ version: 'v7.7.7', wait: false }, asked())).rejects.toMatchObject({ code: 'not-found' })
  expect(signed(at.homelab)).toEqual([])
})

test('where the Factory can’t be asked, a release that it has not offered so far is not taken for one', async () => {
  await using at = await open()
  at.homelab.ports.factory.versions = () => Promise.reject(new AgentError('unreachable', 'no route to host'))
  await expect(at.control.approve('v7.7.7')).rejects.toMatchObject({
    code: 'unreachable',
    message: 'look up v7.7.7: no route to host',
  })
  expect((await at.control.approve('v1.14.1')).changed).toBe(true)
})

test('a shutdown of nothing is refused', async () => {
  const homelab = fakeHomelab({})
  await using at = await begin(homelab)
  await expect(at.control.shutDown()).rejects.toMatchObject({ code: 'rejected' })
})
