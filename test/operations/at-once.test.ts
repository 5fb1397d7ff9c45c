import { expect, test } from 'vitest'
import type { RequestAnswer } from '../../src/core/request-answer.ts'
import type { Person } from '../fakes/person.ts'
import { type At, open, signed } from './requesting.ts'

/** Two people ask for the same at once, or one clicks twice. */

interface Case {
  readonly request: string
  readonly after?: (at: At) => unknown
  readonly ask: (person: Person) => Promise<RequestAnswer>
}

test.each<Case>([
  { request: 'pause rollouts', ask: (person) => person.pause('guests') },
  { request: 'resume rollouts', after: ({ control }) => control.pause(), ask: (person) => person.resume() },
  { request: 'abort', ask: (person) => person.abort() },
  { request: 'approve', ask: (person) => person.approve() },
  { request: 'pause a node', ask: (person) => person.pauseNode('w-1', 'a guest') },
  {
    request: 'resume a node',
    after: ({ control }) => control.pauseNode('w-1', 'a guest'),
    ask: (person) => person.resumeNode('w-1'),
  },
  {
    request: 'retry a node',
    after: ({ homelab }) => (homelab.machine('w-1').attempts = { release: 'v1.14.1', count: 3, failure: 'no' }),
    ask: (person) => person.retry('w-1'),
  },
  {
    request: 'start again after a rollback',
    after: ({ control }) => control.rollback('w-1', true),
    ask: (person) => person.start(),
  },
  { request: 'shut everything down', ask: (person) => person.shutDown() },
])('to $request twice at once is done once, and the second answer says so', async ({ after, ask }) => {
  await using at = await open(after)
  const before = signed(at.homelab).length
  const answers = await Promise.all([ask(at.control), ask(at.control)])
  expect(answers.filter(({ changed }) => changed)).toHaveLength(1)
  expect(signed(at.homelab)).toHaveLength(before + 1)
})

test('a request about a node that fails holds up no other', async () => {
  await using at = await open()
  const [missing, paused] = await Promise.allSettled([
    at.control.pauseNode('w-9', 'a guest'),
    at.control.pauseNode('w-1', 'a guest'),
  ])
  expect(missing).toMatchObject({ status: 'rejected', reason: { code: 'not-found' } })
  expect(paused).toMatchObject({ status: 'fulfilled', value: { changed: true } })
})
