import { expect, test } from 'vitest'
import type { RegisteredSchematic } from '../../src/core/release/schematic.ts'
import { remembered } from '../../src/operations/facts.ts'
import { recallSchematic } from '../../src/operations/known-schematic.ts'
import { memoryJournal } from '../fakes/journal.ts'

const gpu: RegisteredSchematic = { id: 'a'.repeat(64), schematic: { customization: { extraKernelArgs: ['gpu'] } } }
const plain: RegisteredSchematic = { id: 'b'.repeat(64), schematic: {} }

test('a schematic is known by the id that the Factory gave it, and else by ours', () => {
  const journal = memoryJournal()
  expect(recallSchematic(journal, gpu.id)).toBeUndefined()
  remembered.schematics.remember(journal, { gpu, plain })
  expect(recallSchematic(journal, gpu.id)).toEqual(gpu.schematic)
  remembered.registrations.remember(journal, { [gpu.id]: { id: 'c'.repeat(64) } })
  expect(recallSchematic(journal, 'c'.repeat(64))).toEqual(gpu.schematic)
  expect(recallSchematic(journal, gpu.id)).toBeUndefined()
  expect(recallSchematic(journal, plain.id)).toEqual({})
})
