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

interface Given {
  readonly changed?: 'restore' | 'report'
  /** What the last staging needs of the share, where it has failed. */
  readonly waits?: { readonly needed?: number }
  /** Why it can't be written, one look after another; the last stays. */
  readonly refuses?: readonly (string | Error | undefined)[]
}

/** A watch over a share that looks one way after another; the last look stays. */
async function watched(
  looks: readonly (readonly PublishedName[] | Error)[],
  { changed = 'restore', waits, refuses = [undefined] }: Given = {},
) {
  const stop = new AbortController()
  const told: ShareHealth[] = []
  const restored: string[] = []
  const asked: (number | undefined)[] = []
  let returned = 0
  let waiting = waits
  let looked = 0
  const ended = watchShare({
    names: async () => {
      const look = looks[Math.min(looked++, looks.length - 1)]!
      if (look instanceof Error) throw look
      return look
    },
    settings: () => ({ directory: '/srv/pxe', checkEvery: 1, changed }),
    used: () => 1,
    waits: (directory) => (directory === '/srv/pxe' ? waiting : undefined),
    whyNotWritable: async (needed) => {
      const why = refuses[Math.min(asked.push(needed), refuses.length) - 1]
      if (why instanceof Error) throw why
      return why
    },
    returned: async () => {
      returned += 1
      waiting = undefined
    },
    tell: (health) => void told.push(health),
    changed: async (file) => void restored.push(file),
    signal: stop.signal,
  })
  const hasAsked = () => refuses.length === 1 || asked.length === refuses.length
  await expect.poll(() => looked > looks.length + 2 && hasAsked()).toBe(true)
  stop.abort()
  await ended
  return { told, restored, returned, asked }
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
  const { told, restored } = await watched([[name('is gone')]], { changed: 'report' })
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

test('a share that is back is staged on again, once', async () => {
  const away = new AgentError('misconfigured', 'the share can’t be read')
  expect(await watched([[name()], away, away, [name()]])).toMatchObject({ returned: 1, asked: [undefined] })
  // One that is empty was not mounted.
  expect(await watched([[], [], [name()]])).toMatchObject({ returned: 1 })
  expect(await watched([[name()]])).toMatchObject({ returned: 0, asked: [] })
  expect(await watched([[name()], away])).toMatchObject({ returned: 0, asked: [] })
})

test('a share that has refused an image is staged on again as soon as it takes one', async () => {
  const full = 'the share has 5 MB free and needs 6 MB'
  const refuses = [full, new AgentError('unreachable', 'no answer'), full, undefined]
  const { returned, asked } = await watched([[name()]], { waits: { needed: 6e6 }, refuses })
  expect({ returned, asked }).toEqual({ returned: 1, asked: [6e6, 6e6, 6e6, 6e6] })
})

test('a share that is back and can’t be written is not staged on', async () => {
  const away = new AgentError('unreachable', 'the share does not answer')
  const refuses = ['it is mounted read-only']
  expect(await watched([away, [name()]], { refuses })).toMatchObject({ returned: 0, asked: [undefined] })
})
