import { describe, expect, test } from 'vitest'
import {
  imagesOf,
  type ImageSettings,
  isNameOf,
  publishedName,
  type StagedImage,
} from '../../../src/core/release/image.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import { surplusOf } from '../../../src/core/release/retention.ts'
import { planStaging, type StagingView, type WantedImage } from '../../../src/core/release/staging.ts'

const built = { architecture: 'amd64', secureBoot: false, kind: 'uki' } as const
const mini: WantedImage = {
  ...built,
  name: 'mini',
  schematic: 'homelab',
  schematicId: 'mini',
  kernelArguments: ['net.ifnames=0'],
  file: 'mini.efi',
  nodes: [],
  diskless: false,
}
const board: WantedImage = { ...mini, name: 'board', architecture: 'arm64', file: 'board-{version}.efi' }

function stagedOf(image: WantedImage, version: string, publishedAs: readonly string[] = []): StagedImage {
  const { architecture, schematicId: schematic } = image
  const stagedAt = `2026-11-${version.split('.').at(-1)!.padStart(2, '0')}T00:00:00.000Z`
  const facts = { sha256: 'b', bytes: 1, stagedAt, path: version, publishedAs, published: publishedAs.length > 0 }
  return { ...built, architecture, schematic, version, ...facts }
}

function nameOf(image: WantedImage, version: string, former: readonly string[] = [], fault?: string): PublishedName {
  const { architecture, schematicId: schematic } = image
  const at = (of: string) => `2026-11-${of.split('.').at(-1)!.padStart(2, '0')}T00:00:00.000Z`
  const of = { ...built, architecture, schematic }
  const history = former.map((one) => ({ ...of, version: one, publishedAt: at(one) }))
  return { ...of, file: publishedName(image, version), version, publishedAt: at(version), bytes: 1, history, fault }
}

const usual: StagingView = {
  images: [mini, board],
  target: 'v1.13.10',
  hasNodes: true,
  running: ['v1.13.9'],
  silent: [],
  ran: [],
  offered: ['v1.13.9', 'v1.13.10'],
  withdrawn: [],
  requests: [],
  holds: {},
  staged: [stagedOf(mini, 'v1.13.9', ['mini.efi'])],
  names: [nameOf(mini, 'v1.13.9')],
}
const policy = { publish: 'when-rolled-out', withdrawn: 'replace', changed: 'restore' } as const

/** `v1.13.9 mini as mini.efi`, and `(done)` where nothing is left to do. */
function planned(view: Partial<StagingView>, rules: Partial<Parameters<typeof planStaging>[1]> = {}) {
  return planStaging({ ...usual, ...view }, { ...policy, ...rules }).orders.map(
    ({ image, order, publishAs, isDone }) =>
      `${order.version} ${image}${publishAs === undefined ? '' : ` as ${publishAs}`}${isDone ? ' (done)' : ''}`,
  )
}

describe('what is to be on the share', () => {
  test('of each image: what its name is to serve first, then the target release', () => {
    expect(planned({})).toEqual([
      'v1.13.9 mini as mini.efi (done)',
      'v1.13.9 board as board-v1.13.9.efi',
      'v1.13.10 mini',
      'v1.13.10 board',
    ])
  })

  test('and what a person wants, once', () => {
    expect(planned({ images: [mini], requests: ['v1.13.9', 'v1.12.11', 'v1.13.10'] })).toEqual([
      'v1.13.9 mini as mini.efi (done)',
      'v1.13.10 mini',
      'v1.12.11 mini',
    ])
  })

  test('not a target that was withdrawn', () => {
    expect(planned({ images: [mini], withdrawn: ['v1.13.10'] })).toEqual(['v1.13.9 mini as mini.efi (done)'])
  })

  test('with the kernel arguments of its schematic', () => {
    const { orders } = planStaging({ ...usual, images: [mini] }, policy)
    expect(orders[0]!.order).toEqual({
      ...built,
      schematic: 'mini',
      version: 'v1.13.9',
      kernelArguments: ['net.ifnames=0'],
    })
  })

  test.each([
    { name: 'was changed by something else, it is published again', changed: 'restore', says: 'as mini.efi' },
    { name: 'was changed, and is to be left so, it is only kept', changed: 'report', says: ' (done)' },
  ] as const)('where a name $name', ({ changed, says }) => {
    const names = [nameOf(mini, 'v1.13.9', [], 'has other bytes than were published')]
    expect(planned({ images: [mini], names }, { changed })[0]).toBe(
      changed === 'restore' ? `v1.13.9 mini ${says}` : `v1.13.9 mini${says}`,
    )
  })
})

describe('a name that a person has taken back', () => {
  const holds = { mini: { from: 'v1.13.9', version: 'v1.13.8', schematic: 'former' } }

  test('serves what it went back to, for as long as the same release would be published', () => {
    const { orders, remarks, overHolds } = planStaging({ ...usual, images: [mini], holds }, policy)
    expect(orders[0]).toMatchObject({ order: { version: 'v1.13.8', schematic: 'former' }, publishAs: 'mini.efi' })
    expect(remarks).toEqual({ mini: 'v1.13.9 was taken back by a person' })
    expect(overHolds).toEqual([])
  })

  test('goes on when another release is to be published', () => {
    const { orders, overHolds } = planStaging({ ...usual, images: [mini], holds, running: ['v1.13.10'] }, policy)
    expect(orders[0]).toMatchObject({ order: { version: 'v1.13.10' }, publishAs: 'mini.efi' })
    expect(overHolds).toEqual(['mini'])
  })
})

describe('a schematic that a person has taken back', () => {
  const hold = { from: 'v1.13.9', fromSchematic: 'edited', version: 'v1.13.9', schematic: 'former' }

  test.each([
    { name: 'stays so while it is as it was', schematicId: 'edited', serves: 'former', over: [] },
    { name: 'is over when it is edited again', schematicId: 'mended', serves: 'mended', over: ['mini'] },
  ])('$name', ({ schematicId, serves, over }) => {
    const images = [{ ...mini, schematicId }]
    const { orders, overHolds } = planStaging({ ...usual, images, holds: { mini: hold } }, policy)
    const kernelArguments = serves === 'former' ? [] : mini.kernelArguments
    expect(orders[0]).toMatchObject({ order: { version: 'v1.13.9', schematic: serves, kernelArguments } })
    expect(overHolds).toEqual(over)
  })
})

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

describe('the images of a configuration', () => {
  const settings: ImageSettings = {
    schematic: 'homelab',
    share: { image: 'metal-arm64-uki.efi', architecture: 'arm64' },
    images: [],
  }

  test('without a list are one', () => {
    expect(imagesOf(settings)).toEqual([
      {
        name: 'arm64',
        schematic: 'homelab',
        architecture: 'arm64',
        secureBoot: false,
        kind: 'uki',
        file: 'metal-arm64-uki.efi',
        nodes: [],
        diskless: false,
      },
    ])
  })

  test.each([
    { given: {}, file: 'metal-amd64-uki.efi' },
    { given: { architecture: 'arm64' }, file: 'metal-arm64-uki.efi' },
    { given: { secureBoot: true }, file: 'metal-amd64-secureboot-uki.efi' },
    { given: { kind: 'iso', secureBoot: true }, file: 'metal-amd64-secureboot.iso' },
    { given: { kind: 'kernel' }, file: 'metal-amd64.ipxe' },
    { given: { file: '{schematic}-{arch}.efi', schematic: 'gpu' }, file: 'gpu-amd64.efi' },
    { given: { file: 'talos-{version}.efi' }, file: 'talos-{version}.efi' },
    { given: { diskless: true }, file: 'one-metal-amd64-uki.efi' },
    { given: { diskless: true, file: 'w-3.efi' }, file: 'w-3.efi' },
  ] as const)('are published as $file', ({ given, file }) => {
    const setting = { ...built, name: 'one', nodes: [], diskless: false, ...given }
    expect(imagesOf({ ...settings, images: [setting] })[0]!.file).toBe(file)
  })

  test('with the release in its name are known by it', () => {
    const image = { file: 'talos-{version}.efi' }
    expect(publishedName(image, 'v1.13.9')).toBe('talos-v1.13.9.efi')
    const names = ['talos-v1.13.9.efi', 'talos-v1.14.0-rc.1.efi', 'talos-.efi', 'talos-latest.efi', 'talos-v1.13.9.iso']
    expect(names.filter((name) => isNameOf(image, name))).toEqual(names.slice(0, 2))
  })
})
