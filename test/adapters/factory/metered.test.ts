import { expect, test } from 'vitest'
import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import { startFactoryLab } from './lab.ts'
import { soon } from '../../patience.ts'

test('each request is measured by what was asked, and by whether it was answered', async () => {
  await using started = await startFactoryLab('127.0.44.23', ['v1.13.9'])
  const meter = createMeter()
  const factory = createFactory(started.lab.url, { meter })
  const signal = soon()
  const offered = await factory.versions(signal)
  await factory.withdrawn(offered, signal)
  started.lab.faults.versionsNull = true
  await factory.versions(AbortSignal.abort()).catch(() => {})
  const counts = meter.read().filter(({ family, series }) => family.includes('factory') && series === '_count')
  expect(counts.map(({ labels, value }) => ({ ...labels, value }))).toEqual([
    { request: 'versions', outcome: 'ok', value: 1 },
    { request: 'withdrawn', outcome: 'ok', value: 1 },
    { request: 'versions', outcome: 'failed', value: 1 },
  ])
})
