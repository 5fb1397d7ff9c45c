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
  test.each<{ name: string; unwell: StorageWarning[]; accepted: AcceptedWarning[]; obstacle: string | undefined }>([
    {
      name: 'when copies are missing',
      unwell: [degraded],
      accepted: [],
      obstacle: `storage is not healthy: ${degraded.text}`,
    },
    {
      name: 'with how many others there are',
      unwell: [full, degraded, crash],
      accepted: [],
      obstacle: `storage is not healthy: ${full.text} (and 1 more)`,
    },
    {
      name: 'when another one is accepted',
      unwell: [degraded],
      accepted: [accept('pvc-2')],
      obstacle: `storage is not healthy: ${degraded.text}`,
    },
    {
      name: 'when it was accepted until now',
      unwell: [full],
      accepted: [accept('OSD_NEARFULL', now.toISOString())],
      obstacle: `storage is not healthy: ${full.text}`,
    },
    {
      name: 'when data are lost, whatever is accepted',
      unwell: [faulted],
      accepted: [accept('pvc-1')],
      obstacle: `storage is not healthy: ${faulted.text}`,
    },
    {
      name: 'when it may be anything',
      unwell: [attaching],
      accepted: [accept('pvc-1')],
      obstacle: `storage is not healthy: ${attaching.text}`,
    },
    { name: 'but not when it endangers nothing', unwell: [crash], accepted: [], obstacle: undefined },
    {
      name: 'but not when it is accepted by its name',
      unwell: [degraded],
      accepted: [accept('pvc-1')],
      obstacle: undefined,
    },
    {
      name: 'but not when it is accepted by what people call it',
      unwell: [degraded, full],
      accepted: [accept('media/films'), accept('OSD_NEARFULL')],
      obstacle: undefined,
    },
    {
      name: 'but not when the second of two acceptances is good',
      unwell: [full],
      accepted: [accept('OSD_NEARFULL', '2026-01-01'), accept('OSD_NEARFULL')],
      obstacle: undefined,
    },
    { name: 'and there may be none', unwell: [], accepted: [accept('pvc-1')], obstacle: undefined },
  ])('$name', ({ unwell, accepted, obstacle }) => {
    expect(storageObstacle(facts(...unwell), accepted, now)).toBe(obstacle)
    expect(blockingStorage(facts(...unwell), accepted, now).length > 0).toBe(obstacle !== undefined)
  })
})

describe('a node that is drained may not be rebooted', () => {
  test.each<{ name: string; unwell: StorageWarning[]; node: string; obstacle: string | undefined }>([
    {
      name: 'when it holds the last copy of something',
      unwell: [],
      node: 'w-1',
      obstacle: 'it holds the last healthy replica of pvc-9',
    },
    {
      name: 'when data are in danger anywhere',
      unwell: [crash, full, faulted],
      node: 'w-2',
      obstacle: `storage is not healthy: ${faulted.text}`,
    },
    {
      name: 'but for copies that its own drain has taken away',
      unwell: [degraded, attaching, full],
      node: 'w-2',
      obstacle: undefined,
    },
  ])('$name', ({ unwell, node, obstacle }) => {
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
