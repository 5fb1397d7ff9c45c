import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageFolder } from './lab/launcher.ts'

/** A folder for the package of this run, which the first test that starts a process builds. Answers what removes it. */
export default async function preparePackageFolder(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'caretaker-package-'))
  await chmod(folder, 0o755)
  process.env[packageFolder] = folder
  return () => rm(folder, { recursive: true, force: true })
}
