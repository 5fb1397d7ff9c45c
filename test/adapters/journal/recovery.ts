import { expect } from 'vitest'
import type { Journal } from '../../../src/core/journal.ts'

/** What comes of a journal that is written to again and again, as the agent does: until a wait of its own is over. */
export function whileWritten<T>(journal: Pick<Journal, 'write'>, look: () => T, timeout: number) {
  return expect.poll(
    () => {
      journal.write({ kind: 'event', text: 'once more' })
      return look()
    },
    { timeout },
  )
}
