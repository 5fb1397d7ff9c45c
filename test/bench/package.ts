import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** Packs the project and installs it into an empty folder, as a user would. Returns the path of its launcher. */
export async function installPackage(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'caretaker-package-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const [packed, installed] = [join(directory, 'packed'), join(directory, 'installed')]
  await mkdir(packed)
  await mkdir(installed)
  await writeFile(join(installed, 'package.json'), '{ "private": true }')
  // Its settings would tell the inner npm that it runs in this project.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  await run('npm', ['pack', '--silent', '--pack-destination', packed], { cwd: root, env })
  const [archive] = await readdir(packed)
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await run('npm', ['install', ...quiet, join(packed, archive!)], { cwd: installed, env })
  return join(installed, 'node_modules', 'caretaker', 'bin', 'caretaker.mjs')
}
