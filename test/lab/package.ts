import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPackage } from '../build.ts'
import { waitFor } from './daemon.ts'
import { packageFolder } from './launcher.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

interface Description {
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
}

/**
 * Builds the package and lays it out in an empty directory as npm installs it: of all packages only those are there that
 * package.json depends on.
 *
 * @throws Error where it can't be built
 */
export async function layOutPackage(directory: string): Promise<void> {
  const { files, dependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Description
  await buildPackage(join(directory, 'dist'))
  for (const path of ['package.json', ...files.filter((file) => file !== 'dist')])
    await cp(join(project, path), join(directory, path), { recursive: true })
  await mkdir(join(directory, 'node_modules'))
  for (const name of Object.keys(dependencies))
    await symlink(join(project, 'node_modules', name), join(directory, 'node_modules', name))
}

/**
 * Puts what is built of these sources into a new directory: what this run has built already, which takes seconds to do.
 *
 * @throws Error where it can't be built
 */
export async function placeBuild(directory: string): Promise<void> {
  const folder = process.env[packageFolder]
  if (folder === undefined) return buildPackage(directory)
  await cp(join(await sharedPackage(folder), 'dist'), directory, { recursive: true })
}

/** Lays the package out in an empty directory, as `layOutPackage` does, from what this run has built already. */
export async function placePackage(directory: string): Promise<void> {
  const folder = process.env[packageFolder]
  if (folder === undefined) return layOutPackage(directory)
  await cp(await sharedPackage(folder), directory, { recursive: true, verbatimSymlinks: true })
}

/** The directory of the package that all processes of a test run share in this folder. */
export function sharedPackage(folder: string): Promise<string> {
  return sharedFolder(folder, layOutPackage)
}

/**
 * A directory that all processes of a test run share in this folder: whoever asks first makes it.
 *
 * @throws Error where it can't be made, to everybody who asks
 */
export async function sharedFolder(folder: string, make: (directory: string) => Promise<void>): Promise<string> {
  const finished = join(folder, 'made')
  const failure = join(folder, 'failure')
  if (existsSync(finished)) return finished
  if (await claims(join(folder, 'claimed'))) {
    try {
      const directory = await mkdtemp(join(folder, 'new-'))
      // Some daemons run as another user.
      await chmod(directory, 0o755)
      await make(directory)
      await rename(directory, finished)
    } catch (error) {
      await writeFile(failure, String(error))
      throw error
    }
  }
  await waitFor(`somebody to make ${finished}`, 60_000, async () => {
    if (existsSync(failure)) throw new Error(`it was not made: ${await readFile(failure, 'utf8')}`)
    return existsSync(finished)
  })
  return finished
}

/** Only the first of all who ask makes this directory. */
function claims(directory: string): Promise<boolean> {
  return mkdir(directory).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
}
