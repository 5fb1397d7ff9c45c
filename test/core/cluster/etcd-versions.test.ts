import { describe, expect, test } from 'vitest'
import { etcdBarrier, goingBackObstacle } from '../../../src/core/cluster/etcd.ts'
import { controlPlanes, worker } from './nodes.ts'

const three = (choice = {}) => controlPlanes({}, choice, {})

describe('what a release means for the way back', () => {
  const brings = (left: string) =>
    `v1.14.1 comes with etcd 3.7: a rollback is possible until the last control plane runs it (${left} etcd 3.6)`
  test.each<{ name: string; versions: readonly string[]; expected: string | undefined }>([
    {
      name: 'all have the older etcd',
      versions: ['v1.13.9', 'v1.13.9', 'v1.13.9'],
      expected: brings('3 of 3 still have'),
    },
    { name: 'the last has it', versions: ['v1.14.1', 'v1.14.0', 'v1.13.9'], expected: brings('1 of 3 still has') },
    {
      name: 'one of no official release has it',
      versions: ['v1.14.1', 'v1.14.1', 'v1.13.9-k7.1.9'],
      expected: brings('1 of 3 still has'),
    },
    {
      name: 'one of no official release has the newer one',
      versions: ['v1.14.0-3-gab12cd3', 'v1.14.1'],
      expected: undefined,
    },
    { name: 'nobody knows what any has', versions: ['nightly', 'v1.99.0'], expected: undefined },
    { name: 'nobody knows what one has', versions: ['nightly', 'v1.14.1'], expected: undefined },
  ])('$name', ({ versions, expected }) => {
    const nodes = controlPlanes(...versions.map((version) => ({ talos: { version } })))
    expect(etcdBarrier({ nodes }, 'v1.14.1')).toBe(expected)
  })

  test('nothing is said of a release whose etcd nobody knows', () => {
    expect(etcdBarrier({ nodes: three() }, 'v1.99.0')).toBeUndefined()
  })

  test('workers count for nothing, and a control plane that is silent does not have the older one', () => {
    const old = { talos: { version: 'v1.13.9' } } as const
    const nodes = [...controlPlanes(old, { talos: 'silent' }, old), worker('w-1', old)]
    expect(etcdBarrier({ nodes }, 'v1.14.1')).toBe(brings('2 of 3 still have'))
    const through = [...controlPlanes({ talos: { version: 'v1.14.1' } }), worker('w-1', old)]
    expect(etcdBarrier({ nodes: through }, 'v1.14.1')).toBeUndefined()
  })
})

describe('a control plane is rolled back only to an etcd that can read its data', () => {
  const [wroteBy35, wroteBy36, wroteBy37] = ['3.5.0', '3.6.0', '3.7.0']
  const refused = (data: string, to: string, etcd: string) =>
    `the etcd data is written by ${data}, and ${to} comes with ${etcd}, which refuses it`
  const unknown = (to: string) => `it is unknown whether the etcd of ${to} can read the data`
  test.each<{ storageVersion: string | undefined; to: string; expected: string | undefined }>([
    { storageVersion: wroteBy35, to: 'v1.9.6', expected: undefined },
    { storageVersion: wroteBy36, to: 'v1.9.6', expected: refused('3.6', 'v1.9.6', '3.5') },
    { storageVersion: wroteBy36, to: 'v1.10.9', expected: refused('3.6', 'v1.10.9', '3.5') },
    { storageVersion: wroteBy36, to: 'v1.11.0', expected: undefined },
    { storageVersion: wroteBy37, to: 'v1.11.6', expected: refused('3.7', 'v1.11.6', '3.6') },
    { storageVersion: wroteBy36, to: 'v1.12.0', expected: undefined },
    { storageVersion: wroteBy37, to: 'v1.12.9', expected: refused('3.7', 'v1.12.9', '3.6') },
    { storageVersion: wroteBy36, to: 'v1.13.9', expected: undefined },
    { storageVersion: wroteBy37, to: 'v1.13.9', expected: refused('3.7', 'v1.13.9', '3.6') },
    { storageVersion: wroteBy37, to: 'v1.14.0', expected: undefined },
    { storageVersion: wroteBy37, to: 'v1.15.0', expected: undefined },
    { storageVersion: wroteBy37, to: 'v1.99.0', expected: unknown('v1.99.0') },
    { storageVersion: undefined, to: 'v1.13.9', expected: unknown('v1.13.9') },
    { storageVersion: 'new', to: 'v1.13.9', expected: refused('new', 'v1.13.9', '3.6') },
  ])('data of $storageVersion, back to $to', ({ storageVersion, to, expected }) => {
    const [node] = controlPlanes({ etcd: { storageVersion } })
    expect(goingBackObstacle(node!, to)).toBe(expected)
  })

  test('not where it is silent, nor where nobody knows what it would go back to', () => {
    const [silent, well] = controlPlanes({ etcd: 'silent' }, {})
    expect(goingBackObstacle(silent!, 'v1.13.9')).toBe(unknown('v1.13.9'))
    expect(goingBackObstacle(well!, undefined)).toMatch(/^the release that cp-2 would roll back to is unknown/)
  })

  test('and a worker holds none', () => {
    expect(goingBackObstacle(worker('w-1'), undefined)).toBeUndefined()
  })
})
