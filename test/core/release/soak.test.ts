import { describe, expect, test } from 'vitest'
import { decideTarget } from '../../../src/core/release/target.ts'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'
import { day, now, policy, type Situation, viewOf, decide, factory } from './situations.ts'

describe('soaking', () => {
  test.each<{ name: string; expected: string; situation: Situation; changed?: Partial<ReleasePolicy> }>([
    {
      name: 'a release of yesterday waits',
      expected: 'wait v1.13.9',
      situation: { available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 1 } },
    },
    {
      name: 'seven days are enough',
      expected: 'target v1.13.9',
      situation: { available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 7 } },
    },
    {
      name: 'the newest that has soaked is taken while a newer one soaks',
      expected: 'target v1.13.8',
      situation: { available: factory, running: ['v1.13.0'], known: { 'v1.13.9': 1 } },
    },
    {
      name: 'the next minor is not an excuse to leave out a patch that soaks',
      expected: 'wait v1.12.11',
      situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.9'], known: { 'v1.12.11': 1 } },
    },
    {
      name: 'a release that is pinned needs no time to soak',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.13.8'], known: { 'v1.13.9': 0 } },
      changed: { pin: 'v1.13.9' },
    },
    {
      name: 'a release on the way to the pinned one does',
      expected: 'wait v1.12.11',
      situation: { available: ['v1.12.11', 'v1.13.9'], running: ['v1.12.9'], known: { 'v1.12.11': 0, 'v1.13.9': 0 } },
      changed: { pin: 'v1.13.9' },
    },
    {
      name: 'without a time to soak it is taken at once',
      expected: 'target v1.13.9',
      situation: { available: factory, running: ['v1.13.8'], known: { 'v1.13.9': 0 } },
      changed: { soak: 0 },
    },
  ])('$name: $expected', ({ expected, situation, changed }) => {
    expect(decide(situation, changed)).toBe(expected)
  })

  test('says how long it soaks, and when it is ready', () => {
    const view = viewOf({ available: ['v1.13.9'], running: ['v1.13.8'], known: { 'v1.13.9': 2 } })
    expect(decideTarget(view, policy)).toEqual({
      kind: 'wait',
      version: 'v1.13.9',
      reason: 'it soaks for 7 d',
      until: now + 5 * day,
    })
  })

  test('a release that nobody remembers to have seen counts as new', () => {
    const view = { ...viewOf({ available: ['v1.13.9'], running: ['v1.13.8'] }), firstSeen: new Map<string, number>() }
    expect(decideTarget(view, policy)).toMatchObject({ kind: 'wait', until: now + 7 * day })
  })
})

describe('a pin', () => {
  test.each<{ name: string; expected: string; situation: Situation; changed: Partial<ReleasePolicy> }>([
    {
      name: 'is gone to and no further',
      expected: 'target v1.13.8',
      situation: { available: factory, running: ['v1.13.0'] },
      changed: { pin: 'v1.13.8' },
    },
    {
      name: 'that runs is kept',
      expected: 'current',
      situation: { available: factory, running: ['v1.13.8'] },
      changed: { pin: 'v1.13.8' },
    },
    {
      name: 'that is older leads nobody back',
      expected: 'current',
      situation: { available: factory, running: ['v1.13.9'] },
      changed: { pin: 'v1.13.8' },
    },
    {
      name: 'that is not offered is waited for',
      expected: 'current',
      situation: { available: factory, running: ['v1.13.8'] },
      changed: { pin: 'v1.13.10' },
    },
    {
      name: 'may be a pre-release',
      expected: 'target v1.14.0-rc.1',
      situation: { available: factory, running: ['v1.13.9'] },
      changed: { pin: 'v1.14.0-rc.1' },
    },
    {
      name: 'is reached without other pre-releases',
      expected: 'target v1.14.0-rc.1',
      situation: { available: factory, running: ['v1.13.9'], known: { 'v1.14.0-rc.1': 0 } },
      changed: { pin: 'v1.14.0-rc.1', channel: 'prerelease' },
    },
  ])('$name: $expected', ({ expected, situation, changed }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('a rollout that has begun', () => {
  const newer = [...factory, 'v1.13.10']
  test.each<{ name: string; expected: string; situation: Situation; changed?: Partial<ReleasePolicy> }>([
    {
      name: 'is finished, not overtaken',
      expected: 'target v1.13.9',
      situation: { available: newer, running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
    },
    {
      name: 'is finished, even if the Factory no longer lists it',
      expected: 'target v1.13.9',
      situation: { available: ['v1.13.8'], running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
    },
    {
      name: 'that no node runs yet may be overtaken',
      expected: 'target v1.13.10',
      situation: { available: newer, running: ['v1.13.8'], underWay: 'v1.13.9' },
    },
    {
      name: 'that every node runs is over',
      expected: 'target v1.13.10',
      situation: { available: newer, running: ['v1.13.9', 'v1.13.9'], underWay: 'v1.13.9' },
    },
    {
      name: 'ends when a person skips its release',
      expected: 'target v1.13.10',
      situation: { available: newer, running: ['v1.13.9', 'v1.13.8'], underWay: 'v1.13.9' },
      changed: { skip: ['v1.13.9'] },
    },
    {
      name: 'waits for a node that comes back from far behind',
      expected: 'target v1.10.9',
      situation: {
        available: ['v1.10.9', ...newer],
        running: ['v1.13.9', 'v1.10.0'],
        underWay: 'v1.13.9',
        kubernetes: 'v1.33.0',
      },
    },
  ])('$name: $expected', ({ expected, situation, changed }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})
