import { expect, test } from 'vitest'
import type { PublishedName } from '../../../src/core/release/published.ts'
import { rate } from '../../../src/core/release/rate.ts'
import { judgeShare } from '../../../src/core/release/share-health.ts'

const name = (file: string, fault?: string): PublishedName => ({
  file,
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
const expected = { directory: '/srv/pxe', used: 2, changed: 'restore' } as const

test('a share whose names are as they were published is well', () => {
  expect(judgeShare({ names: [name('a.efi'), name('b.efi')] }, expected)).toEqual({
    away: undefined,
    changed: new Map(),
  })
})

test('a name that something else has changed is told by itself, with what comes of it', () => {
  const names = [name('a.efi'), name('b.efi', 'is gone')]
  const { changed } = judgeShare({ names }, expected)
  expect([...changed]).toEqual([
    [
      'b.efi',
      {
        severity: 'warning',
        subject: 'share',
        text: 'b.efi, published as v1.13.9, is gone: something else writes to the share',
        action: 'It is published again by itself; find out what has changed it',
      },
    ],
  ])
  expect(judgeShare({ names }, { ...expected, changed: 'report' }).changed.get('b.efi')?.action).toContain(
    '`caretaker stage`',
  )
})

test('a share that does not answer is away, and so is one that is empty where it was not', () => {
  expect(judgeShare({ fault: 'the share does not answer' }, expected).away?.text).toBe('the share does not answer')
  expect(judgeShare({ names: [] }, expected).away?.text).toMatch(
    /^\/srv\/pxe is empty, where 2 images were published: is the share mounted\?/,
  )
  expect(judgeShare({ names: [] }, { ...expected, used: 0 }).away).toBeUndefined()
  expect(judgeShare({ names: [] }, { ...expected, used: 1 }).away).toMatchObject({
    severity: 'warning',
    subject: 'share',
    text: expect.stringContaining('/srv/pxe is empty, where an image was published'),
  })
})

test.each([
  ['20MB/s', 20_000_000],
  ['1.5MiB/s', 1_572_864],
  [' 500 kB/s', 500_000],
  ['4KiB/s', 4_096],
  ['2048B/s', 2_048],
  ['1B/s', undefined],
  ['0MB/s', undefined],
  ['20 Mbit/s', undefined],
  ['fast', undefined],
])('the rate %s is %s', (text, bytes) => {
  expect(rate(text)).toBe(bytes)
})
