import { expect, test } from 'vitest'
import { type Outage, withNodeState } from '../../../src/core/power/outage.ts'
import { planWake } from '../../../src/core/power/recovery.ts'
import { machineOf, outline, recordOf, wakePolicy as policy } from './shutdowns.ts'

const machines = [
  machineOf('cp-1', 'control-planes'),
  machineOf('s-1', 'storage-nodes'),
  machineOf('w-1', 'workers'),
  machineOf('pve-1', 'hosts'),
  machineOf('nas-1', 'nas'),
]
const names = machines.map(({ name }) => name)

test('where a shutdown was called off on battery what runs is uncordoned, and nothing is woken that may be off', () => {
  const drained = names.reduce((one, name) => withNodeState(one, name, 'drained'), recordOf(machines))
  const outage: Outage = { ...withNodeState(drained, 'w-1', 'unreached'), stage: 'stopping' }
  const powered = new Set(names.filter((name) => name !== 'w-1'))
  expect(outline(planWake({ machines, outage, powered, onBattery: powered, upses: [] }, policy))).toEqual([
    'uncordon: uncordon cp-1, uncordon s-1',
  ])
  expect(outline(planWake({ machines, outage, powered, upses: [] }, policy))).toEqual([
    'wake-nas: wake nas-1',
    'wake-machines: wake cp-1, wake s-1, wake pve-1',
  ])
})
