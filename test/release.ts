import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What package.json says of the release that is being made, or was made last. */
export interface Release {
  readonly version: string
  /** Its day, ISO 8601. */
  readonly released: string
}

export function lastRelease(): Release {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Release
}

/**
 * The version that a package built here tells: that of the release where this is the release, else with what it was built
 * from behind a plus sign, `0.1.0+57.g1a2b3c4d5e6f`, which npm and dpkg both read. `build` says it where there is no git to
 * ask, as in an image: what stands behind the plus sign, or nothing for a release.
 */
export function builtVersion({ version }: Release, build: string | undefined, ask = git): string {
  const behind = build ?? originOf(version, ask)
  return behind === '' ? version : `${version}+${behind}`
}

function originOf(version: string, ask: (...args: readonly string[]) => string | undefined): string {
  const commit = ask('rev-parse', '--short=12', 'HEAD')
  if (commit === undefined) return 'local'
  const isChanged = ask('status', '--porcelain', '--untracked-files=no') !== ''
  const tags = (ask('tag', '--points-at', 'HEAD') ?? '').split('\n')
  if (tags.includes(`v${version}`) && !isChanged) return ''
  // Later is more: so dpkg knows an upgrade from a downgrade.
  return `${ask('rev-list', '--count', 'HEAD')}.g${commit}${isChanged ? '.changed' : ''}`
}

function git(...args: readonly string[]): string | undefined {
  try {
    return execFileSync('git', [...args], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
