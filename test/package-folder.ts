import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageFolder } from './lab/launcher.ts'

/**
 * A folder for the package of this run, which the first test that starts a process builds. Answers what removes it. Of
 * several projects in a run the first prepares it, and it is removed when all are done.
 */
export default async function preparePackageFolder(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[packageFolder] !== undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'caretaker-package-'))
  await chmod(folder, 0o755)
  process.env[packageFolder] = folder
  // Each file that runs alone reads the same sources: compiled once, they take half the time.
  process.env['NODE_COMPILE_CACHE'] ??= join(folder, 'compiled')
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
