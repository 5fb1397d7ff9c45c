import { describe, expect, test } from 'vitest'
import { surplusOf } from '../../../src/core/release/retention.ts'
import type { WantedImage } from '../../../src/core/release/staging.ts'
import { board, built, mini, nameOf, stagedOf } from './wanted.ts'

describe('what is taken away', () => {
  const later = new Date('2026-12-24T00:00:00.000Z')
  const surplus = (
    given: Partial<Parameters<typeof surplusOf>[0]>,
    { keep = 2, images = [mini] }: { readonly keep?: number; readonly images?: readonly WantedImage[] } = {},
  ) => {
    const taken = surplusOf({ images, staged: [], names: [], inUse: [], fresh: [], now: later, ...given }, keep)
    return [...taken.images.map(({ version, architecture }) => `${version} ${architecture}`), ...taken.names]
  }
  const several = (image: WantedImage, ...versions: readonly string[]) => versions.map((one) => stagedOf(image, one))

  test('is what the name served before the last ones', () => {
    const staged = several(mini, 'v1.13.9', 'v1.13.8', 'v1.13.7', 'v1.13.6')
    expect(surplus({ staged, names: [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7', 'v1.13.6'])] })).toEqual([
      'v1.13.7 amd64',
      'v1.13.6 amd64',
    ])
  })

  test('and of what it never served all but the newest', () => {
    const staged = several(mini, 'v1.13.9', 'v1.13.7', 'v1.13.6', 'v1.13.5')
    expect(surplus({ staged, names: [nameOf(mini, 'v1.13.9')] })).toEqual(['v1.13.5 amd64'])
  })

  test('never what a node runs or may go back to', () => {
    const staged = several(mini, 'v1.13.9', 'v1.13.8', 'v1.13.7', 'v1.13.6', 'v1.13.5')
    const inUse = [
      { version: 'v1.13.6', schematic: 'mini' },
      { version: 'v1.13.5', schematic: undefined },
      { version: 'v1.13.7', schematic: 'another' },
    ]
    const names = [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7', 'v1.13.6', 'v1.13.5'])]
    expect(surplus({ staged, names, inUse })).toEqual(['v1.13.7 amd64'])
  })

  test('nor what was just staged, nor what a name serves that no image has any more', () => {
    const staged = several(mini, 'v1.13.9', 'v1.13.4', 'v1.13.3', 'v1.13.2', 'v1.13.1')
    const names = [nameOf(mini, 'v1.13.9'), { ...nameOf(mini, 'v1.13.2'), file: 'old.efi' }]
    expect(surplus({ staged, names, fresh: [staged.at(-1)!] }, { keep: 1 })).toEqual(['v1.13.3 amd64'])
  })

  test.each([
    { name: 'within the hour', at: '2026-11-09T00:59:59.000Z', taken: ['v1.13.7 amd64'] },
    { name: 'before our clock went back', at: '2026-11-01T00:00:00.000Z', taken: ['v1.13.7 amd64'] },
    { name: 'an hour ago', at: '2026-11-09T01:00:00.000Z', taken: ['v1.13.8 amd64', 'v1.13.7 amd64'] },
  ])('nor what a name served until $name: a machine may still read it', ({ at, taken }) => {
    const staged = several(mini, 'v1.13.9', 'v1.13.8', 'v1.13.7')
    const names = [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7'])]
    const former = names[0]!.history.map((one) => ({ ...one, publishedAt: '2026-10-01T00:00:00.000Z' }))
    expect(surplus({ staged, names: [{ ...names[0]!, history: former }], now: new Date(at) }, { keep: 1 })).toEqual(
      taken,
    )
  })

  test('nor a name that machines boot, whatever became of its image', () => {
    expect(surplus({ names: [nameOf(mini, 'v1.13.9')] })).toEqual([])
    expect(surplus({ names: [nameOf(board, 'v1.13.9')] }, { images: [mini, board] })).toEqual([])
  })

  test('nor the last images before one that is gone', () => {
    const staged = several(mini, 'v1.13.8', 'v1.13.7')
    const names = [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7'])]
    expect(surplus({ staged, names }, { keep: 1 })).toEqual(['v1.13.7 amd64'])
  })

  test('and of what was never published at all, all but the newest', () => {
    expect(surplus({ staged: several(mini, 'v1.13.9', 'v1.13.8', 'v1.13.7') })).toEqual(['v1.13.7 amd64'])
  })

  test('not counting what is gone already', () => {
    const staged = several(mini, 'v1.13.9', 'v1.13.7', 'v1.13.6')
    const names = [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7', 'v1.13.6'])]
    expect(surplus({ staged, names })).toEqual(['v1.13.6 amd64'])
  })

  test.each([
    { name: 'another processor', other: board },
    { name: 'another schematic', other: { ...mini, name: 'gpu', schematicId: 'gpu', file: 'gpu.efi' } },
  ])('is not counted with images for $name', ({ other }) => {
    const staged = [...several(other, 'v1.13.6'), ...several(mini, 'v1.13.7')]
    expect(surplus({ staged }, { images: [mini, other], keep: 1 })).toEqual([])
  })

  test('is not given to an image for another processor because of its schematic', () => {
    const former = { ...mini, schematicId: 'former' }
    const staged = [...several(mini, 'v1.13.9'), ...several(former, 'v1.13.8')]
    const [name] = [nameOf(mini, 'v1.13.9')]
    const history = [{ ...built, schematic: 'former', version: 'v1.13.8', publishedAt: '2026-11-08T00:00:00.000Z' }]
    const images = [mini, { ...board, schematicId: 'former' }]
    expect(surplus({ staged, names: [{ ...name, history }] }, { images })).toEqual([])
  })

  test('is counted for each image apart', () => {
    const staged = [...several(mini, 'v1.13.9', 'v1.13.8', 'v1.13.7'), ...several(board, 'v1.13.9', 'v1.13.8')]
    const names = [nameOf(mini, 'v1.13.9', ['v1.13.8', 'v1.13.7']), nameOf(board, 'v1.13.9'), nameOf(board, 'v1.13.8')]
    expect(surplus({ staged, names }, { images: [mini, board] })).toEqual(['v1.13.7 amd64'])
    expect(surplus({ staged, names }, { images: [mini, board], keep: 1 })).toEqual([
      'v1.13.8 amd64',
      'v1.13.7 amd64',
      'v1.13.8 arm64',
      'board-v1.13.8.efi',
    ])
  })

  test('keeps what a schematic made before its last edit, and not what another image has', () => {
    const former = { ...mini, schematicId: 'before the edit' }
    const other = { ...mini, name: 'other', schematicId: 'other', file: 'other.efi' }
    const staged = [...several(mini, 'v1.13.9'), ...several(former, 'v1.13.9'), ...several(other, 'v1.13.9')]
    const names = [
      {
        ...nameOf(mini, 'v1.13.9'),
        history: [{ ...built, schematic: former.schematicId, version: 'v1.13.9', publishedAt: '' }],
      },
      nameOf(other, 'v1.13.9'),
    ]
    expect(surplus({ staged, names }, { images: [mini, other] })).toEqual([])
  })
})
