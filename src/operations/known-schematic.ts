import type { Journal } from '../core/journal.ts'
import type { Schematic } from '../core/release/schematic.ts'
import { remembered } from './facts.ts'

/** The schematic that the Factory knows by this id, where it is one that was in force last. */
export function recallSchematic(journal: Journal, id: string): Schematic | undefined {
  const registrations = remembered.registrations.recall(journal) ?? {}
  const schematics = Object.values(remembered.schematics.recall(journal) ?? {})
  return schematics.find((one) => (registrations[one.id]?.id ?? one.id) === id)?.schematic
}
