import { describe, expect, test } from 'vitest'
import type { Journal } from '../../src/core/journal.ts'
import type { Power } from '../../src/core/power/feeds.ts'
import { abortRelease } from '../../src/operations/aborts.ts'
import { remembered } from '../../src/operations/facts.ts'
import type { JobContext } from '../../src/operations/job.ts'
import { rolloutStopReasons } from '../../src/operations/stop-reasons.ts'
import { powerOf, stateOf } from '../core/power/states.ts'
import { memoryJournal } from '../fakes/journal.ts'

const clock = 100_000
const mains = powerOf({ ups: stateOf('on-mains', {}, 0, clock) })

interface Case {
  readonly name: string
  readonly power?: Power
  readonly enabled?: boolean
  readonly before?: (journal: Journal) => void
  readonly version?: string | undefined
  readonly node?: string
  readonly expected: object
}

function reasons({ power = mains, enabled = true, before, ...asked }: Case) {
  const journal = memoryJournal()
  before?.(journal)
  const config = { power: { deadTime: 15_000 }, upgrade: { enabled, shownZone: 'UTC' } }
  const context = { config, ports: { journal }, power, monotonic: () => clock } as unknown as JobContext
  return rolloutStopReasons(context, 'version' in asked ? asked.version : 'v1.13.9', asked.node)
}

const aborts = (release: string) => (journal: Journal) =>
  abortRelease(journal, release, { by: 'me', at: '2026-01-01T00:00:00.000Z' })
const asks = (node: string) => (journal: Journal) =>
  remembered.rollbacks.remember(
    journal,
    [node, 'w-9'].map((one) => ({ node: one, bootId: 'boot-1', force: false })),
  )

describe('a rollout that is under way', () => {
  test.each<Case>([
    { name: 'is stopped by nothing on mains power', expected: {} },
    {
      name: 'is stopped by a battery in use',
      power: powerOf({ ups: 'on-battery' }),
      expected: { 'failing-power': 'the UPS is on battery' },
    },
    {
      name: 'is stopped by a UPS that is silent',
      power: powerOf({ ups: stateOf('on-mains', {}, 0, clock - 15_001) }),
      expected: { 'failing-power': 'the UPS no longer answers' },
    },
    {
      name: 'is stopped by its abort',
      before: aborts('v1.13.9'),
      expected: { abort: 'the rollout of v1.13.9 was aborted' },
    },
    { name: 'is not stopped by the abort of another one', before: aborts('v1.13.8'), expected: {} },
    {
      name: 'is stopped where its release is withdrawn',
      before: (journal) => remembered.withdrawn.remember(journal, ['v1.13.9']),
      expected: { abort: 'v1.13.9 was withdrawn by the Image Factory' },
    },
    {
      name: 'is not stopped where another release is withdrawn',
      before: (journal) => remembered.withdrawn.remember(journal, ['v1.13.8']),
      expected: {},
    },
    { name: 'that is to no release can’t be aborted', version: undefined, before: aborts('v1.13.9'), expected: {} },
    {
      name: 'is stopped by the configuration',
      enabled: false,
      expected: { pause: 'upgrade.enabled is false' },
    },
    {
      name: 'is stopped at the node that a person wants back',
      node: 'w-1',
      before: asks('w-1'),
      expected: { 'rollback-request': 'a rollback of w-1 was requested' },
    },
    { name: 'is not stopped at another node', node: 'w-2', before: asks('w-1'), expected: {} },
    { name: 'is not stopped before any node by that', before: asks('w-1'), expected: {} },
  ])('$name', (one) => {
    expect(reasons(one)).toEqual(one.expected)
  })
})
