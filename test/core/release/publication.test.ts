import { describe, expect, test } from 'vitest'
import type { StagedImage } from '../../../src/core/release/image.ts'
import type { PublishedName } from '../../../src/core/release/published.ts'
import {
  decidePublication,
  formerImages,
  imageBefore,
  type PublicationPolicy,
  type PublicationView,
} from '../../../src/core/release/publication.ts'

const image = {
  name: 'amd64',
  schematic: 'homelab',
  schematicId: 'a'.repeat(64),
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  file: 'boot.efi',
  nodes: [],
  diskless: false,
} as const

const built = { schematic: image.schematicId, architecture: 'amd64', secureBoot: false, kind: 'uki' } as const

function stagedOf(version: string): StagedImage {
  const stagedAt = '2026-11-22T00:00:00.000Z'
  return { ...built, version, sha256: 'b', bytes: 1, stagedAt, path: version, publishedAs: [], published: false }
}

function nameOf(version: string, former: readonly string[] = [], file: string = image.file): PublishedName {
  const history = former.map((one) => ({ ...built, version: one, publishedAt: '2026-11-21T00:00:00.000Z' }))
  return { ...built, file, version, publishedAt: '2026-11-22T00:00:00.000Z', bytes: 1, history, fault: undefined }
}

const usual: PublicationView = {
  target: 'v1.14.1',
  hasNodes: true,
  running: ['v1.13.9', 'v1.13.9'],
  silent: [],
  ran: [],
  offered: ['v1.12.11', 'v1.13.8', 'v1.13.9', 'v1.14.1', 'v1.15.0-alpha.0'],
  withdrawn: [],
  staged: ['v1.13.9', 'v1.14.1'].map(stagedOf),
  names: [nameOf('v1.13.9')],
}
const policy: PublicationPolicy = { publish: 'when-rolled-out', withdrawn: 'replace' }

interface Case {
  readonly name: string
  readonly view?: Partial<PublicationView>
  readonly policy?: Partial<PublicationPolicy>
  readonly says: string
}

const cases: readonly Case[] = [
  { name: 'before the first node', says: 'v1.13.9: every node runs it' },
  {
    name: 'in the middle of a rollout',
    view: { running: ['v1.14.1', 'v1.13.9'] },
    says: 'v1.13.9: it is the oldest that a node runs',
  },
  { name: 'after a rollout', view: { running: ['v1.14.1', 'v1.14.1'] }, says: 'v1.14.1: every node runs it' },
  {
    name: 'while a node that was not upgraded yet does not answer',
    view: { running: ['v1.14.1'], silent: ['w-2'] },
    says: 'kept: w-2 may run an older release: no answer',
  },
  {
    name: 'while a node does not answer, and nothing newer is at stake',
    view: { running: ['v1.13.9'], silent: ['w-2'] },
    says: 'v1.13.9: every node runs it',
  },
  {
    name: 'while a node does not answer, and nothing is published',
    view: { running: ['v1.14.1'], silent: ['w-2'], names: [] },
    says: 'v1.14.1: every node runs it',
  },
  { name: 'while no node answers', view: { running: [], silent: ['w-1'] }, says: 'kept: no node answers' },
  {
    name: 'where nodes run what is no release',
    view: { running: ['v1.13.9-dirty'] },
    says: 'kept: no node runs an official release',
  },
  { name: 'before there is a node', view: { hasNodes: false, running: [] }, says: 'v1.14.1: it is the target release' },
  {
    name: 'before there is a node or a target',
    view: { hasNodes: false, running: [], target: undefined },
    says: 'kept: there is no target release',
  },
  {
    name: 'as soon as it is staged',
    policy: { publish: 'when-staged' },
    says: 'v1.14.1: it is the target release',
  },
  {
    name: 'as soon as it is staged, without a target',
    view: { target: undefined, running: ['v1.13.8', 'v1.13.9'] },
    policy: { publish: 'when-staged' },
    says: 'v1.13.9: it is the newest that a node runs',
  },
  {
    name: 'where what every node runs was withdrawn',
    view: { withdrawn: ['v1.13.9'], staged: ['v1.13.9', 'v1.13.8', 'v1.12.11'].map(stagedOf) },
    says: 'v1.13.8: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where what every node runs was withdrawn, and nothing older is staged',
    view: { withdrawn: ['v1.13.9', 'v1.13.8'] },
    says: 'v1.12.11: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where everything was withdrawn',
    view: { withdrawn: ['v1.13.9', 'v1.13.8', 'v1.12.11'] },
    says: 'kept: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where what the others run was withdrawn, while a node does not answer',
    view: {
      running: ['v1.14.2'],
      silent: ['w-2'],
      withdrawn: ['v1.14.2'],
      staged: ['v1.13.9', 'v1.14.1', 'v1.14.2'].map(stagedOf),
    },
    says: 'kept: w-2 may run an older release: no answer',
  },
  {
    name: 'where it was withdrawn, and is to be kept',
    view: { withdrawn: ['v1.13.9'] },
    policy: { withdrawn: 'keep' },
    says: 'kept: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn before it was published at all',
    view: { withdrawn: ['v1.13.9'], names: [nameOf('v1.13.8')] },
    policy: { withdrawn: 'keep' },
    says: 'v1.13.8: v1.13.9 was withdrawn by the Image Factory',
  },
]

describe('what machines boot', () => {
  test.each(cases)('$name', (given) => {
    const decided = decidePublication(image, { ...usual, ...given.view }, { ...policy, ...given.policy })
    const what = decided.kind === 'keep' ? 'kept' : decided.version
    expect(`${what}: ${decided.reason}`).toBe(given.says)
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
