import { describe, expect, test } from 'vitest'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'
import { mergeLists } from '../../../src/core/release/lists.ts'

interface Situation {
  readonly known: readonly string[]
  readonly offered: readonly string[]
  readonly withdrawn?: readonly string[] | 'no answer'
  readonly withdrawnBefore?: readonly string[]
  readonly vanishedBefore?: readonly string[]
  readonly running?: readonly string[]
  readonly policy?: Partial<ReleasePolicy>
}

function merge({ known, offered, running = ['v1.13.9'], policy, ...rest }: Situation) {
  const { withdrawn = [], withdrawnBefore = [], vanishedBefore = [] } = rest
  return mergeLists(
    { offered: known, withdrawn: withdrawnBefore, vanished: vanishedBefore },
    { offered, withdrawn: withdrawn === 'no answer' ? undefined : withdrawn },
    { policy: { channel: 'stable', skip: [], soak: 0, ...policy }, running },
  )
}

const known = ['v1.13.9', 'v1.14.1']

describe('a release that left the list', () => {
  test.each<{ name: string; situation: Situation; vanished: readonly string[] }>([
    {
      name: 'has vanished where nobody says why',
      situation: { known, offered: ['v1.13.9', 'v1.13.10'] },
      vanished: ['v1.14.1'],
    },
    {
      name: 'has not vanished where it was withdrawn',
      situation: { known, offered: ['v1.13.9'], withdrawn: ['v1.14.1'] },
      vanished: [],
    },
    {
      name: 'stays vanished',
      situation: { known: ['v1.13.9'], offered: ['v1.13.9'], vanishedBefore: ['v1.14.1'] },
      vanished: ['v1.14.1'],
    },
    {
      name: 'is back when it is offered again',
      situation: { known: ['v1.13.9'], offered: known, vanishedBefore: ['v1.14.1'] },
      vanished: [],
    },
    {
      name: 'is explained when it is marked later',
      situation: { known: ['v1.13.9'], offered: ['v1.13.9'], vanishedBefore: ['v1.14.1'], withdrawn: ['v1.14.1'] },
      vanished: [],
    },
    {
      name: 'matters also where it is the one that runs',
      situation: { known, offered: ['v1.13.9'], running: ['v1.14.1'] },
      vanished: ['v1.14.1'],
    },
    {
      name: 'is no news where all nodes are beyond it',
      situation: { known, offered: ['v1.14.1'], running: ['v1.14.1'] },
      vanished: [],
    },
    {
      name: 'is no news where it is skipped',
      situation: { known, offered: ['v1.13.9'], policy: { skip: ['v1.14.1'] } },
      vanished: [],
    },
    {
      name: 'is no news beyond the pinned one',
      situation: { known, offered: ['v1.13.9'], policy: { pin: 'v1.13.9' } },
      vanished: [],
    },
    {
      name: 'is no news where it is a pre-release, and the channel is stable',
      situation: { known: ['v1.13.9', 'v1.14.0-alpha.0'], offered: ['v1.13.9', 'v1.13.10'] },
      vanished: [],
    },
    {
      name: 'is news where the channel has pre-releases',
      situation: {
        known: ['v1.13.9', 'v1.14.0-alpha.0'],
        offered: ['v1.13.9', 'v1.13.10'],
        policy: { channel: 'prerelease' },
      },
      vanished: ['v1.14.0-alpha.0'],
    },
    {
      name: 'is no news where the next line has begun',
      situation: {
        known: ['v1.13.9', 'v1.14.0-rc.1', 'v1.14.0'],
        offered: ['v1.13.9', 'v1.14.0', 'v1.15.0-alpha.0'],
        policy: { channel: 'prerelease' },
      },
      vanished: [],
    },
    {
      name: 'is no news where its final release is there',
      situation: {
        known: ['v1.13.9', 'v1.14.0-rc.1'],
        offered: ['v1.13.9', 'v1.14.0'],
        policy: { channel: 'prerelease' },
      },
      vanished: [],
    },
    {
      name: 'is news where a later pre-release of its line stays',
      situation: {
        known: ['v1.13.9', 'v1.14.0-alpha.0', 'v1.14.0-alpha.1'],
        offered: ['v1.13.9', 'v1.14.0-alpha.1'],
        policy: { channel: 'prerelease' },
      },
      vanished: ['v1.14.0-alpha.0'],
    },
    {
      name: 'matters where no node answers',
      situation: { known, offered: ['v1.13.9'], running: [] },
      vanished: ['v1.14.1'],
    },
    {
      name: 'matters for the oldest official node, whatever else runs',
      situation: { known, offered: ['v1.13.9'], running: ['v1.13.9', 'v1.14.1-k7.1.9'] },
      vanished: ['v1.14.1'],
    },
  ])('$name', ({ situation, vanished }) => {
    expect(merge(situation).vanished).toEqual(vanished)
  })
})

test.each<{ name: string; withdrawn: NonNullable<Situation['withdrawn']>; all: readonly string[] }>([
  { name: 'no answer', withdrawn: 'no answer', all: ['v1.13.8'] },
  { name: 'nothing', withdrawn: [], all: ['v1.13.8'] },
  { name: 'a release', withdrawn: ['v1.14.1'], all: ['v1.13.8', 'v1.14.1'] },
])('an empty list changes nothing but what is withdrawn with it: $name', ({ withdrawn, all }) => {
  const situation: Situation = {
    known,
    offered: [],
    withdrawn,
    withdrawnBefore: ['v1.13.8'],
    vanishedBefore: ['v1.14.2'],
  }
  expect(merge(situation)).toEqual({ offered: known, withdrawn: all, vanished: ['v1.14.2'] })
})

test('what had vanished is explained by an empty list that withdraws it', () => {
  const situation: Situation = { known, offered: [], withdrawn: ['v1.14.2'], vanishedBefore: ['v1.14.2'] }
  expect(merge(situation)).toMatchObject({ withdrawn: ['v1.14.2'], vanished: [] })
})

test('a new release is seen, whatever left the list', () => {
  expect(merge({ known, offered: ['v1.13.9', 'v1.13.10'] }).offered).toEqual(['v1.13.9', 'v1.13.10'])
})

describe('what was withdrawn', () => {
  const offered = ['v1.13.9']
  test.each<{ name: string; situation: Situation; withdrawn: readonly string[] }>([
    { name: 'is known from the answer', situation: { known, offered, withdrawn: ['v1.14.1'] }, withdrawn: ['v1.14.1'] },
    {
      name: 'stays known where the question is not answered',
      situation: { known, offered, withdrawn: 'no answer', withdrawnBefore: ['v1.14.1'] },
      withdrawn: ['v1.14.1'],
    },
    {
      name: 'stays known where the answer has forgotten it',
      situation: { known, offered, withdrawn: [], withdrawnBefore: ['v1.14.1'] },
      withdrawn: ['v1.14.1'],
    },
    {
      name: 'is forgotten when it is offered again',
      situation: { known, offered: known, withdrawnBefore: ['v1.14.1'] },
      withdrawn: [],
    },
    {
      name: 'is not forgotten for a list alone',
      situation: { known, offered: known, withdrawn: 'no answer', withdrawnBefore: ['v1.14.1'] },
      withdrawn: ['v1.14.1'],
    },
    {
      name: 'stays so where a replica still offers it',
      situation: { known, offered: known, withdrawn: ['v1.14.1'] },
      withdrawn: ['v1.14.1'],
    },
  ])('$name', ({ situation, withdrawn }) => {
    expect(merge(situation).withdrawn).toEqual(withdrawn)
  })
})
