import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packageFolder } from '../lab/launcher.ts'
import { sharedFolder } from '../lab/package.ts'
import { buildDeb } from '../deb.ts'
import { stampPackage } from '../build.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
/** A bare Debian, made once: it is copied for each use. */
const base = join(root, '.cache', 'debian')

/** What the package recommends, and what the image has besides. */
const programs = ['redis-server', 'openssh-client', 'tini', 'libnss-wrapper']

/** Why no Debian of our own can be made here. */
export function whyNoDebian(): string | undefined {
  if (process.getuid?.() !== 0) return 'a chroot is for root alone'
  if (spawnSync('dpkg-deb', ['--version']).status !== 0) return 'dpkg-deb is missing: install dpkg'
  if (existsSync(base) || spawnSync('debootstrap', ['--version']).status === 0) return undefined
  return 'debootstrap is missing: apt-get install debootstrap'
}

/** A Debian in a folder, in which a package is tried as on a machine of its own. */
export interface Debian extends AsyncDisposable {
  readonly path: string
  /** Runs a command in it. Never rejects. */
  run(...command: readonly string[]): Promise<{ readonly code: number; readonly output: string }>
}

/** Makes the bare Debian; one file of tests does, and others of the same run wait for it. @throws Error where no mirror answers */
async function haveBase(): Promise<void> {
  if (existsSync(base)) return
  const ofThisRun = process.env[packageFolder]
  if (ofThisRun === undefined) return debootstrap()
  const folder = join(ofThisRun, 'debian')
  await mkdir(folder, { recursive: true })
  await sharedFolder(folder, debootstrap)
}

async function debootstrap(): Promise<void> {
  await mkdir(join(root, '.cache'), { recursive: true })
  const part = await mkdtemp(`${base}-`)
  await chmod(part, 0o755)
  try {
    const include = `--include=${programs.join(',')}`
    await run('debootstrap', ['--variant=minbase', include, 'bookworm', part], { maxBuffer: 1e7 })
    await rename(part, base)
  } catch (error) {
    // It mounts this, and leaves it so where it fails.
    await run('umount', ['-l', join(part, 'proc')]).catch(() => {})
    await rm(part, { recursive: true, force: true })
    throw error
  }
}

/** Undefined where no mirror answers. */
export async function makeDebian(): Promise<Debian | undefined> {
  const isThere = await haveBase().then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const path = await mkdtemp(join(tmpdir(), 'caretaker-debian-'))
  await run('cp', ['-a', `${base}/.`, path])
  return {
    path,
    run: async (...command) => {
      const env = {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        LC_ALL: 'C',
        DEBIAN_FRONTEND: 'noninteractive',
      }
      return run('chroot', [path, ...command], { env, maxBuffer: 1e7 }).then(
        ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
        (error: { code: number; stdout: string; stderr: string }) => ({
          code: error.code,
          output: error.stdout + error.stderr,
        }),
      )
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** A package of what was built, as if it were that release; not packed, because that takes time. */
export async function packageOf(version: string, dist: string, into: string): Promise<string> {
  const release = { version, released: '2026-11-01' }
  await stampPackage(dist, release)
  return buildDeb({ architecture: 'amd64', release, dist, into, compression: ['-Znone'] })
}
