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
  test.each<[string, Situation, readonly string[]]>([
    ['has vanished where nobody says why', { known, offered: ['v1.13.9', 'v1.13.10'] }, ['v1.14.1']],
    ['has not vanished where it was withdrawn', { known, offered: ['v1.13.9'], withdrawn: ['v1.14.1'] }, []],
    ['stays vanished', { known: ['v1.13.9'], offered: ['v1.13.9'], vanishedBefore: ['v1.14.1'] }, ['v1.14.1']],
    ['is back when it is offered again', { known: ['v1.13.9'], offered: known, vanishedBefore: ['v1.14.1'] }, []],
    [
      'is explained when it is marked later',
      { known: ['v1.13.9'], offered: ['v1.13.9'], vanishedBefore: ['v1.14.1'], withdrawn: ['v1.14.1'] },
      [],
    ],
    ['matters also where it is the one that runs', { known, offered: ['v1.13.9'], running: ['v1.14.1'] }, ['v1.14.1']],
    ['is no news where all nodes are beyond it', { known, offered: ['v1.14.1'], running: ['v1.14.1'] }, []],
    ['is no news where it is skipped', { known, offered: ['v1.13.9'], policy: { skip: ['v1.14.1'] } }, []],
    ['is no news beyond the pinned one', { known, offered: ['v1.13.9'], policy: { pin: 'v1.13.9' } }, []],
    [
      'is no news where it is a pre-release, and the channel is stable',
      { known: ['v1.13.9', 'v1.14.0-alpha.0'], offered: ['v1.13.9', 'v1.13.10'] },
      [],
    ],
    [
      'is news where the channel has pre-releases',
      {
        known: ['v1.13.9', 'v1.14.0-alpha.0'],
        offered: ['v1.13.9', 'v1.13.10'],
        policy: { channel: 'prerelease' },
      },
      ['v1.14.0-alpha.0'],
    ],
    [
      'is no news where the next line has begun',
      {
        known: ['v1.13.9', 'v1.14.0-rc.1', 'v1.14.0'],
        offered: ['v1.13.9', 'v1.14.0', 'v1.15.0-alpha.0'],
        policy: { channel: 'prerelease' },
      },
      [],
    ],
    [
      'is no news where its final release is there',
      {
        known: ['v1.13.9', 'v1.14.0-rc.1'],
        offered: ['v1.13.9', 'v1.14.0'],
        policy: { channel: 'prerelease' },
      },
      [],
    ],
    [
      'is news where a later pre-release of its line stays',
      {
        known: ['v1.13.9', 'v1.14.0-alpha.0', 'v1.14.0-alpha.1'],
        offered: ['v1.13.9', 'v1.14.0-alpha.1'],
        policy: { channel: 'prerelease' },
      },
      ['v1.14.0-alpha.0'],
    ],
    ['matters where no node answers', { known, offered: ['v1.13.9'], running: [] }, ['v1.14.1']],
    [
      'matters for the oldest official node, whatever else runs',
      { known, offered: ['v1.13.9'], running: ['v1.13.9', 'v1.14.1-k7.1.9'] },
      ['v1.14.1'],
    ],
  ])('%s', (_, situation, vanished) => {
    expect(merge(situation).vanished).toEqual(vanished)
  })
})

test.each<[string, NonNullable<Situation['withdrawn']>, readonly string[]]>([
  ['no answer', 'no answer', ['v1.13.8']],
  ['nothing', [], ['v1.13.8']],
  ['a release', ['v1.14.1'], ['v1.13.8', 'v1.14.1']],
])('an empty list changes nothing but what is withdrawn with it: %s', (_, withdrawn, all) => {
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
  test.each<[string, Situation, readonly string[]]>([
    ['is known from the answer', { known, offered, withdrawn: ['v1.14.1'] }, ['v1.14.1']],
    [
      'stays known where the question is not answered',
      { known, offered, withdrawn: 'no answer', withdrawnBefore: ['v1.14.1'] },
      ['v1.14.1'],
    ],
    [
      'stays known where the answer has forgotten it',
      { known, offered, withdrawn: [], withdrawnBefore: ['v1.14.1'] },
      ['v1.14.1'],
    ],
    ['is forgotten when it is offered again', { known, offered: known, withdrawnBefore: ['v1.14.1'] }, []],
    [
      'is not forgotten for a list alone',
      { known, offered: known, withdrawn: 'no answer', withdrawnBefore: ['v1.14.1'] },
      ['v1.14.1'],
    ],
    ['stays so where a replica still offers it', { known, offered: known, withdrawn: ['v1.14.1'] }, ['v1.14.1']],
  ])('%s', (_, situation, withdrawn) => {
    expect(merge(situation).withdrawn).toEqual(withdrawn)
  })
})
