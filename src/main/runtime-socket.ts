import { lstatSync, statSync } from 'node:fs'
import { lstat, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** Where the control socket is where the state directory takes none: a disk that is read-only after a power cut. */

type Environment = Readonly<Record<string, string | undefined>>

/** The places in their order, each of a directory that is ours alone and named by the state directory. */
function placesFor(state: string, environment: Environment): readonly string[] {
  // Imported it would have Node load all of Web Crypto, at each start of the CLI.
  const { createHash } = process.getBuiltinModule('node:crypto')
  const name = `caretaker-${createHash('sha256').update(state).digest('hex').slice(0, 16)}`
  const roots = [environment['XDG_RUNTIME_DIR'], '/run', tmpdir()].filter((root) => root !== undefined && root !== '')
  return [...new Set(roots.map((root) => join(root!, name)))]
}

/** A directory for the socket that nobody else can write to or has made before us; undefined where there is none. */
export async function makeRuntimePlace(state: string, environment: Environment): Promise<string | undefined> {
  for (const place of placesFor(state, environment)) {
    try {
      await mkdir(place, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      const info = await lstat(place)
      if (info.isDirectory() && info.uid === process.geteuid?.() && (info.mode & 0o077) === 0) return socketAt(place)
    } catch {
      // The next one.
    }
  }
  return undefined
}

/** The socket of the daemon that could not have it in this state directory; undefined where there is none. */
export function findRuntimeSocket(state: string, environment: Environment): string | undefined {
  const trusted = new Set([0, process.geteuid?.(), ownerOf(state)])
  return placesFor(state, environment)
    .filter((place) => {
      const info = lstatSync(place, { throwIfNoEntry: false })
      return info?.isDirectory() === true && trusted.has(info.uid) && (info.mode & 0o022) === 0
    })
    .map(socketAt)
    .find(isSocket)
}

/** Removes what a daemon has left that was killed: the socket is in the state directory again. */
export async function clearRuntimePlaces(state: string, environment: Environment): Promise<void> {
  for (const place of placesFor(state, environment)) await rm(socketAt(place), { force: true }).catch(() => {})
}

const socketAt = (place: string) => join(place, 'control.sock')

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid
  } catch {
    return undefined
  }
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket()
  } catch {
    return false
  }
}
