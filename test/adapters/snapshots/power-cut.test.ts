import { expect, test } from 'vitest'
import { recordDisk } from '../../lab/disk-recorder.ts'
import { startSnapshotsLab } from './lab.ts'

test('a snapshot that has its name is whole after a power cut, with its label, and keeps its name', async () => {
  await using at = await startSnapshotsLab()
  using disk = recordDisk()
  const { file } = await at.keep()
  const renamed = disk.events.flatMap(({ did, path }) => (did === 'rename' ? [path] : []))
  expect(renamed).toEqual([file])
  expect(disk.namedTooEarly()).toEqual([])
  expect(disk.losableNames()).toEqual([])
  // The label has its final name from the start, so it is flushed before the snapshot gets its own.
  const label = disk.events.filter(({ path }) => path.startsWith(file) && path !== file).map(({ did }) => did)
  expect(label).toEqual(['write', 'sync'])
  const order = disk.events.map(
    ({ did, path }) => `${did} ${path === file ? 'snapshot' : path.startsWith(file) ? 'label' : ''}`,
  )
  expect(order.indexOf('sync label')).toBeLessThan(order.indexOf('rename snapshot'))
})
