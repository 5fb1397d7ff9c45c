import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** What Caretaker is started by. */
export interface Launcher {
  /** Path of `caretaker.mjs`. */
  readonly path: string
  readonly environment: Readonly<Record<string, string>>
  /** Options of Node that stand before it. */
  readonly options: readonly string[]
}

/** Where the processes of a test run share the built package; without it the sources are started. */
export const packageFolder = 'CARETAKER_TEST_PACKAGE'

const quiet = ['--disable-warning=ExperimentalWarning']
let found: Promise<Launcher> | undefined

/** In a test run that of the built package, which starts in half the time; else that of this checkout. */
export function ownLauncher(): Promise<Launcher> {
  return (found ??= findLauncher(process.env[packageFolder]))
}

async function findLauncher(folder: string | undefined): Promise<Launcher> {
  if (folder === undefined)
    return { path: fileURLToPath(new URL('../../bin/caretaker.mjs', import.meta.url)), environment: {}, options: quiet }
  const { sharedPackage } = await import('./package.ts')
  return {
    path: join(await sharedPackage(folder), 'bin', 'caretaker.mjs'),
    // A daemon does not keep its compiled code by itself, and a test run starts hundreds of them.
    environment: { NODE_COMPILE_CACHE: join(folder, 'compiled') },
    // A daemon keeps its heap small. Here a quarter of its time would go into that.
    options: [...quiet, '--min-semi-space-size=16'],
  }
}

/** The program and the words that start the CLI, as `spawn` and a shell take them: our own launcher, or that of another package. */
export async function commandLine(args: readonly string[], launcher?: string): Promise<readonly [string, ...string[]]> {
  const { path, options } = await ownLauncher()
  return [process.execPath, ...options, launcher ?? path, ...args]
}
