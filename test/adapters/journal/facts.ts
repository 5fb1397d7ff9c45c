import type { Journal } from '../../../src/core/journal.ts'
import { factKind } from '../../../src/core/records.ts'

const kindOf = (name: string) => factKind<unknown>(name, (value) => value)

/** Keeps a fact of whatever shape; undefined forgets it. */
export function remember(journal: Journal, name: string, value: unknown): void {
  const records = journal.records(kindOf(name))
  if (value === undefined) records.remove('')
  else records.save(value)
}

export function recall(journal: Journal, name: string): unknown {
  return journal.records(kindOf(name)).get('')
}
