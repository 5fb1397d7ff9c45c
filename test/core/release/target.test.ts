import { describe, expect, test } from 'vitest'
import { decideTarget } from '../../../src/core/release/target.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'
import { policy, type Situation, viewOf, decide, factory } from './situations.ts'

describe('the target release', () => {
  test.each<{ name: string; expected: string; situation: Situation; changed?: Partial<ReleasePolicy> }>([
    {
      name: 'the newest patch is taken',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.13.8', 'v1.13.8'] },
    },
    {
      name: 'the newest that runs is kept',
      expected: 'current',
      situation: { available: factory, running: ['v1.13.9'] },
    },
    {
      name: 'the order of the list does not matter',
      expected: 'target v1.13.9',
      situation: { available: factory.toReversed(), running: ['v1.13.0'] },
    },
    {
      name: 'v1.13.10 is newer than v1.13.9',
      expected: 'target v1.13.10',
      situation: { available: ['v1.13.10', 'v1.13.9'], running: ['v1.13.9'] },
    },
    {
      name: 'a pre-release is not for the stable channel',
      expected: 'current',
      situation: { available: ['v1.14.0-rc.1'], running: ['v1.13.9'] },
    },
    {
      name: 'a pre-release is for its own channel',
      expected: 'target v1.14.0-rc.1',
      situation: { available: factory, running: ['v1.13.9'] },
      changed: { channel: 'prerelease' },
    },
    {
      name: 'a pre-release is left for its final release on the stable channel too',
      expected: 'target v1.14.0',
      situation: { available: [...factory, 'v1.14.0'], running: ['v1.14.0-rc.1'] },
    },
    {
      name: 'the way to the next minor leads over the newest patch of the own one',
      expected: 'target v1.12.11',
      situation: { available: factory, running: ['v1.12.9'] },
    },
    {
      name: 'then comes the newest of the next minor',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.12.11'] },
    },
    {
      name: 'a minor that the Factory lacks is passed over where the installer allows it',
      expected: 'target v1.13.9',
      situation: { available: ['v1.11.6', 'v1.13.9'], running: ['v1.11.6'] },
    },
    {
      name: 'the oldest node says where to go',
      expected: 'target v1.12.11',
      situation: { available: factory, running: ['v1.13.9', 'v1.12.9'] },
    },
    {
      name: 'a major version is not gone to',
      expected: 'wait v2.0.0',
      situation: { available: ['v2.0.0'], running: ['v1.13.9'] },
    },
    {
      name: 'a skipped release is left out',
      expected: 'target v1.13.8',
      situation: { available: factory, running: ['v1.13.0'] },
      changed: { skip: ['v1.13.9'] },
    },
    {
      name: 'a release that vanished leads nobody back',
      expected: 'current',
      situation: { available: ['v1.12.11'], running: ['v1.13.9'] },
    },
    { name: 'an empty list leads nowhere', expected: 'current', situation: { available: [], running: ['v1.13.8'] } },
    {
      name: 'nothing is decided while no node answers',
      expected: 'current',
      situation: { available: factory, running: [] },
    },
    {
      name: 'what is no release is no target',
      expected: 'current',
      situation: { available: ['latest', 'v1.13.9-dirty'], running: ['v1.13.9'] },
    },
    {
      name: 'a node that runs what is no release keeps nobody back',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.13.8', 'dev', 'v1.13.9-k7.1.9', 'v1.11.5-1-gab12cd3'] },
    },
    {
      name: 'nothing is done where only such nodes answer',
      expected: 'current',
      situation: { available: factory, running: ['v1.13.8-dirty'] },
    },
  ])('$name: $expected', ({ expected, situation, changed }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('what the release runs on', () => {
  test.each<{ name: string; expected: string; situation: Situation }>([
    {
      name: 'too old a Kubernetes keeps it back',
      expected: 'wait v1.13.9',
      situation: { available: factory, running: ['v1.12.11'], kubernetes: 'v1.30.2' },
    },
    {
      name: 'too new a Kubernetes keeps it back',
      expected: 'wait v1.13.9',
      situation: { available: factory, running: ['v1.12.11'], kubernetes: 'v1.37.0' },
    },
    {
      name: 'a silent Kubernetes does not',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.12.11'], kubernetes: '' },
    },
  ])('$name: $expected', ({ expected, situation }) => {
    expect(decide(situation)).toBe(expected)
  })
})

test.each<{ name: string; situation: Situation; changed?: Partial<ReleasePolicy>; reason: string }>([
  {
    name: 'a newer patch',
    situation: { available: factory, running: ['v1.13.8'] },
    reason: 'the newest patch of 1.13, from v1.13.8',
  },
  {
    name: 'a newer minor',
    situation: { available: factory, running: ['v1.12.11'] },
    reason: 'the newest of the next minor version, from v1.12.11',
  },
  {
    name: 'nothing newer',
    situation: { available: ['v1.13.9'], running: ['v1.13.9'] },
    reason: 'v1.13.9 is the newest',
  },
  {
    name: 'a skipped release',
    situation: { available: ['v1.13.9'], running: ['v1.13.8'] },
    changed: { skip: ['v1.13.9'] },
    reason: 'v1.13.8 is the newest that the policy allows, of releases up to v1.13.9',
  },
  {
    name: 'a list that has shrunk',
    situation: { available: ['v1.12.11'], running: ['v1.13.9'] },
    reason: "the nodes run v1.13.9, but the Factory's newest is v1.12.11; nothing is downgraded",
  },
  {
    name: 'a pin',
    situation: { available: factory, running: ['v1.13.9'] },
    changed: { pin: 'v1.13.8' },
    reason: 'the nodes run v1.13.9, and v1.13.8 is pinned',
  },
  {
    name: 'a hole in the list',
    situation: { available: ['v1.13.9'], running: ['v1.11.6'] },
    reason:
      'the newest of 1.13, which installs directly over 1.11, from v1.11.6; the usual order is blocked (no release of 1.12 is offered)',
  },
  {
    name: 'a hole that is the policy',
    situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.11.6'] },
    changed: { skip: ['v1.12.11'] },
    reason:
      'the newest of 1.13, which installs directly over 1.11, from v1.11.6; the usual order is blocked (v1.12.11 is skipped by upgrade.skip)',
  },
  {
    name: 'a hole that is too wide',
    situation: { available: ['v1.14.1'], running: ['v1.11.6'] },
    reason:
      'no release of 1.12 is offered; no release of 1.13 is offered; v1.14.1 upgrades from v1.12.0 or later, but the node runs v1.11.6: upgrade through the minor versions in between',
  },
])('the reason for $name is a sentence', ({ situation, changed = {}, reason }) => {
  expect(decideTarget(viewOf(situation), { ...policy, ...changed }).reason).toBe(reason)
})
