import { describe, expect, test } from 'vitest'
import {
  decidePublication,
  type PublicationPolicy,
  type PublicationView,
} from '../../../src/core/release/publication.ts'
import { image, nameOf, policy, stagedOf, usual } from './publication-situations.ts'

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
    says: 'keep: w-2 may run an older release: no answer',
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
  { name: 'while no node answers', view: { running: [], silent: ['w-1'] }, says: 'keep: no node answers' },
  {
    name: 'where nodes run what is no release',
    view: { running: ['v1.13.9-dirty'] },
    says: 'keep: no node runs an official release',
  },
  { name: 'before there is a node', view: { hasNodes: false, running: [] }, says: 'v1.14.1: it is the target release' },
  {
    name: 'before there is a node or a target',
    view: { hasNodes: false, running: [], target: undefined },
    says: 'keep: there is no target release',
  },
  {
    name: 'as soon as it is staged',
    policy: { publish: 'when-staged' },
    says: 'v1.14.1: it is the target release',
  },
  {
    name: 'as soon as it is staged, without a target',
    view: { target: undefined, running: ['v1.12.11', 'v1.13.8', 'v1.13.9'] },
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
    says: 'keep: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where what the others run was withdrawn, while a node does not answer',
    view: {
      running: ['v1.14.2'],
      silent: ['w-2'],
      withdrawn: ['v1.14.2'],
      staged: ['v1.13.9', 'v1.14.1', 'v1.14.2'].map(stagedOf),
    },
    says: 'keep: w-2 may run an older release: no answer',
  },
  {
    name: 'where it was withdrawn, and is to be kept',
    view: { withdrawn: ['v1.13.9'] },
    policy: { withdrawn: 'keep' },
    says: 'keep: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn before it was published at all',
    view: { withdrawn: ['v1.13.9'], names: [nameOf('v1.13.8')] },
    policy: { withdrawn: 'keep' },
    says: 'v1.13.8: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn, and nothing is published',
    view: { withdrawn: ['v1.13.9'], names: [] },
    policy: { withdrawn: 'keep' },
    says: 'v1.13.8: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn: what is staged before what is only offered',
    view: { withdrawn: ['v1.13.9'], staged: ['v1.13.9', 'v1.12.11'].map(stagedOf) },
    says: 'v1.12.11: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn: what a node runs before what is only offered',
    view: { withdrawn: ['v1.14.1'], running: ['v1.13.8'], staged: [] },
    policy: { publish: 'when-staged' },
    says: 'v1.13.8: v1.14.1 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn: nothing that is staged for others',
    view: {
      withdrawn: ['v1.13.9'],
      staged: [
        { ...stagedOf('v1.13.8'), architecture: 'arm64' },
        { ...stagedOf('v1.13.8'), schematic: 'b'.repeat(64) },
      ],
      offered: ['v1.12.11', 'v1.13.9'],
    },
    says: 'v1.12.11: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn: no pre-release, and nothing that is no release',
    view: { withdrawn: ['v1.13.9'], staged: [], offered: ['latest', 'v1.12.11', 'v1.13.9-rc.1', 'v1.13.9'] },
    says: 'v1.12.11: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where it was withdrawn: nothing that was never released, though a node runs it',
    view: { withdrawn: ['v1.13.9'], running: ['v1.13.9', 'v1.13.8-dirty'], staged: [], offered: ['v1.12.11'] },
    says: 'v1.12.11: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where everything was withdrawn while a node does not answer',
    view: { withdrawn: ['v1.13.9', 'v1.13.8', 'v1.12.11'], silent: ['w-2'] },
    says: 'keep: v1.13.9 was withdrawn by the Image Factory',
  },
  {
    name: 'where no node was ever heard, and nothing is published: they may wait for it',
    view: { running: [], silent: ['w-1'], names: [] },
    says: 'v1.14.1: no node was ever heard, and it is the target release',
  },
  {
    name: 'where no node was ever heard, and there is no target',
    view: { running: [], silent: ['w-1'], names: [], target: undefined },
    says: 'keep: no node answers',
  },
  {
    name: 'where there is no node, and nothing is published',
    view: { hasNodes: false, running: [], names: [] },
    says: 'v1.14.1: it is the target release',
  },
  {
    name: 'where nothing is published, by what nodes ran that are down',
    view: { running: ['v1.13.9'], silent: ['w-1'], ran: ['v1.13.8'], names: [] },
    says: 'v1.13.8: it is the oldest that a node ran when it was heard last',
  },
  {
    name: 'where something is published, without what nodes ran that are down',
    view: { running: ['v1.14.1'], silent: ['w-1'], ran: ['v1.13.8'], names: [nameOf('v1.14.1')] },
    says: 'v1.14.1: every node runs it',
  },
  {
    name: 'as soon as it is staged, whoever does not answer',
    view: { silent: ['w-2'] },
    policy: { publish: 'when-staged' },
    says: 'v1.14.1: it is the target release',
  },
]

describe('what machines boot', () => {
  test.each(cases)('$name', (given) => {
    const decided = decidePublication(image, { ...usual, ...given.view }, { ...policy, ...given.policy })
    const what = decided.kind === 'publish' ? decided.version : decided.kind
    expect(`${what}: ${decided.reason}`).toBe(given.says)
  })
})
