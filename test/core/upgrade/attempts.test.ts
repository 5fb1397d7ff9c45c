import { describe, expect, test } from 'vitest'
import type { Attempts, CordonMark } from '../../../src/core/cluster/cluster.ts'
import {
  attemptsOf,
  bootedOldSystem,
  describeRunning,
  exhausted,
  goesByFirmware,
  markForRetry,
  markOf,
  nextCount,
  rollbackNote,
} from '../../../src/core/upgrade/attempts.ts'
import { armedEntries, type NodeChoices, schematic, worker } from '../cluster/nodes.ts'
import { policy, target } from './rollout.ts'

const mark: CordonMark = {
  why: 'upgrade',
  at: '2026-03-07T02:00:00Z',
  release: 'v1.13.9',
  schematic,
  bootId: 'boot-1',
  rebooting: true,
}
/** It ran v1.13.8 in boot-1, was told to boot v1.13.9, and has booted since. */
const came = (talos: NodeChoices['talos'] = {}, cordon: CordonMark | undefined = mark, attempts?: Attempts) =>
  worker('w-1', {
    talos: talos === 'silent' ? talos : { bootId: 'boot-2', ...talos },
    kubernetes: { unschedulable: true, cordon, attempts },
  })

describe('a node has booted its previous release', () => {
  const { rebooting: _, ...notRebooting } = mark
  const installed: CordonMark = { ...notRebooting, installer: 'succeeded' }
  test.for<{ name: string; talos?: NodeChoices['talos']; mark?: CordonMark; expected: boolean }>([
    { name: 'where it runs that after the reboot', expected: true },
    { name: 'not before it has rebooted', talos: { bootId: 'boot-1' }, expected: false },
    { name: 'not where it runs the new one', talos: { version: 'v1.13.9' }, expected: false },
    {
      name: 'where it runs the same release of the previous schematic',
      talos: { version: 'v1.13.9', schematic: 'f'.repeat(64) },
      expected: true,
    },
    { name: 'not as long as it boots', talos: { stage: 'booting' }, expected: false },
    { name: 'not while it is silent', talos: 'silent', expected: false },
    { name: 'not where it was to go back', mark: { ...mark, back: true }, expected: false },
    { name: 'not where a newer one runs than was wanted', talos: { version: 'v1.14.0' }, expected: false },
    {
      name: 'not where what runs is of no official release',
      talos: { version: 'v1.13.8-3-gab12cd3' },
      expected: false,
    },
    { name: 'not where the mark names no release', mark: { ...mark, release: undefined } as never, expected: false },
    {
      name: 'not where another machine answers now',
      talos: { machineId: 'b' },
      mark: { ...mark, machineId: 'a' },
      expected: false,
    },
    {
      name: 'where the same machine answers',
      talos: { machineId: 'a' },
      mark: { ...mark, machineId: 'a' },
      expected: true,
    },
    { name: 'where nobody knows which machine it was', talos: { machineId: 'b' }, expected: true },
    { name: 'where the machine does not say which it is', mark: { ...mark, machineId: 'a' }, expected: true },
    { name: 'where it was installed, and something else has rebooted it', mark: installed, expected: true },
    {
      name: 'not where the installer did not end well',
      mark: { ...installed, installer: 'started' } as never,
      expected: false,
    },
    { name: 'not where nothing was to be booted', mark: notRebooting, expected: false },
    {
      name: 'not where it is armed now: that was installed since',
      talos: { ...armedEntries },
      mark: installed,
      expected: false,
    },
    {
      name: 'where the mark names no schematic, by its release alone',
      talos: { schematic: 'f'.repeat(64) },
      mark: { ...mark, schematic: undefined } as never,
      expected: true,
    },
    {
      name: 'not where it runs the release, and the mark names no schematic',
      talos: { version: 'v1.13.9', schematic: 'f'.repeat(64) },
      mark: { ...mark, schematic: undefined } as never,
      expected: false,
    },
  ])('$name', ({ talos, mark: cordon = mark, expected }) => {
    expect(bootedOldSystem(came(talos, cordon), cordon)).toBe(expected)
  })

  test('not where there is no mark of ours', () => {
    expect(bootedOldSystem(came(), undefined)).toBe(false)
  })

  test('and that is noted, with what was known of earlier attempts at this release', () => {
    expect(rollbackNote(came(), 'v1.13.9', mark)).toEqual({
      release: 'v1.13.9',
      count: 1,
      failure: 'rolled back to v1.13.8',
      rolledBack: true,
    })
    const second: Attempts = { release: 'v1.13.9', count: 2, failure: 'it does not boot', powercycled: true }
    expect(rollbackNote(came({}, mark, second), 'v1.13.9', mark)).toEqual({ ...second, rolledBack: true })
    const other: Attempts = { release: 'v1.13.7', count: 2, failure: 'it does not boot' }
    expect(rollbackNote(came({}, mark, other), 'v1.13.9', mark)).toMatchObject({ count: 1, release: 'v1.13.9' })
    const noted: Attempts = { release: 'v1.13.9', count: 1, failure: 'rolled back to v1.13.8', rolledBack: true }
    expect(rollbackNote(came({ bootId: 'boot-1' }, mark, noted), 'v1.13.9', mark)).toEqual(noted)
  })

  test('and nothing is noted where it has not, or is silent', () => {
    expect(rollbackNote(came({ version: 'v1.13.9' }), 'v1.13.9', mark)).toBeUndefined()
    const noted: Attempts = { release: 'v1.13.9', count: 1, rolledBack: true }
    expect(rollbackNote(came('silent', mark, noted), 'v1.13.9', mark)).toBeUndefined()
    expect(rollbackNote(worker('w-1', { kubernetes: 'silent' }), 'v1.13.9', mark)).toBeUndefined()
  })

  test('and that counts for nothing any more once a person asks for a retry', () => {
    const kept = { ...mark, installer: 'succeeded' } as const
    const { rebooting: _, installer: __, ...rest } = kept
    expect(markForRetry(came({}, kept))).toEqual({ ...rest, bootId: 'boot-2' })
    expect(markForRetry(came({ version: 'v1.13.9' }))).toBeUndefined()
    expect(markForRetry(came('silent'))).toBeUndefined()
    expect(markForRetry(worker('w-1'))).toBeUndefined()
  })
})

describe('our mark', () => {
  test('is a cordon for an upgrade, and no other', () => {
    expect(markOf(came())).toEqual(mark)
    expect(markOf(came({}, { why: 'power', at: mark.at }))).toBeUndefined()
    expect(markOf(worker('w-1'))).toBeUndefined()
    expect(markOf(worker('w-1', { kubernetes: 'silent' }))).toBeUndefined()
  })
})

describe('after attempts', () => {
  const tried = (attempts: Omit<Attempts, 'release'> | undefined, release = 'v1.13.9') =>
    worker('w-1', attempts ? { kubernetes: { attempts: { release, ...attempts } } } : {})
  const failure = 'it does not boot'
  const cycle = { ...policy, afterRollback: 'powercycle' } as const
  test.for<{
    name: string
    attempts: Omit<Attempts, 'release'> | undefined
    count: number
    stops: boolean[]
    firmware: boolean[]
  }>([
    { name: 'none', attempts: undefined, count: 1, stops: [false, false], firmware: [false, false] },
    {
      name: 'one that was cut short',
      attempts: { count: 1 },
      count: 1,
      stops: [false, false],
      firmware: [false, false],
    },
    {
      name: 'one that failed',
      attempts: { count: 1, failure },
      count: 2,
      stops: [false, false],
      firmware: [false, false],
    },
    {
      name: 'two that failed',
      attempts: { count: 2, failure },
      count: 3,
      stops: [true, true],
      firmware: [false, false],
    },
    {
      name: 'one that booted the previous release',
      attempts: { count: 1, failure, rolledBack: true },
      count: 2,
      stops: [true, false],
      firmware: [false, true],
    },
    {
      name: 'one that did so again after a power cycle',
      attempts: { count: 2, failure, rolledBack: true, powercycled: true },
      count: 3,
      stops: [true, true],
      firmware: [true, true],
    },
    {
      name: 'one through the firmware that was cut short',
      attempts: { count: 2, powercycled: true },
      count: 2,
      stops: [false, false],
      firmware: [true, true],
    },
  ])(
    '$name: whether a person is asked, and whether the firmware is gone through, without and with a power cycle allowed',
    (row) => {
      const node = tried(row.attempts)
      expect(nextCount(node, target)).toBe(row.count)
      expect([policy, cycle].map((one) => exhausted(node, target, one))).toEqual(row.stops)
      expect([policy, cycle].map((one) => goesByFirmware(node, target, one))).toEqual(row.firmware)
    },
  )

  test('at another release, or unknown ones, this one begins anew', () => {
    expect(attemptsOf(tried({ count: 2, failure }, 'v1.13.7'), target)).toEqual({ count: 0 })
    expect(attemptsOf(worker('w-1', { kubernetes: 'silent' }), target)).toEqual({ count: 0 })
  })
})

test('what a node runs is told by release and schematic', () => {
  expect(describeRunning(worker('w-1'))).toBe(`v1.13.8 of ${schematic.slice(0, 12)}`)
  expect(describeRunning(worker('w-1', { talos: { schematic: undefined } }))).toBe('v1.13.8')
  expect(describeRunning(worker('w-1', { talos: 'silent' }))).toBe('nothing')
})
