import { expect, test } from 'vitest'
import { specOf } from '../../../src/adapters/talos/resources.ts'

test('a spec that says the same at every look is read once', () => {
  const first = specOf('stage: running', 'MachineStatuses')
  expect(first).toEqual({ stage: 'running' })
  expect(specOf('stage: running', 'MachineStatuses')).toBe(first)
  expect(specOf('stage: booting', 'MachineStatuses')).toEqual({ stage: 'booting' })
})

test('one that is asked for stays, however many others come', () => {
  const first = specOf('id: first', 'BootIDs')
  for (let turn = 0; turn < 1_000; turn++) {
    specOf(`id: ${turn}`, 'BootIDs')
    expect(specOf('id: first', 'BootIDs')).toBe(first)
  }
  const old = specOf('id: old', 'BootIDs')
  for (let turn = 0; turn < 1_000; turn++) specOf(`id: later ${turn}`, 'BootIDs')
  expect(specOf('id: old', 'BootIDs')).not.toBe(old)
})

test('a long one is read each time', () => {
  const text = `note: ${'x'.repeat(5_000)}`
  expect(specOf(text, 'MetaKeys')).not.toBe(specOf(text, 'MetaKeys'))
})

test('what is broken is said each time, by its own type', () => {
  for (const type of ['MachineStatuses', 'BootIDs']) expect(() => specOf('{', type)).toThrow(`${type}: it is not valid`)
})
