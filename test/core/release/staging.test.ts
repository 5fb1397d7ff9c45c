import { describe, expect, test } from 'vitest'
import { imagesOf, type ImageSettings, isNameOf, publishedName } from '../../../src/core/release/image.ts'
import { planStaging, type StagingView } from '../../../src/core/release/staging.ts'
import { board, built, mini, nameOf, stagedOf } from './wanted.ts'

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

  test('where a name serves it, it is done only if the share says so as well', () => {
    const [own] = usual.staged
    const isDone = (staged: StagingView['staged']) => planned({ images: [mini], staged })[0]
    expect(isDone([own!, stagedOf(mini, 'v1.13.8')])).toBe('v1.13.9 mini as mini.efi (done)')
    expect(isDone([stagedOf(mini, 'v1.13.9')])).toBe('v1.13.9 mini as mini.efi')
  })

  test('what a person wants is told from what machines need', () => {
    const { orders } = planStaging({ ...usual, images: [mini], requests: ['v1.12.11'] }, policy)
    expect(orders.map(({ order, isRequest }) => [order.version, isRequest])).toEqual([
      ['v1.13.9', false],
      ['v1.13.10', false],
      ['v1.12.11', true],
    ])
  })

  test('without a target it is what nodes run alone, and nothing waits', () => {
    expect(planned({ images: [mini], target: undefined })).toEqual(['v1.13.9 mini as mini.efi (done)'])
    const { remarks, overHolds } = planStaging({ ...usual, images: [mini], running: ['v1.13.10'] }, policy)
    expect({ remarks, overHolds }).toEqual({ remarks: {}, overHolds: [] })
  })

  test('that a name does not serve the target yet has a reason', () => {
    const remarks = (view: Partial<StagingView>) => planStaging({ ...usual, images: [mini], ...view }, policy).remarks
    expect(remarks({})).toEqual({ mini: 'every node runs it' })
    const away: Partial<StagingView> = { running: [], silent: ['w-1'] }
    expect(remarks(away)).toEqual({ mini: 'no node answers' })
    expect(remarks({ ...away, target: undefined })).toEqual({ mini: 'no node answers' })
    expect(remarks({ ...away, target: undefined, names: [] })).toEqual({ mini: 'no node answers' })
  })

  test('where by policy it is left as it was changed, what is as it was is served all the same', () => {
    expect(planned({ images: [mini] }, { changed: 'report' })[0]).toBe('v1.13.9 mini as mini.efi (done)')
    // Another release takes its place.
    const names = [nameOf(mini, 'v1.13.8', [], 'is gone')]
    expect(planned({ images: [mini], names }, { changed: 'report' })[0]).toBe('v1.13.9 mini as mini.efi')
  })

  test.each([
    { name: 'is left as it is', fault: undefined, of: mini, says: [] },
    { name: 'is mended', fault: 'is gone', of: mini, says: ['v1.13.9 mini as mini.efi'] },
    { name: 'is left to its image where that was of another kind', fault: 'is gone', of: board, says: [] },
  ])('while no node answers, what a name serves $name', ({ fault, of, says }) => {
    const names = [{ ...nameOf(of, 'v1.13.9', [], fault), file: mini.file }]
    const view = { images: [mini], running: [], silent: ['w-1'], names }
    expect(planned(view)).toEqual([...says, 'v1.13.10 mini'])
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

  test.each([
    { name: 'while no node answers', view: { running: [], silent: ['w-1'] }, hold: holds.mini },
    {
      name: 'whatever becomes of the schematic since',
      view: {},
      hold: { ...holds.mini, fromSchematic: 'edited since' },
    },
  ])('stays so $name', ({ view, hold }) => {
    const { orders, overHolds } = planStaging({ ...usual, images: [mini], holds: { mini: hold }, ...view }, policy)
    expect(orders[0]).toMatchObject({ order: { version: 'v1.13.8', schematic: 'former' }, publishAs: 'mini.efi' })
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
