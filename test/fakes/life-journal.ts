import {
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { JournalHandle } from '../../src/adapters/journal/journal.ts'
import type { Alerts } from '../../src/core/alert.ts'
import { openJournalAndAlerts } from '../../src/main/journal.ts'
import type { Random } from '../core/random.ts'
import { silentLog } from './log.ts'

/** After these nobody can tell that something is missing: what was written last may never have been. */
const silent = ['spots that are overwritten', 'an end that is missing', 'no log of writes']

/** What a power cut, a dying card or a person makes of the file, and of what SQLite keeps beside it. */
const damages: Readonly<Record<string, (path: string, random: Random) => void>> = {
  'a broken header': (path) => overwrite(path, 0, Buffer.alloc(100, 7)),
  'broken pages': (path) => {
    for (let at = 4_096; at < statSync(path).size; at += 4_096) overwrite(path, at, Buffer.alloc(64, 0xa5))
  },
  'spots that are overwritten': (path, random) => {
    for (const one of [path, `${path}-wal`])
      for (let spot = 0; existsSync(one) && spot < 8; spot++)
        overwrite(one, random.below(statSync(one).size), Buffer.alloc(64, random.below(256)))
  },
  'an end that is missing': (path, random) => {
    drop(`${path}-wal`)
    truncateSync(path, random.below(statSync(path).size))
  },
  'no log of writes': (path) => drop(`${path}-wal`),
  'no file': (path) => ['', '-wal', '-shm'].forEach((ending) => drop(`${path}${ending}`)),
  zeros: (path) => overwrite(path, 0, Buffer.alloc(statSync(path).size)),
  'an outage that is no JSON': (path) => rewrite(path, `value = substr(value, 1, 40)`, `kind = 'outage' AND open = 1`),
  'an outage of another shape': (path) =>
    rewrite(path, `value = json_set(value, '$.nodes', 7)`, `kind = 'outage' AND open = 1`),
  'notes that are no JSON': (path) => rewrite(path, `value = '{'`, `kind LIKE 'fact.%'`),
}

export interface Damaged {
  readonly how: string
  /** Nothing may tell of it. */
  readonly isSilent: boolean
}

/** A journal on the disk, as the daemon has it: each kill leaves the next agent what was on the disk then. */
export class LifeJournal implements Disposable {
  private folder = newFolder()
  private handle: JournalHandle | undefined
  private readonly now: () => Date

  constructor(now: () => Date) {
    this.now = now
  }

  open(): { readonly journal: JournalHandle; readonly alerts: Alerts } {
    const opened = openJournalAndAlerts(this.folder, silentLog, this.now, this.handle !== undefined)
    this.handle = opened.journal
    return opened
  }

  /** The agent is killed. Answers what became of the file meanwhile; undefined where it is as it was. */
  kill(random: Random): Damaged | undefined {
    const [before, held] = [this.folder, this.handle!]
    this.folder = newFolder()
    for (const ending of ['', '-wal'])
      if (existsSync(join(before, `journal.db${ending}`)))
        cpSync(join(before, `journal.db${ending}`), join(this.folder, `journal.db${ending}`))
    held[Symbol.dispose]()
    drop(before)
    const path = join(this.folder, 'journal.db')
    if (!existsSync(path) || random.chance(0.25)) return undefined
    const how = random.pick(Object.keys(damages))
    // What is in the log of writes still would mend the file.
    if (!silent.includes(how)) rewrite(path, 'at = at', '0')
    damages[how]!(path, random)
    return { how, isSilent: silent.includes(how) }
  }

  [Symbol.dispose](): void {
    this.handle?.[Symbol.dispose]()
    drop(this.folder)
  }
}

/** In memory where there is such a place: each write of a journal waits for its disk. */
function newFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'caretaker life '))
}

function drop(path: string): void {
  rmSync(path, { force: true, recursive: true })
}

function overwrite(path: string, from: number, bytes: Buffer): void {
  const file = openSync(path, 'r+')
  try {
    writeSync(file, bytes, 0, bytes.length, from)
  } finally {
    closeSync(file)
  }
}

function rewrite(path: string, what: string, where: string): void {
  const database = new DatabaseSync(path)
  try {
    database.exec(`UPDATE records SET ${what} WHERE ${where}`)
  } catch {
    // It was damaged before, and is no better now.
  } finally {
    database.close()
  }
}
