import { describe, expect, test } from 'vitest'
import type { StagedImage } from '../../../src/core/release/image.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import {
  decidePublication,
  formerImages,
  imageBefore,
  type PublicationView,
  type Turn,
} from '../../../src/core/release/publication.ts'
import { built, image, nameOf, policy, stagedOf, usual } from './publication-situations.ts'

describe('what a node without an installation boots', () => {
  const own = { ...image, file: 'w-1.efi', nodes: ['w-1'], diskless: true }
  const decide = (turn: Turn | undefined, view: Partial<PublicationView> = {}) => {
    const turns = new Map(turn ? [['w-1', turn]] : [])
    return decidePublication(own, { ...usual, names: [nameOf('v1.13.9', [], 'w-1.efi')], turns, ...view }, policy)
  }
  const turn: Turn = { version: 'v1.14.1', reason: 'it is its turn' }

  test('is what its turn says, and stays where nobody knows', () => {
    expect(decide(turn)).toEqual({ kind: 'publish', version: 'v1.14.1', reason: 'it is its turn' })
    const unknown = { kind: 'keep', reason: 'it is unknown what w-1 runs' }
    expect(decide(undefined)).toEqual(unknown)
    expect(decidePublication(own, usual, policy)).toEqual(unknown)
  })

  test('stays while it is not certain that its turn has come, unless there is nothing to boot', () => {
    const unsure: Turn = { ...turn, isUnsure: true }
    expect(decide(unsure)).toEqual({ kind: 'keep', reason: "Kubernetes does not say whether it is w-1's turn" })
    expect(decide(unsure, { names: [] })).toMatchObject({ kind: 'publish', version: 'v1.14.1' })
  })

  const former = { ...turn, schematic: 'former' }
  test.each([
    { name: 'as it runs it, where that is staged', staged: [{}], schematic: 'former' },
    { name: 'the first of several', staged: [{}, { version: 'v1.13.9' }], schematic: 'former' },
    { name: 'as configured, where it is staged of another release', staged: [{ version: 'v1.13.9' }] },
    { name: 'as configured, where it is staged for another processor', staged: [{ architecture: 'arm64' }] },
    { name: 'as configured, where another schematic is staged', staged: [{ schematic: 'another' }] },
  ])('is of the schematic $name', ({ staged, schematic }) => {
    const images = staged.map((change) => ({ ...stagedOf('v1.14.1'), schematic: 'former', ...change }))
    expect(decide(former, { staged: images })).toEqual({
      kind: 'publish',
      version: 'v1.14.1',
      reason: 'it is its turn',
      ...(schematic === undefined ? {} : { schematic }),
    })
  })

  test('is of the schematic of the configuration where its turn names none', () => {
    const staged = [{ ...stagedOf('v1.14.1'), schematic: undefined as never }]
    expect(decide(turn, { staged })).not.toHaveProperty('schematic')
  })
})

describe('what a name goes back to', () => {
  const before = (names: readonly PublishedName[], staged = ['v1.12.11', 'v1.13.8', 'v1.13.9', 'v1.14.1']) =>
    imageBefore(image, { names, staged: staged.map(stagedOf) })?.version

  test.each([
    { name: 'the last before', names: [nameOf('v1.13.9', ['v1.13.8', 'v1.12.11'])], goesTo: 'v1.13.8' },
    {
      name: 'not what is gone from the share',
      names: [nameOf('v1.13.9', ['v1.13.8', 'v1.12.11'])],
      staged: ['v1.13.9', 'v1.12.11'],
      goesTo: 'v1.12.11',
    },
    {
      name: 'not forward again, to what was taken back',
      names: [nameOf('v1.13.9', ['v1.14.1', 'v1.13.8'])],
      goesTo: 'v1.13.8',
    },
    { name: 'nothing where it never served another', names: [nameOf('v1.13.9')], goesTo: undefined },
    { name: 'nothing where it serves nothing', names: [], goesTo: undefined },
  ])('$name', ({ names, staged, goesTo }) => {
    expect(before(names, staged)).toBe(goesTo)
  })

  test('to another schematic of the same release, and to nothing that is staged for others', () => {
    const [present] = [nameOf('v1.13.9')]
    const history = [
      { ...built, version: 'v1.13.9', publishedAt: '' },
      { ...built, version: 'v1.13.9', schematic: 'former', publishedAt: '' },
    ]
    const goes = (change: Partial<StagedImage>) =>
      imageBefore(image, {
        names: [{ ...present, history }],
        staged: [stagedOf('v1.13.9'), { ...stagedOf('v1.13.9'), schematic: 'former', ...change }],
      })
    expect(goes({})).toEqual(history[1])
    expect(goes({ architecture: 'arm64' })).toBeUndefined()
    expect(goes({ schematic: 'another' })).toBeUndefined()
  })

  test('of names with the release in them, to that of the last before', () => {
    const versioned = { ...image, file: 'talos-{version}.efi' }
    const names = [
      { ...nameOf('v1.13.8', [], 'talos-v1.13.8.efi'), publishedAt: '2026-11-20T00:00:00.000Z' },
      nameOf('v1.13.9', [], 'talos-v1.13.9.efi'),
      nameOf('v1.14.1', [], 'boot.efi'),
    ]
    expect(formerImages(versioned, names).map(({ version }) => version)).toEqual(['v1.13.8'])
    expect(imageBefore(versioned, { names, staged: [stagedOf('v1.13.8')] })?.version).toBe('v1.13.8')
  })
})
