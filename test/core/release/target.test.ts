import { describe, expect, test } from 'vitest'
import { decideTarget } from '../../../src/core/release/target.ts'
import type { ReleaseView } from '../../../src/core/release/lines.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'

const day = 86_400_000
const now = Date.UTC(2026, 8, 1)
const policy: ReleasePolicy = { channel: 'stable', skip: [], soak: 7 * day }

interface Situation {
  readonly available: readonly string[]
  readonly running: readonly string[]
  /** How many days each release has been known; 30 for those that are not named. */
  readonly known?: Readonly<Record<string, number>>
  readonly underWay?: string
  readonly kubernetes?: string
  readonly withdrawn?: readonly string[]
  readonly vanished?: readonly string[]
  /** Nodes that stay, and what they run. */
  readonly left?: Readonly<Record<string, string>>
}

function viewOf(situation: Situation): ReleaseView {
  const { available, running, known = {}, underWay, kubernetes = 'v1.34.2', withdrawn, vanished, left = {} } = situation
  const firstSeen = new Map(available.map((version) => [version, now - (known[version] ?? 30) * day]))
  const leftBehind = Object.entries(left).map(([node, version]) => ({
    node,
    version,
    why: `${node} is paused (a guest)`,
  }))
  return {
    available,
    running,
    firstSeen,
    underWay,
    kubernetes: kubernetes || undefined,
    now,
    leftBehind,
    ...(withdrawn ? { withdrawn } : {}),
    ...(vanished ? { vanished } : {}),
  }
}

function decide(situation: Situation, changed: Partial<ReleasePolicy> = {}): string {
  const decision = decideTarget(viewOf(situation), { ...policy, ...changed })
  return decision.kind === 'current' ? 'current' : `${decision.kind} ${decision.version}`
}

const factory = ['v1.12.9', 'v1.12.11', 'v1.13.0', 'v1.13.8', 'v1.13.9', 'v1.14.0-alpha.0', 'v1.14.0-rc.1']

describe('the release to go to', () => {
  test.each<[string, string, Situation, Partial<ReleasePolicy>?]>([
    ['the newest patch is taken', 'target v1.13.9', { available: factory, running: ['v1.13.8', 'v1.13.8'] }],
    ['the newest that runs is kept', 'current', { available: factory, running: ['v1.13.9'] }],
    [
      'the order of the list does not matter',
      'target v1.13.9',
      { available: factory.toReversed(), running: ['v1.13.0'] },
    ],
    ['v1.13.10 is newer than v1.13.9', 'target v1.13.10', { available: ['v1.13.10', 'v1.13.9'], running: ['v1.13.9'] }],
    ['a pre-release is not for the stable channel', 'current', { available: ['v1.14.0-rc.1'], running: ['v1.13.9'] }],
    [
      'a pre-release is for its own channel',
      'target v1.14.0-rc.1',
      { available: factory, running: ['v1.13.9'] },
      { channel: 'prerelease' },
    ],
    [
      'a pre-release is left for its final release on the stable channel too',
      'target v1.14.0',
      { available: [...factory, 'v1.14.0'], running: ['v1.14.0-rc.1'] },
    ],
    [
      'the way to the next minor leads over the newest patch of the own one',
      'target v1.12.11',
      { available: factory, running: ['v1.12.9'] },
    ],
    ['then comes the newest of the next minor', 'target v1.13.9', { available: factory, running: ['v1.12.11'] }],
    [
      'a minor that the Factory lacks is passed over where the installer allows it',
      'target v1.13.9',
      { available: ['v1.11.6', 'v1.13.9'], running: ['v1.11.6'] },
    ],
    ['the oldest node says where to go', 'target v1.12.11', { available: factory, running: ['v1.13.9', 'v1.12.9'] }],
    ['a major version is not gone to', 'wait v2.0.0', { available: ['v2.0.0'], running: ['v1.13.9'] }],
    [
      'a skipped release is left out',
      'target v1.13.8',
      { available: factory, running: ['v1.13.0'] },
      { skip: ['v1.13.9'] },
    ],
    ['a release that vanished leads nobody back', 'current', { available: ['v1.12.11'], running: ['v1.13.9'] }],
    ['an empty list leads nowhere', 'current', { available: [], running: ['v1.13.8'] }],
    ['nothing is decided while no node answers', 'current', { available: factory, running: [] }],
    ['what is no release is no target', 'current', { available: ['latest', 'v1.13.9-dirty'], running: ['v1.13.9'] }],
    [
      'a node that runs what is no release keeps nobody back',
      'target v1.13.9',
      { available: factory, running: ['v1.13.8', 'dev', 'v1.13.9-k7.1.9', 'v1.11.5-1-gab12cd3'] },
    ],
    ['nothing is done where only such nodes answer', 'current', { available: factory, running: ['v1.13.8-dirty'] }],
  ])('%s: %s', (_, expected, situation, changed) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('soaking', () => {
  test.each<[string, string, Situation, Partial<ReleasePolicy>?]>([
    [
      'a release of yesterday waits',
      'wait v1.13.9',
      { available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 1 } },
    ],
    [
      'seven days are enough',
      'target v1.13.9',
      { available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 7 } },
    ],
    [
      'the newest that has soaked is taken while a newer one soaks',
      'target v1.13.8',
      { available: factory, running: ['v1.13.0'], known: { 'v1.13.9': 1 } },
    ],
    [
      'the next minor is not an excuse to leave out a patch that soaks',
      'wait v1.12.11',
      { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.9'], known: { 'v1.12.11': 1 } },
    ],
    [
      'a release that is pinned needs no time to soak',
      'target v1.13.9',
      { available: factory, running: ['v1.13.8'], known: { 'v1.13.9': 0 } },
      { pin: 'v1.13.9' },
    ],
    [
      'a release on the way to the pinned one does',
      'wait v1.12.11',
      { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.9'], known: { 'v1.12.11': 0, 'v1.13.9': 0 } },
      { pin: 'v1.13.9' },
    ],
    [
      'without a time to soak it is taken at once',
      'target v1.13.9',
      { available: factory, running: ['v1.13.8'], known: { 'v1.13.9': 0 } },
      { soak: 0 },
    ],
  ])('%s: %s', (_, expected, situation, changed) => {
    expect(decide(situation, changed)).toBe(expected)
  })

  test('says how long it has been known, and when it is ready', () => {
    const view = viewOf({ available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 2 } })
    expect(decideTarget(view, policy)).toEqual({
      kind: 'wait',
      version: 'v1.13.9',
      reason: 'it has been known for 2 d of the 7 d that it is to soak',
      until: now + 5 * day,
    })
  })

  test('a release that nobody remembers to have seen counts as new', () => {
    const view = { ...viewOf({ available: ['v1.13.9'], running: ['v1.13.8'] }), firstSeen: new Map<string, number>() }
    expect(decideTarget(view, policy)).toMatchObject({ kind: 'wait', until: now + 7 * day })
  })
})

describe('a pin', () => {
  test.each<[string, string, Situation, Partial<ReleasePolicy>]>([
    ['is gone to and no further', 'target v1.13.8', { available: factory, running: ['v1.13.0'] }, { pin: 'v1.13.8' }],
    ['that runs is kept', 'current', { available: factory, running: ['v1.13.8'] }, { pin: 'v1.13.8' }],
    ['that is older leads nobody back', 'current', { available: factory, running: ['v1.13.9'] }, { pin: 'v1.13.8' }],
    ['that is not offered is waited for', 'current', { available: factory, running: ['v1.13.8'] }, { pin: 'v1.13.10' }],
    [
      'may be a pre-release',
      'target v1.14.0-rc.1',
      { available: factory, running: ['v1.13.9'] },
      { pin: 'v1.14.0-rc.1' },
    ],
    [
      'is reached without other pre-releases',
      'target v1.14.0-rc.1',
      { available: factory, running: ['v1.13.9'], known: { 'v1.14.0-rc.1': 0 } },
      { pin: 'v1.14.0-rc.1', channel: 'prerelease' },
    ],
  ])('%s: %s', (_, expected, situation, changed) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('a rollout that has begun', () => {
  const newer = [...factory, 'v1.13.10']
  test.each<[string, string, Situation, Partial<ReleasePolicy>?]>([
    [
      'is finished, not overtaken',
      'target v1.13.9',
      { available: newer, running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
    ],
    [
      'is finished, even if the Factory no longer lists it',
      'target v1.13.9',
      { available: ['v1.13.8'], running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
    ],
    [
      'that no node runs yet may be overtaken',
      'target v1.13.10',
      { available: newer, running: ['v1.13.8'], underWay: 'v1.13.9' },
    ],
    [
      'that every node runs is over',
      'target v1.13.10',
      { available: newer, running: ['v1.13.9', 'v1.13.9'], underWay: 'v1.13.9' },
    ],
    [
      'ends when a person skips its release',
      'target v1.13.10',
      { available: newer, running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
      { skip: ['v1.13.9'] },
    ],
    [
      'waits for a node that comes back from far behind',
      'target v1.10.9',
      { available: ['v1.10.9', ...newer], running: ['v1.13.9', 'v1.10.0'], underWay: 'v1.13.9', kubernetes: 'v1.33.0' },
    ],
  ])('%s: %s', (_, expected, situation, changed) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('what the release runs on', () => {
  test.each<[string, string, Situation]>([
    [
      'too old a Kubernetes keeps it back',
      'wait v1.13.9',
      { available: factory, running: ['v1.12.11'], kubernetes: 'v1.30.2' },
    ],
    [
      'too new a Kubernetes keeps it back',
      'wait v1.13.9',
      { available: factory, running: ['v1.12.11'], kubernetes: 'v1.37.0' },
    ],
    ['a silent Kubernetes does not', 'target v1.13.9', { available: factory, running: ['v1.12.11'], kubernetes: '' }],
  ])('%s: %s', (_, expected, situation) => {
    expect(decide(situation)).toBe(expected)
  })
})

test.each<[string, Situation, Partial<ReleasePolicy>, string]>([
  ['a newer patch', { available: factory, running: ['v1.13.8'] }, {}, 'the newest patch of 1.13, coming from v1.13.8'],
  [
    'a newer minor',
    { available: factory, running: ['v1.12.11'] },
    {},
    'the newest of the next minor version, coming from v1.12.11',
  ],
  ['nothing newer', { available: ['v1.13.9'], running: ['v1.13.9'] }, {}, 'v1.13.9 is the newest'],
  [
    'a skipped release',
    { available: ['v1.13.9'], running: ['v1.13.8'] },
    { skip: ['v1.13.9'] },
    'v1.13.8 is the newest that the policy allows, of releases up to v1.13.9',
  ],
  [
    'a list that has shrunk',
    { available: ['v1.12.11'], running: ['v1.13.9'] },
    {},
    "v1.13.9 runs, and the Factory's newest is v1.12.11; nothing goes backwards",
  ],
  ['a pin', { available: factory, running: ['v1.13.9'] }, { pin: 'v1.13.8' }, 'v1.13.9 runs, and v1.13.8 is pinned'],
  [
    'a hole in the list',
    { available: ['v1.13.9'], running: ['v1.11.6'] },
    {},
    'the newest of 1.13, which its installer takes straight from 1.11, coming from v1.11.6; the usual order is blocked (no release of 1.12 is offered)',
  ],
  [
    'a hole that is the policy',
    { available: ['v1.12.11', 'v1.13.9'], running: ['v1.11.6'] },
    { skip: ['v1.12.11'] },
    'the newest of 1.13, which its installer takes straight from 1.11, coming from v1.11.6; the usual order is blocked (v1.12.11 is skipped by upgrade.skip)',
  ],
  [
    'a hole that is too wide',
    { available: ['v1.14.1'], running: ['v1.11.6'] },
    {},
    'no release of 1.12 is offered; no release of 1.13 is offered; v1.14.1 installs over v1.12.0 or later, and v1.11.6 runs: go through the minor versions between',
  ],
])('the reason for %s is a sentence', (_, situation, changed, reason) => {
  expect(decideTarget(viewOf(situation), { ...policy, ...changed }).reason).toBe(reason)
})
