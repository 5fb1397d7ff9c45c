import { describe, expect, test } from 'vitest'
import type { AcceptedWarning, StorageFacts, StorageWarning } from '../../../src/core/cluster/cluster.ts'
import {
  blockingStorage,
  describeAccepted,
  leavingStorageObstacle,
  storageObstacle,
} from '../../../src/core/cluster/storage.ts'

const now = new Date('2026-11-26T12:00:00Z')
const degraded: StorageWarning = {
  name: 'pvc-1',
  alias: 'media/films',
  text: 'longhorn volume pvc-1 (media/films) is degraded',
  endangers: 'redundancy',
}
const faulted: StorageWarning = { ...degraded, text: 'longhorn volume pvc-1 is faulted', endangers: 'data' }
const attaching: StorageWarning = { ...degraded, text: 'longhorn volume pvc-1 is attaching', endangers: 'unknown' }
const crash: StorageWarning = { name: 'RECENT_CRASH', text: 'ceph: RECENT_CRASH', endangers: 'nothing' }
const full: StorageWarning = { name: 'OSD_NEARFULL', text: 'ceph: OSD_NEARFULL', endangers: 'redundancy' }
const accept = (name: string, until = '2026-12-31', reason?: string): AcceptedWarning => ({
  name,
  until: Date.parse(until),
  ...(reason === undefined ? {} : { reason }),
})
const facts = (...unwell: readonly StorageWarning[]): StorageFacts => ({
  systems: ['longhorn', 'ceph'],
  unwell,
  lastReplicas: new Map([['w-1', ['pvc-9']]]),
})

describe('a warning of storage keeps nodes', () => {
  test.each<[string, StorageWarning[], AcceptedWarning[], string | undefined]>([
    ['when copies are missing', [degraded], [], `storage is not healthy: ${degraded.text}`],
    [
      'with how many others there are',
      [full, degraded, crash],
      [],
      `storage is not healthy: ${full.text} (and 1 more)`,
    ],
    ['when another one is accepted', [degraded], [accept('pvc-2')], `storage is not healthy: ${degraded.text}`],
    [
      'when it was accepted until now',
      [full],
      [accept('OSD_NEARFULL', now.toISOString())],
      `storage is not healthy: ${full.text}`,
    ],
    [
      'when data are lost, whatever is accepted',
      [faulted],
      [accept('pvc-1')],
      `storage is not healthy: ${faulted.text}`,
    ],
    ['when it may be anything', [attaching], [accept('pvc-1')], `storage is not healthy: ${attaching.text}`],
    ['but not when it endangers nothing', [crash], [], undefined],
    ['but not when it is accepted by its name', [degraded], [accept('pvc-1')], undefined],
    [
      'but not when it is accepted by what people call it',
      [degraded, full],
      [accept('media/films'), accept('OSD_NEARFULL')],
      undefined,
    ],
    [
      'but not when the second of two acceptances is good',
      [full],
      [accept('OSD_NEARFULL', '2026-01-01'), accept('OSD_NEARFULL')],
      undefined,
    ],
    ['and there may be none', [], [accept('pvc-1')], undefined],
  ])('%s', (_, unwell, accepted, obstacle) => {
    expect(storageObstacle(facts(...unwell), accepted, now)).toBe(obstacle)
    expect(blockingStorage(facts(...unwell), accepted, now).length > 0).toBe(obstacle !== undefined)
  })
})

describe('a node that is drained may not be rebooted', () => {
  test.each<[string, StorageWarning[], string, string | undefined]>([
    ['when it holds the last copy of something', [], 'w-1', 'it holds the last healthy replica of pvc-9'],
    ['when data are in danger anywhere', [crash, full, faulted], 'w-2', `storage is not healthy: ${faulted.text}`],
    ['but for copies that its own drain has taken away', [degraded, attaching, full], 'w-2', undefined],
  ])('%s', (_, unwell, node, obstacle) => {
    expect(leavingStorageObstacle(facts(...unwell), node)).toBe(obstacle)
  })
})

test('what is accepted is told with its end and its reason, and so is what can’t be, or is no longer', () => {
  const tell = (warning: StorageWarning, ...accepted: AcceptedWarning[]) =>
    describeAccepted(facts(warning), accepted, now)
  expect(tell(degraded, accept('media/films', '2027-01-01', 'two nodes'))).toEqual([
    `accepted until 2026-12-31 23:59 UTC (two nodes): ${degraded.text}`,
  ])
  expect(tell(full, accept('OSD_NEARFULL'))).toEqual([`accepted until 2026-12-30 23:59 UTC: ${full.text}`])
  expect(tell(full, accept('OSD_NEARFULL', '2026-11-26'))).toEqual([
    `OSD_NEARFULL is no longer accepted since 2026-11-25 23:59 UTC: ${full.text}`,
  ])
  expect(tell(faulted, accept('pvc-1'))).toEqual([
    `storage.accept names pvc-1, but this can't be accepted: ${faulted.text}`,
  ])
  expect([tell(full), tell(crash, accept('RECENT_CRASH'))]).toEqual([[], []])
})
