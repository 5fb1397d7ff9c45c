import { env } from 'node:process'

/**
 * For `test.skipIf`: whether to leave a test out because something can't be had on this machine, with a word about it.
 * In CI nothing is left out: there what is missing is a failure, but for what takes a mirror or a machine of one's own.
 */
export function lacks(reason: string | undefined, { alsoInCi = false } = {}): boolean {
  if (reason === undefined) return false
  if (env['CI'] === 'true' && !alsoInCi) throw new Error(`in CI nothing is skipped: ${reason}`)
  console.warn(`skipped: ${reason}`)
  return true
}
