import { expect, test } from 'vitest'
import { type Node, whyUnhealthy } from '../../../src/core/cluster/cluster.ts'
import { worker } from './nodes.ts'

test('another machine at the address explains all other faults of a node', () => {
  const machineId = '0123456789abcdef'
  const why = (identity: Node['identity']) => whyUnhealthy(worker('w-1', { identity, kubernetes: { ready: false } }))
  expect(why({ kind: 'same' })).toBe('is not Ready in Kubernetes')
  expect(why({ kind: 'unknown' })).toBe('is not Ready in Kubernetes')
  expect(whyUnhealthy(worker('w-1', { identity: { kind: 'late' } }))).toBe(
    'has not reported its current boot to Kubernetes yet',
  )
  expect(why({ kind: 'another', as: undefined, machineId })).toMatch(
    /that is a machine that Kubernetes does not know \(/,
  )
  expect(why({ kind: 'renamed', as: 'w-9', machineId })).toBe(
    'is registered in Kubernetes as w-9 (the same machine id, 01234567…): give it the hostname w-1 again, or rename it in caretaker.yaml',
  )
  expect(why({ kind: 'renamed', as: 'w-9', machineId: undefined })).toBe(
    'is registered in Kubernetes as w-9: give it the hostname w-1 again, or rename it in caretaker.yaml',
  )
})
