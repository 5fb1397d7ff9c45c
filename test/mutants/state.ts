import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Mutant } from './mutate.ts'

/** What became of a mutant. `endless` counts as noticed: its tests took too long. */
export type Outcome = 'killed' | 'endless' | 'survived'

/** What is known of a file's mutants. It holds while the file is the same; what survived is tried again with other tests. */
export interface FileState {
  readonly source: string
  /** What stands for the tests that ran, and for those of the wider round. */
  tests: string
  wider?: string
  readonly outcomes: Record<string, Outcome>
}

export const keyOf = ({ start, end, text }: Pick<Mutant, 'start' | 'end' | 'text'>) => `${start}-${end}:${text}`

function pathOf(root: string, path: string): string {
  return join(root, '.cache', 'mutants', `${path.replaceAll('/', '__')}.json`)
}

export function readState(root: string, path: string, source: string): FileState {
  try {
    const state = JSON.parse(readFileSync(pathOf(root, path), 'utf8')) as FileState
    if (state.source === source) return state
  } catch {
    // There is none yet, or half of one.
  }
  return { source, tests: '', outcomes: {} }
}

export function saveState(root: string, path: string, state: FileState): void {
  const file = pathOf(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(state))
}
