import { describe, expect, test } from 'vitest'
import type { ReleasePolicy } from '../../../src/core/release/policy.ts'
import { type Situation, decide } from './way-situations.ts'

describe('a release that was withdrawn', () => {
  const withdrawn = ['v1.14.1']
  test.each<{ name: string; situation: Situation; changed?: Partial<ReleasePolicy>; expected: string }>([
    {
      name: 'gives way to the patch that came with it',
      situation: { available: ['v1.13.9', 'v1.13.10', 'v1.14.0'], running: ['v1.13.9'], withdrawn },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9; v1.14.1 was withdrawn by the Image Factory',
    },
    {
      name: 'is begun by no further node, and those that run it are left alone',
      situation: {
        available: ['v1.13.9', 'v1.13.10'],
        running: ['v1.14.1', 'v1.13.9'],
        withdrawn,
        underWay: 'v1.14.1',
      },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9; v1.14.1 was withdrawn by the Image Factory',
    },
    {
      name: 'leaves its line to the release before it',
      situation: {
        available: ['v1.13.10', 'v1.14.0'],
        running: ['v1.14.1', 'v1.13.10'],
        withdrawn,
        underWay: 'v1.14.1',
      },
      expected:
        'target v1.14.0: the newest of the next minor version, from v1.13.10; v1.14.1 was withdrawn by the Image Factory',
    },
    {
      name: 'is the reason where nothing else is newer',
      situation: { available: ['v1.13.9'], running: ['v1.14.1', 'v1.13.9'], withdrawn, underWay: 'v1.14.1' },
      expected: 'current: v1.14.1 was withdrawn by the Image Factory, and nothing else is newer than v1.13.9',
    },
    {
      name: 'is not begun by a pin either',
      situation: { available: ['v1.13.9'], running: ['v1.13.9'], withdrawn },
      changed: { pin: 'v1.14.1' },
      expected: 'current: v1.14.1 was withdrawn by the Image Factory, and nothing else is newer than v1.13.9',
    },
    {
      name: 'leaves the way to the pin open',
      situation: { available: ['v1.13.9', 'v1.13.10'], running: ['v1.13.9'], withdrawn },
      changed: { pin: 'v1.14.1' },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9; v1.14.1 was withdrawn by the Image Factory',
    },
    {
      name: 'is not begun where one of the replicas still offers it',
      situation: { available: ['v1.13.9', 'v1.14.1'], running: ['v1.13.9'], withdrawn },
      expected: 'current: v1.14.1 was withdrawn by the Image Factory, and nothing else is newer than v1.13.9',
    },
    {
      name: 'is no news where nobody would have gone there',
      situation: { available: ['v1.13.9'], running: ['v1.13.9'], withdrawn: ['v1.10.3', 'v1.14.0-rc.0'] },
      expected: 'current: v1.13.9 is the newest',
    },
  ])('$name', ({ situation, changed = {}, expected }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})

describe('a release that was decided on and has vanished', () => {
  const vanished = ['v1.14.1']
  const goesOn =
    'The rollout continues when v1.14.1 or a newer release is listed, or when v1.14.1 is added to upgrade.skip'
  const held = `wait v1.14.1: the Factory no longer lists v1.14.1, although it was not withdrawn: no more nodes are upgraded. ${goesOn}`
  test.each<{ name: string; situation: Situation; changed?: Partial<ReleasePolicy>; expected: string }>([
    { name: 'is waited for', situation: { available: ['v1.13.9'], running: ['v1.13.9'], vanished }, expected: held },
    {
      name: 'gives no way to an older one',
      situation: { available: ['v1.13.9', 'v1.14.0'], running: ['v1.13.9'], vanished },
      expected: held,
    },
    {
      name: 'is begun by no further node',
      situation: { available: ['v1.13.9'], running: ['v1.14.1', 'v1.13.9'], underWay: 'v1.14.1', vanished },
      expected: held,
    },
    {
      name: 'gives way to a newer one',
      situation: { available: ['v1.14.0', 'v1.14.2'], running: ['v1.13.9'], vanished },
      expected: 'target v1.14.2: the newest of the next minor version, from v1.13.9',
    },
    {
      name: 'keeps nobody from the newest patch of their own line',
      situation: { available: ['v1.13.9', 'v1.13.10', 'v1.14.0'], running: ['v1.13.9'], vanished },
      expected: 'target v1.13.10: the newest patch of 1.13, from v1.13.9',
    },
    {
      name: 'is forgotten when a person skips it',
      situation: { available: ['v1.13.9', 'v1.14.0'], running: ['v1.13.9'], vanished },
      changed: { skip: ['v1.14.1'] },
      expected: 'target v1.14.0: the newest of the next minor version, from v1.13.9',
    },
  ])('$name', ({ situation, changed = {}, expected }) => {
    expect(decide(situation, changed)).toBe(expected)
  })
})
