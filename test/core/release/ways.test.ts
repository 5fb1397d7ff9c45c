import { describe, expect, test } from 'vitest'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'
import { type Situation, decide } from './way-situations.ts'

describe('where the usual order is blocked, another way is taken, and said', () => {
  test.each<{ name: string; situation: Situation; expected: string }>([
    {
      name: 'Kubernetes is too new for the own line',
      situation: { available: ['v1.12.3', 'v1.12.11', 'v1.13.9'], running: ['v1.12.3'], kubernetes: 'v1.36.3' },
      expected:
        'target v1.13.9: the newest of the next minor version, from v1.12.3; the usual order is blocked (v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.36.3)',
    },
    {
      name: 'Kubernetes is too new for the own line and the next one',
      situation: { available: ['v1.12.11', 'v1.13.9', 'v1.14.1'], running: ['v1.12.3'], kubernetes: 'v1.37.0' },
      expected:
        'target v1.14.1: the newest of 1.14, which installs directly over 1.12, from v1.12.3; the usual order is blocked (v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.37.0; v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.0)',
    },
    {
      name: 'the newest of the own line is there already, and Kubernetes is too new for the next one',
      situation: { available: ['v1.12.11', 'v1.13.9', 'v1.14.1'], running: ['v1.12.11'], kubernetes: 'v1.37.1' },
      expected:
        'target v1.14.1: the newest of 1.14, which installs directly over 1.12, from v1.12.11; the usual order is blocked (v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.1)',
    },
    {
      name: 'the rollout that has begun can not be finished any more',
      situation: {
        available: ['v1.13.9', 'v1.14.1'],
        running: ['v1.13.9', 'v1.12.11'],
        underWay: 'v1.13.9',
        kubernetes: 'v1.37.0',
      },
      expected:
        'target v1.14.1: the newest of 1.14, which installs directly over 1.12, from v1.12.11; the usual order is blocked (v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.0)',
    },
  ])('$name', ({ situation, expected }) => {
    expect(decide(situation)).toBe(expected)
  })

  test.each<{ name: string; situation: Situation; changed?: Partial<ReleasePolicy>; expected: string }>([
    {
      name: 'what soaks is waited for, also on the other way',
      situation: {
        available: ['v1.12.11', 'v1.13.9'],
        running: ['v1.12.3'],
        kubernetes: 'v1.36.3',
        fresh: ['v1.13.9'],
      },
      expected: 'wait v1.13.9: it soaks for 7 d',
    },
    {
      name: 'a patch that soaks is no blocked one',
      situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.3'], fresh: ['v1.12.11'] },
      expected: 'wait v1.12.11: it soaks for 7 d',
    },
    {
      name: 'an older patch serves where the newest is skipped',
      situation: { available: ['v1.13.8', 'v1.13.9'], running: ['v1.13.0'] },
      changed: { skip: ['v1.13.9'] },
      expected: 'target v1.13.8: the newest patch of 1.13, from v1.13.0',
    },
  ])('$name', ({ situation, changed = {}, expected }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('where no way is left, what would open one is said', () => {
  test.each<{ name: string; situation: Situation; changed?: Partial<ReleasePolicy>; expected: string }>([
    {
      name: 'an older Kubernetes, or a release that is skipped',
      situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.3'], kubernetes: 'v1.36.3' },
      changed: { skip: ['v1.13.9'] },
      expected:
        'wait v1.12.11: v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.36.3; v1.13.9 is skipped by upgrade.skip; Kubernetes 1.36 needs Talos 1.13 or later',
    },
    {
      name: 'a later Talos, where Kubernetes is too new for all that is offered',
      situation: { available: ['v1.12.11'], running: ['v1.12.3'], kubernetes: 'v1.37.0' },
      expected:
        'wait v1.12.11: v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.37.0; Kubernetes 1.37 needs Talos 1.14 or later',
    },
    {
      name: 'a later Caretaker, where nobody knows what runs that Kubernetes',
      situation: { available: ['v1.12.11'], running: ['v1.12.3'], kubernetes: 'v1.39.0' },
      expected: 'wait v1.12.11: v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.39.0',
    },
    {
      name: 'another pin',
      situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.3'], kubernetes: 'v1.36.3' },
      changed: { pin: 'v1.12.11' },
      expected:
        'wait v1.12.11: v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.36.3; v1.13.9 is newer than upgrade.pin (v1.12.11); Kubernetes 1.36 needs Talos 1.13 or later',
    },
    {
      name: 'another channel',
      situation: { available: ['v1.12.11', 'v1.13.9', 'v1.14.0-rc.1'], running: ['v1.12.11'], kubernetes: 'v1.37.0' },
      expected:
        'wait v1.13.9: v1.13.9 supports Kubernetes up to 1.36, but the cluster runs v1.37.0; v1.14.0-rc.1 is a pre-release, which upgrade.channel excludes; Kubernetes 1.37 needs Talos 1.14 or later',
    },
    {
      name: 'a newer Kubernetes',
      situation: { available: ['v1.13.9', 'v1.14.1'], running: ['v1.13.9'], kubernetes: 'v1.31.4' },
      expected:
        'wait v1.14.1: v1.14.1 needs Kubernetes 1.32 or later, but the cluster runs v1.31.4: upgrade Kubernetes first',
    },
    {
      name: 'the release that was withdrawn, if it came back',
      situation: { available: ['v1.12.11'], running: ['v1.12.3'], withdrawn: ['v1.13.9'], kubernetes: 'v1.36.3' },
      expected:
        'wait v1.12.11: v1.12.11 supports Kubernetes up to 1.35, but the cluster runs v1.36.3; v1.13.9 was withdrawn by the Image Factory; Kubernetes 1.36 needs Talos 1.13 or later',
    },
    {
      name: 'a person, for another major version',
      situation: { available: ['v2.0.0'], running: ['v1.13.9'] },
      expected: 'wait v2.0.0: v2.0.0 is another major version: Caretaker does not upgrade to it',
    },
    {
      name: 'a newer Caretaker, for a line that it does not know',
      situation: { available: ['v1.17.0'], running: ['v1.15.2'], kubernetes: 'v1.38.0' },
      expected: 'wait v1.17.0: no release of 1.16 is offered; it is unknown whether v1.17.0 upgrades from 1.15',
    },
  ])('$name', ({ situation, changed = {}, expected }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('a node that stays behind', () => {
  const available = ['v1.12.11', 'v1.13.9', 'v1.13.10', 'v1.14.1', 'v1.15.0']
  test.each<{ name: string; situation: Situation; expected: string }>([
    {
      name: 'lets the others go on in its own line',
      situation: { available, running: ['v1.13.9'], paused: { 'w-1': 'v1.13.0' } },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9',
    },
    {
      name: 'lets them go one minor version ahead',
      situation: { available, running: ['v1.13.10'], paused: { 'w-1': 'v1.13.0' } },
      expected: 'target v1.14.1: the newest of the next minor version, from v1.13.10',
    },
    {
      name: 'and no further',
      situation: { available, running: ['v1.13.10'], paused: { 'w-1': 'v1.12.3' } },
      expected: 'wait v1.14.1: w-1 stays at v1.12.3, so the others stop at 1.13: w-1 is paused',
    },
    {
      name: 'counts also where it runs no official release',
      situation: { available, running: ['v1.13.10'], paused: { 'w-1': 'v1.12.3-k7.1.9' } },
      expected: 'wait v1.14.1: w-1 stays at v1.12.3-k7.1.9, so the others stop at 1.13: w-1 is paused',
    },
    {
      name: 'does not make it worse when the others get a patch',
      situation: { available, running: ['v1.13.9'], paused: { 'w-1': 'v1.11.3' } },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9',
    },
    {
      name: 'or when the last of them comes to a line that others run',
      situation: { available, running: ['v1.12.11', 'v1.13.10'], paused: { 'w-1': 'v1.11.3' } },
      expected: 'target v1.13.10: the newest of the next minor version, from v1.12.11',
    },
    {
      name: 'counts where several stay, by the one that is furthest behind',
      situation: { available, running: ['v1.13.10'], paused: { 'w-1': 'v1.13.0', 'w-2': 'v1.12.3' } },
      expected: 'wait v1.14.1: w-2 stays at v1.12.3, so the others stop at 1.13: w-2 is paused',
    },
    {
      name: 'is no hindrance where it is ahead',
      situation: { available, running: ['v1.13.9'], paused: { 'w-1': 'v1.14.1' } },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9',
    },
    {
      name: 'is no hindrance where nobody knows its line',
      situation: { available, running: ['v1.13.10'], paused: { 'w-1': 'nightly' } },
      expected: 'target v1.14.1: the newest of the next minor version, from v1.13.10',
    },
  ])('$name', ({ situation, expected }) => {
    expect(decide(situation)).toBe(expected)
  })
})

test('whoever publishes a release of minor version 900,000,000 does not get a sentence for each that is missing', () => {
  const situation: Situation = { available: ['v1.13.9', 'v1.900000000.0'], running: ['v1.13.9'] }
  expect(decide(situation)).toContain('no release from 1.14 to 1.899999999 is offered')
})
