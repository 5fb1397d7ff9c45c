import { describe, expect, test } from 'vitest'
import { decideFirst } from '../../../src/core/release/first.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'

const day = 86_400_000
const now = 100 * day

interface Case {
  readonly title: string
  /** Releases that the Factory offers, with the days for which they have been known. */
  readonly offered: Readonly<Record<string, number>>
  readonly withdrawn?: readonly string[]
  readonly policy?: Partial<ReleasePolicy>
  readonly chooses: string | undefined
  readonly because: string
}

describe('what machines of a cluster that does not exist yet boot first', () => {
  test.each<Case>([
    {
      title: 'the newest that has soaked, and not one that is newer',
      offered: { 'v1.13.9': 30, 'v1.14.0': 8, 'v1.14.1': 2 },
      chooses: 'v1.14.0',
      because: 'the newest that has soaked',
    },
    {
      title: 'the newest of all where nothing has been known for long: a first start stages something at once',
      offered: { 'v1.13.9': 0, 'v1.14.1': 0 },
      chooses: 'v1.14.1',
      because: 'the newest; no node is configured yet',
    },
    {
      title: 'the pinned one, however long it has been known',
      offered: { 'v1.13.9': 0, 'v1.14.1': 30 },
      policy: { pin: 'v1.13.9' },
      chooses: 'v1.13.9',
      because: 'it is pinned',
    },
    {
      title: 'nothing where the pinned one is not offered',
      offered: { 'v1.14.1': 30 },
      policy: { pin: 'v1.13.9' },
      chooses: undefined,
      because: 'the pinned v1.13.9 is not offered',
    },
    {
      title: 'none that was withdrawn or is skipped, and no pre-release',
      offered: { 'v1.13.8': 30, 'v1.13.9': 30, 'v1.14.0': 30, 'v1.15.0-beta.0': 30 },
      withdrawn: ['v1.14.0'],
      policy: { skip: ['v1.13.9'] },
      chooses: 'v1.13.8',
      because: 'the newest that has soaked',
    },
    {
      title: 'nothing where nothing is offered',
      offered: {},
      chooses: undefined,
      because: 'the Factory offers no release that the policy allows',
    },
  ])('$title', ({ offered, withdrawn = [], policy, chooses, because }) => {
    const firstSeen = new Map(Object.entries(offered).map(([version, days]) => [version, now - days * day]))
    const decision = decideFirst(
      { available: Object.keys(offered), withdrawn, firstSeen, now },
      { channel: 'stable', skip: [], soak: 7 * day, ...policy },
      'no node is configured yet',
    )
    expect(decision.kind === 'target' ? decision.version : undefined).toBe(chooses)
    expect(decision.reason).toContain(because)
  })
})
