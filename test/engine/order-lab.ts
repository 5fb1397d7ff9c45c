import { expect } from 'vitest'
import type { CordonMark } from '../../src/core/cluster/cluster.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import { fakeHomelab, type FakeHomelab } from '../fakes/homelab.ts'
import { bootIdOf } from '../fakes/machine.ts'

/** A homelab in which `w-1` is being upgraded. */

export type Change = (homelab: FakeHomelab) => unknown

export const at = '2026-11-27T22:00:00.000Z'
export const image = `factory.test/installer/${'b'.repeat(64)}:v1.14.1`

/** Five nodes, of which `w-1` is cordoned for its upgrade. */
export function homelabBefore(change: Change = () => {}): FakeHomelab {
  const homelab = fakeHomelab({
    'cp-1': 'controlplane',
    'cp-2': 'controlplane',
    'cp-3': 'controlplane',
    'w-1': 'worker',
    'w-2': 'worker',
  })
  Object.assign(homelab.machine('w-1'), { unschedulable: true, mark: { why: 'upgrade', at } })
  change(homelab)
  return homelab
}

const fresh = homelabBefore()
export const machineOf = (node: string) => {
  const { machineId, role } = fresh.machine(node)
  return { machineId, role }
}
export const bootOf = (node: string) => bootIdOf(fresh.machine(node))
export const mark: CordonMark = { why: 'upgrade', at, release: 'v1.14.1', bootId: bootOf('w-1') }
export const failure = (code: ErrorCode, text: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(text) })
