import type { Journal } from '../core/journal.ts'

/**
 * Writes an alert unless the last one on this matter said the same: a job that looks every few minutes would fill the
 * journal with it. `undefined` says that the matter is settled. Answers whether it was new.
 */
export function alertOnce(journal: Journal, matter: string, text: string | undefined, subject?: string): boolean {
  const key = `alert.${matter}`
  if (journal.recall<string>(key) === text) return false
  journal.remember(key, text)
  if (text !== undefined) journal.write({ kind: 'alert', ...(subject === undefined ? {} : { subject }), text })
  return text !== undefined
}
