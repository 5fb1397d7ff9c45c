import { expect, test } from 'vitest'
import type { Node } from '../../../src/core/cluster/cluster.ts'
import { describeLeftBehind, movementOf } from '../../../src/core/release/left-behind.ts'
import { clusterOf, controlPlanes, worker } from '../cluster/nodes.ts'

const paused = { kubernetes: { paused: 'a guest' } }
const at = (version: string) => ({ talos: { version } })
const pausedAt = (version: string) => ({ ...at(version), ...paused })

test.each<{
  name: string
  nodes: readonly Node[]
  ownNode?: string
  running: readonly string[]
  left: readonly string[]
}>([
  {
    name: 'all go on',
    nodes: [worker('w-1', at('v1.13.9')), worker('w-2', at('v1.12.3'))],
    running: ['v1.13.9', 'v1.12.3'],
    left: [],
  },
  {
    name: 'a paused node stays',
    nodes: [worker('w-1', pausedAt('v1.12.3')), worker('w-2')],
    running: ['v1.13.8'],
    left: ['w-1 v1.12.3'],
  },
  {
    name: 'the own node stays',
    nodes: [...controlPlanes({}), worker('w-1', at('v1.12.3'))],
    ownNode: 'w-1',
    running: ['v1.13.8'],
    left: ['w-1 v1.12.3'],
  },
  {
    name: 'a paused control plane stays',
    nodes: [...controlPlanes(paused), worker('w-1')],
    running: ['v1.13.8'],
    left: ['cp-1 v1.13.8'],
  },
  {
    name: 'where all are set aside, all count',
    nodes: [worker('w-1', paused), worker('w-2')],
    ownNode: 'w-2',
    running: ['v1.13.8', 'v1.13.8'],
    left: [],
  },
  {
    name: 'a node of no official release stays',
    nodes: [worker('w-1', at('v1.13.9-k7.1.9')), worker('w-2')],
    running: ['v1.13.8'],
    left: ['w-1 v1.13.9-k7.1.9'],
  },
  {
    name: 'and is none of those that count where all others are set aside',
    nodes: [worker('w-1', at('v1.11.5-1-gab12cd3')), worker('w-2', paused)],
    running: ['v1.13.8'],
    left: ['w-1 v1.11.5-1-gab12cd3'],
  },
  {
    name: 'a silent node counts in neither way',
    nodes: [worker('w-1', { talos: 'silent', ...paused })],
    running: [],
    left: [],
  },
  {
    name: 'a node that Kubernetes does not show counts, as nobody knows that it is paused',
    nodes: [worker('w-1', { kubernetes: 'silent' }), worker('w-2')],
    running: ['v1.13.8', 'v1.13.8'],
    left: [],
  },
])('$name', ({ nodes, ownNode, running, left }) => {
  const movement = movementOf(clusterOf(...nodes), ownNode)
  expect(movement.running).toEqual(running)
  expect(movement.left.map(({ node, version }) => `${node} ${version}`)).toEqual(left)
})

test.each<{ name: string; nodes: readonly Node[]; target?: string; texts: readonly string[] }>([
  {
    name: 'who is behind the others',
    nodes: [worker('w-1', pausedAt('v1.12.3')), worker('w-2')],
    texts: [
      'w-1 is paused (a guest): resume it with `caretaker resume w-1`; it stays at v1.12.3, and the others are upgraded without it, up to 1.13',
    ],
  },
  {
    name: 'who will be',
    nodes: [worker('w-1', paused), worker('w-2')],
    target: 'v1.14.1',
    texts: [
      'w-1 is paused (a guest): resume it with `caretaker resume w-1`; it stays at v1.13.8, and the others are upgraded without it, up to 1.14',
    ],
  },
  {
    name: 'nobody, where nobody is ahead',
    nodes: [worker('w-1', paused), worker('w-2')],
    target: 'v1.13.8',
    texts: [],
  },
  {
    name: 'who runs no official release',
    nodes: [worker('w-1', at('v1.13.9-k7.1.9')), worker('w-2')],
    texts: ['w-1 runs v1.13.9-k7.1.9, which is not an official release: it is left alone'],
  },
])('what is said names $name', ({ nodes, target, texts }) => {
  expect(describeLeftBehind(movementOf(clusterOf(...nodes), undefined), target)).toEqual(texts)
})
