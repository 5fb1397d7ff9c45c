import { expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { describeLeftBehind, movementOf } from '../../../src/core/release/left-behind.ts'
import { clusterOf, controlPlanes, worker } from '../cluster/nodes.ts'

const paused = { kubernetes: { paused: 'a guest' } }
const at = (version: string) => ({ talos: { version } })
const pausedAt = (version: string) => ({ ...at(version), ...paused })

test.each<[string, readonly Node[], string | undefined, readonly string[], readonly string[]]>([
  ['all go on', [worker('w-1', at('v1.13.9')), worker('w-2', at('v1.12.3'))], undefined, ['v1.13.9', 'v1.12.3'], []],
  ['a paused node stays', [worker('w-1', pausedAt('v1.12.3')), worker('w-2')], undefined, ['v1.13.8'], ['w-1 v1.12.3']],
  ['the own node stays', [...controlPlanes({}), worker('w-1', at('v1.12.3'))], 'w-1', ['v1.13.8'], ['w-1 v1.12.3']],
  ['a paused control plane stays', [...controlPlanes(paused), worker('w-1')], undefined, ['v1.13.8'], ['cp-1 v1.13.8']],
  ['where all are set aside, all count', [worker('w-1', paused), worker('w-2')], 'w-2', ['v1.13.8', 'v1.13.8'], []],
  [
    'a node of no official release stays',
    [worker('w-1', at('v1.13.9-k7.1.9')), worker('w-2')],
    undefined,
    ['v1.13.8'],
    ['w-1 v1.13.9-k7.1.9'],
  ],
  [
    'and is none of those that count where all others are set aside',
    [worker('w-1', at('v1.11.5-1-gab12cd3')), worker('w-2', paused)],
    undefined,
    ['v1.13.8'],
    ['w-1 v1.11.5-1-gab12cd3'],
  ],
  ['a silent node counts in neither way', [worker('w-1', { talos: 'silent', ...paused })], undefined, [], []],
  [
    'a node that Kubernetes does not show counts, as nobody knows that it is paused',
    [worker('w-1', { kubernetes: 'silent' }), worker('w-2')],
    undefined,
    ['v1.13.8', 'v1.13.8'],
    [],
  ],
])('%s', (_, nodes, ownNode, running, left) => {
  const movement = movementOf(clusterOf(...nodes), ownNode)
  expect(movement.running).toEqual(running)
  expect(movement.left.map(({ node, version }) => `${node} ${version}`)).toEqual(left)
})

test.each<[string, readonly Node[], string | undefined, readonly string[]]>([
  [
    'who is behind the others',
    [worker('w-1', pausedAt('v1.12.3')), worker('w-2')],
    undefined,
    [
      'w-1 is paused (a guest): `caretaker resume w-1` lets it go on; it stays at v1.12.3, and the others go on without it, up to 1.13',
    ],
  ],
  [
    'who will be',
    [worker('w-1', paused), worker('w-2')],
    'v1.14.1',
    [
      'w-1 is paused (a guest): `caretaker resume w-1` lets it go on; it stays at v1.13.8, and the others go on without it, up to 1.14',
    ],
  ],
  ['nobody, where nobody is ahead', [worker('w-1', paused), worker('w-2')], 'v1.13.8', []],
  [
    'who runs no official release',
    [worker('w-1', at('v1.13.9-k7.1.9')), worker('w-2')],
    undefined,
    ['w-1 runs v1.13.9-k7.1.9, which is no official release: it is left as it is'],
  ],
])('what is said names %s', (_, nodes, target, texts) => {
  expect(describeLeftBehind(movementOf(clusterOf(...nodes), undefined), target)).toEqual(texts)
})
