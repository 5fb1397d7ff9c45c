import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { endings } from './database.ts'

/** How many files that were set aside are kept: enough for whoever looks into it, too few to fill a card. */
const mostKept = 5

/**
 * Moves a file out of the way, with what SQLite keeps beside it: `journal.db.damaged-2026-11-26T16-41-13Z`. The oldest of
 * those goes when there are too many. Returns the new name; undefined where nothing was there.
 *
 * @throws what the file system says where it may not be moved
 */
export function setFileAside(path: string, now: Date): string | undefined {
  const there = endings.filter((ending) => lstatSync(`${path}${ending}`, { throwIfNoEntry: false }) !== undefined)
  if (there.length === 0) return undefined
  const aside = nameFor(path, now)
  for (const ending of there) renameSync(`${path}${ending}`, `${aside}${ending}`)
  prune(path)
  return basename(aside)
}

function nameFor(path: string, now: Date): string {
  // Colons are no letters of a file name everywhere.
  const stamp = now.toISOString().replace(/\.\d+/, '').replaceAll(':', '-')
  const name = `${path}.damaged-${stamp}`
  for (let count = 2; ; count++) {
    const candidate = count === 2 && !isTaken(name) ? name : `${name}-${count}`
    if (!isTaken(candidate)) return candidate
  }
}

function isTaken(name: string): boolean {
  return endings.some((ending) => existsSync(`${name}${ending}`))
}

function prune(path: string): void {
  const prefix = `${basename(path)}.damaged-`
  const folder = dirname(path)
  const files = readdirSync(folder).filter((name) => name.startsWith(prefix))
  const names = [...new Set(files.map((name) => name.replace(/-(wal|shm|journal)$/, '')))].toSorted()
  for (const name of names.slice(0, Math.max(0, names.length - mostKept)))
    for (const ending of endings) {
      try {
        // What is in a folder is not ours.
        rmSync(join(folder, `${name}${ending}`), { force: true })
      } catch {
        // It can stay.
      }
    }
}

/** Gives a file the place of another that was set aside. @throws what the file system says */
export function putInPlace(file: string, path: string): void {
  chmodSync(file, 0o600)
  renameSync(file, path)
}
