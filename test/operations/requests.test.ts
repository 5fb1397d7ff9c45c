import { expect, test } from 'vitest'
import type { RequestAnswer } from '../../src/core/request-answer.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { Person } from '../fakes/person.ts'
import { type At, open, signed } from './requesting.ts'

interface Case {
  readonly request: string
  /** What comes before it. */
  readonly after?: (at: At) => unknown
  readonly ask: (person: Person) => Promise<RequestAnswer>
  readonly said: string | RegExp
}

const fail = ({ homelab }: At) => {
  homelab.machine('w-1').attempts = { release: 'v1.14.1', count: 3, failure: 'no' }
}

const changes: readonly Case[] = [
  {
    request: 'pause rollouts',
    ask: (person) => person.pause('guests'),
    said: 'rollouts are paused: guests',
  },
  {
    request: 'pause rollouts for another reason',
    after: ({ control }) => control.pause('guests'),
    ask: (person) => person.pause('holidays'),
    said: 'rollouts are paused: holidays',
  },
  {
    request: 'resume rollouts',
    after: ({ control }) => control.pause(),
    ask: (person) => person.resume(),
    said: 'rollouts are no longer paused',
  },
  {
    request: 'resume what is aborted, too',
    after: async ({ control }) => {
      await control.pause()
      await control.abort()
    },
    ask: (person) => person.resume(),
    said: 'rollouts are no longer paused, but the rollout of v1.14.1 was aborted by admin@nas (unverified): start it again with `caretaker rollout start`',
  },
  {
    request: 'start again after a pause and an abort',
    after: async ({ control }) => {
      await control.pause()
      await control.abort()
    },
    ask: (person) => person.start(),
    said: 'cancelled the pause, the abort of v1.14.1; rollouts continue',
  },
  { request: 'abort', ask: (person) => person.abort(), said: /^the rollout of v1.14.1 is aborted: / },
  {
    request: 'abort a release by its name',
    ask: (person) => person.abort('v1.14.1'),
    said: 'the rollout of v1.14.1 is aborted: no node is upgraded to it until `caretaker rollout start`',
  },
  {
    request: 'abort a rollout that is under way',
    after: (at) => at.next(),
    ask: (person) => person.abort(),
    said: /^the rollout of v1.14.1 is aborted: /,
  },
  {
    request: 'abort another release after one',
    after: async ({ control, homelab, run }) => {
      await control.abort()
      homelab.versions.push('v1.14.2')
      await run('watch-releases')
    },
    ask: (person) => person.abort(),
    said: /^the rollout of v1.14.2 is aborted: /,
  },
  {
    request: 'start again after two aborts',
    after: async ({ control, homelab, run }) => {
      await control.abort()
      homelab.versions.push('v1.14.2')
      await run('watch-releases')
      await control.abort()
    },
    ask: (person) => person.start(),
    said: 'cancelled the abort of v1.14.1, v1.14.2; rollouts continue',
  },
  {
    request: 'pause rollouts in the words of the screen',
    ask: (person) => person.pause('paused: guests'),
    said: 'rollouts are paused: guests',
  },
  {
    request: 'approve further losses of a release',
    after: ({ control }) => control.approve('v1.14.1', ['gvisor']),
    ask: (person) => person.approve('v1.14.1', ['i915']),
    said: 'v1.14.1 is approved, and nodes may lose gvisor, i915',
  },
  {
    request: 'retry a node while rollouts are paused',
    after: async (at) => {
      fail(at)
      await at.control.pause('guests')
    },
    ask: (person) => person.retry('w-1'),
    said: /^w-1 will be tried again, but rollouts are paused since 20\S+ \S+ \S+ by admin@nas \(unverified\): guests$/,
  },
  {
    request: 'wake all that was up before, where something was off',
    after: async (at) => {
      at.homelab.machine('w-1').up = false
      await at.control.shutDown()
      await at.agent.idle()
    },
    ask: (person) => person.wake(),
    said: /every machine that was up before is woken as soon as its power is back, .*; w-1 was off before, and stays off: wake it too with `caretaker power wake --all`$/,
  },
  { request: 'approve', ask: (person) => person.approve(), said: 'v1.14.1 is approved' },
  {
    request: 'approve another release',
    after: ({ control }) => control.approve('v1.14.0'),
    ask: (person) => person.approve('v1.14.1'),
    said: 'v1.14.1 is approved in place of v1.14.0',
  },
  {
    request: 'approve what is lost by it too',
    after: ({ control }) => control.approve('v1.14.1'),
    ask: (person) => person.approve('v1.14.1', ['gvisor']),
    said: 'v1.14.1 is approved, and nodes may lose gvisor',
  },
  {
    request: 'open a window',
    ask: (person) => person.runNow(60_000),
    said: /^a window is open for 60 s, until /,
  },
  {
    request: 'pause a node',
    ask: (person) => person.pauseNode('w-1', 'a guest'),
    said: 'w-1 is paused: a guest',
  },
  {
    request: 'resume a node',
    after: ({ control }) => control.pauseNode('w-1', 'a guest'),
    ask: (person) => person.resumeNode('w-1'),
    said: 'w-1 is no longer paused',
  },
  { request: 'retry a node', after: fail, ask: (person) => person.retry('w-1'), said: 'w-1 will be tried again' },
  { request: 'retry every node', after: fail, ask: (person) => person.retry(), said: 'every node will be tried again' },
  {
    request: 'retry a node that is left alone for a time',
    after: ({ homelab }) =>
      remembered.blocked.remember(homelab.ports.journal, { 'w-1': { until: Date.now() + 60_000, why: 'a budget' } }),
    ask: (person) => person.retry('w-1'),
    said: 'w-1 will be tried again',
  },
  {
    request: 'roll a node back',
    ask: (person) => person.rollback('w-1', true),
    said: /^w-1 will be rolled back from v1.13.9/,
  },
  {
    request: 'wake a machine that is off',
    after: ({ homelab }) => (homelab.machine('w-1').up = false),
    ask: (person) => person.wake('w-1'),
    said: 'w-1 was sent a magic packet',
  },
  {
    request: 'shut everything down',
    ask: (person) => person.shutDown(),
    said: /^everything is shutting down: /,
  },
  {
    request: 'wake everything',
    after: async (at) => {
      await at.control.shutDown()
      await at.agent.idle()
    },
    ask: (person) => person.wake(),
    said: /^the shutdown request is cancelled, and every machine is woken/,
  },
  {
    request: 'cancel a shutdown',
    after: async (at) => {
      await at.control.shutDown()
      await at.agent.idle()
    },
    ask: (person) => person.cancel(),
    said: /^the shutdown request is cancelled: no more machines go down/,
  },
]

const nothings: readonly Case[] = [
  {
    request: 'pause rollouts twice',
    after: ({ control }) => control.pause('guests'),
    ask: (person) => person.pause(' guests\n'),
    said: 'rollouts were already paused: guests',
  },
  { request: 'resume what was not paused', ask: (person) => person.resume(), said: 'rollouts were not paused' },
  { request: 'start what nobody stopped', ask: (person) => person.start(), said: 'nothing was paused or aborted' },
  {
    request: 'abort twice',
    after: ({ control }) => control.abort(),
    ask: (person) => person.abort(),
    said: 'the rollout of v1.14.1 was already aborted',
  },
  {
    request: 'abort where nothing is to be done',
    after: ({ homelab }) => {
      for (const machine of homelab.machines.values()) Object.assign(machine, { version: 'v1.14.1' })
    },
    ask: (person) => person.abort(),
    said: 'there is no rollout to abort: every node runs v1.14.1',
  },
  {
    request: 'abort what every node runs',
    ask: (person) => person.abort('v1.13.9'),
    said: 'there is no rollout to abort: every node runs v1.13.9; abort what is coming with `caretaker rollout abort v1.14.1`',
  },
  {
    request: 'approve what every node runs',
    ask: (person) => person.approve('v1.13.9'),
    said: 'there is nothing to approve: no node runs anything older than v1.13.9',
  },
  {
    request: 'approve what is older than all',
    ask: (person) => person.approve('v1.12.8'),
    said: 'there is nothing to approve: no node runs anything older than v1.12.8',
  },
  {
    request: 'approve twice',
    after: ({ control }) => control.approve('v1.14.1', ['gvisor']),
    ask: (person) => person.approve('v1.14.1', ['gvisor']),
    said: 'v1.14.1 was already approved',
  },
  {
    request: 'pause a node twice',
    after: ({ control }) => control.pauseNode('w-1', 'a guest'),
    ask: (person) => person.pauseNode('w-1', 'a guest'),
    said: 'w-1 was already paused: a guest',
  },
  {
    request: 'resume a node that was not paused',
    ask: (person) => person.resumeNode('w-1'),
    said: 'w-1 was not paused',
  },
  {
    request: 'retry a node that has not failed',
    ask: (person) => person.retry('w-1'),
    said: 'there is nothing to retry: w-1 has not failed',
  },
  {
    request: 'retry where no node has failed',
    ask: (person) => person.retry(),
    said: 'there is nothing to retry: no node has failed',
  },
  {
    request: 'roll back what is to go back already',
    after: async (at) => {
      await at.control.pause()
      await at.control.rollback('w-1', true)
    },
    ask: (person) => person.rollback('w-1', true),
    said: 'w-1 will be rolled back from v1.13.9 (already requested)',
  },
  {
    request: 'wake a machine that is up',
    ask: (person) => person.wake('w-1'),
    said: 'w-1 is already up: nothing was sent to it',
  },
  {
    request: 'cancel where nothing is to be cancelled',
    ask: (person) => person.cancel(),
    said: 'there is nothing to cancel: no shutdown is running or about to start',
  },
  {
    request: 'shut down twice',
    after: ({ control }) => control.shutDown(),
    ask: (person) => person.shutDown(),
    said: /^a shutdown was already requested, on 20\d\d-.*: see `caretaker power status`$/,
  },
]

const matching = (said: string | RegExp): unknown => (typeof said === 'string' ? said : expect.stringMatching(said))
test.each(changes)('to $request changes something, and the journal says who asked', async ({ after, ask, said }) => {
  await using at = await open(after)
  const before = signed(at.homelab).length
  const answer = await ask(at.control)
  expect(answer).toEqual({ changed: true, said: matching(said) })
  expect(signed(at.homelab)).toHaveLength(before + 1)
  expect(signed(at.homelab)).toContain(`${answer.said}; by admin@nas (unverified)`)
})

test.each(nothings)('to $request changes nothing, says so, and writes nothing', async ({ after, ask, said }) => {
  await using at = await open(after)
  const before = { journal: signed(at.homelab), diary: [...at.homelab.diary] }
  expect(await ask(at.control)).toEqual({ changed: false, said: matching(said) })
  expect({ journal: signed(at.homelab), diary: at.homelab.diary }).toEqual(before)
})
