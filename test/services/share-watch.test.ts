import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import type { PublishedName } from '../../src/core/release/published.ts'
import type { ShareHealth } from '../../src/core/release/share-health.ts'
import { watchShare } from '../../src/services/share-watch/watch.ts'

const name = (fault?: string): PublishedName => ({
  file: 'boot.efi',
  fault,
  bytes: 1,
  version: 'v1.13.9',
  schematic: 'a',
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  publishedAt: '2026-11-22T00:00:00.000Z',
  history: [],
})

/** A watch over a share that looks one way after another; the last look stays. */
async function watched(
  looks: readonly (readonly PublishedName[] | Error)[],
  changed: 'restore' | 'report' = 'restore',
) {
  const stop = new AbortController()
  const told: ShareHealth[] = []
  const restored: string[] = []
  let looked = 0
  const ended = watchShare({
    names: async () => {
      const look = looks[Math.min(looked++, looks.length - 1)]!
      if (look instanceof Error) throw look
      return look
    },
    settings: () => ({ directory: '/srv/pxe', checkEvery: 1, changed }),
    used: () => 1,
    tell: (health) => void told.push(health),
    changed: async (file) => void restored.push(file),
    signal: stop.signal,
  })
  await expect.poll(() => looked > looks.length + 2).toBe(true)
  stop.abort()
  await ended
  return { told, restored }
}

test('what something else has changed is told, and asked to be published again once', async () => {
  const { told, restored } = await watched([[name()], [name('is gone')]])
  expect(told[0]?.changed.size).toBe(0)
  expect(told.at(-1)?.changed.get('boot.efi')?.text).toContain('is gone')
  expect(restored).toEqual(['boot.efi'])
})

test('what changes in another way is asked for again, and so is what comes back', async () => {
  const { restored } = await watched([[name('is gone')], [name('has 4 bytes')], [name()], [name('is gone')]])
  expect(restored).toEqual(['boot.efi', 'boot.efi', 'boot.efi'])
})

test('by policy nothing is asked for', async () => {
  const { told, restored } = await watched([[name('is gone')]], 'report')
  expect(told.at(-1)?.changed.size).toBe(1)
  expect(restored).toEqual([])
})

test('a share that is away at one look alone is no news, and one that stays away is', async () => {
  const away = new AgentError('unreachable', 'the share does not answer')
  const blip = await watched([[name()], away, [name()]])
  expect(blip.told.every((health) => health.away === undefined)).toBe(true)
  const gone = await watched([[name()], away])
  expect(gone.told.at(-1)?.away?.text).toBe('the share does not answer')
  const empty = await watched([[]])
  expect(empty.told.at(-1)?.away?.text).toMatch(/is the share mounted/)
})
