import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { readBackup, type Receive } from '../adapters/backup/archive.ts'
import { checkCopy, settleJournal } from '../adapters/journal/copy.ts'
import { lockState, StateInUse } from '../adapters/journal/lock.ts'
import { newestFormat } from '../adapters/journal/migrations.ts'
import { readClientSettings } from '../config/state.ts'
import { backupFormat, type BackupFile, type Manifest, whyNotRestore } from '../core/backup/manifest.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import { defaultFiles, findConfigFile } from './config-place.ts'
import { clearAway, finishRestore, laidName, recordName, stagingFolder } from './interrupted-restore.ts'
import { type Owner, type Replacement, swapFiles } from './swap-files.ts'
import { demandWritable } from './writable.ts'
import { ownVersion } from './version.ts'

export interface RestoreOrder {
  readonly from: string
  readonly config: string | undefined
  /** Leaves the configuration and the schematics as they are. */
  readonly withoutConfiguration: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly now: Date
}

export interface RestoreAnswer {
  readonly state: string
  readonly configuration: string
  /** Of the Caretaker that has made the backup, and when. */
  readonly version: string
  readonly at: string
  /** Paths of what was put in place. */
  readonly restored: readonly string[]
  /** Where what was there before is kept; undefined where nothing was. */
  readonly kept: string | undefined
  /** What became of a restore that was interrupted before; null where there was none. */
  readonly finished: string | null
}

/**
 * Puts a backup in place, all of it or nothing, whenever the process is killed: the next start, or restore, finishes it. All of it is read and on the disk before anything is touched, and what it replaces is kept. No
 * daemon may run: it would write to what is replaced.
 *
 * @throws AgentError `misconfigured` where a daemon runs, the backup is of a newer release, or a folder may not be written to;
 *   `malformed` where it is damaged
 */
export async function restoreBackup(order: RestoreOrder): Promise<RestoreAnswer> {
  try {
    return await restore(order)
  } catch (error) {
    if (error instanceof AgentError) throw error
    throw new AgentError('misconfigured', `the backup ${order.from} can't be restored: ${messageOf(error)}`, error)
  }
}

async function restore(order: RestoreOrder): Promise<RestoreAnswer> {
  const { from, config, withoutConfiguration, environment, now } = order
  const { manifest, text, receive } = await openAny(from)
  const why = whyNotRestore(manifest, { version: await ownVersion(), journalFormat: newestFormat })
  if (why !== undefined) throw new AgentError('misconfigured', `the backup ${from} can't be restored: ${why}`)
  const file = resolve(findConfigFile(config, environment) ?? defaultFiles.at(-1)!)
  const folder = dirname(file)
  const { present, state } = await statesOf(file, withoutConfiguration ? undefined : text)
  // Where the next start looks, whichever configuration it finds.
  const home = present ?? state
  for (const one of new Set([home, state])) await demandWritable(one, 'what is restored goes there')
  using taken = new DisposableStack()
  for (const one of new Set([home, state])) taken.use(takeState(one))
  for (const one of new Set([home, state])) await own(join(one, 'lock.db'), await ownerOf(one))
  const owner = await ownerOf(state)
  if (!withoutConfiguration) await demandWritable(folder, adviceOnFolder)
  const finished = await finishRestore(home)
  const staging = join(home, stagingFolder)
  try {
    await receive(inWords(receiveInto(staging), staging))
    const staged = join(staging, 'state', 'journal.db')
    if (existsSync(staged)) checkCopy(staged)
    settleJournal(state)
    const kept = join(state, `replaced-${now.toISOString().replace(/\.\d+/, '').replaceAll(':', '-')}`)
    const wanted = inOrder(manifest, existsSync(file)).filter(
      ({ place }) => !withoutConfiguration || place !== 'configuration',
    )
    const ways = wanted.map((one) => {
      const isMain = one.place === 'configuration' && one.path === manifest.configuration
      const target = isMain ? file : join(one.place === 'state' ? state : folder, one.path)
      // The folder of the configuration may be on another disk.
      const beside = join(dirname(target), `.${basename(target)}.restoring`)
      return { file: one, staged: join(staging, one.place, one.path), beside, target, kept, owner }
    })
    await writeFile(join(staging, laidName), JSON.stringify(ways.map(({ beside }) => beside)), { mode: 0o600 })
    const replacements: Replacement[] = []
    for (const way of ways) {
      const ready = await prepare(way)
      if (ready) replacements.push(ready)
    }
    const what = `the restore of the backup of ${manifest.at}`
    if (replacements.length > 0) await swapFiles(join(staging, recordName), { what, replacements }, await ownerOf(home))
    const restored = replacements.map(({ target }) => target)
    return {
      state,
      configuration: file,
      version: manifest.version,
      at: manifest.at,
      restored,
      kept: isThere(kept),
      finished: finished?.told ?? null,
    }
  } finally {
    // What is written down to be done is done by the next start.
    if (!existsSync(join(staging, recordName))) await clearAway(staging)
  }
}

/**
 * The configuration last where one is there, so that the old one holds until all it leads to is in place; else first, so that the next
 * start finds its way to the rest.
 */
function inOrder(manifest: Manifest, isLast: boolean): readonly BackupFile[] {
  const isMain = ({ place, path }: BackupFile) => place === 'configuration' && path === manifest.configuration
  const [main, others] = [manifest.files.filter(isMain), manifest.files.filter((one) => !isMain(one))]
  return isLast ? [...others, ...main] : [...main, ...others]
}

const adviceOnFolder = 'run this where it is writable, or leave the configuration as it is with --no-configuration'

const isThere = (path: string) => (existsSync(path) ? path : undefined)

/** A backup, or a journal alone, as is kept of each format before it is brought to a newer one. */
async function openAny(from: string) {
  if (!(await isJournal(from)))
    return { ...(await readFirst(from)), receive: async (by: Receive) => void (await readBackup(from, by)) }
  const journalFormat = checkCopy(from)
  const data = await readFile(from)
  const sha256 = createHash('sha256').update(data).digest('hex')
  const manifest: Manifest = {
    format: backupFormat,
    version: 'of that time',
    at: (await stat(from)).mtime.toISOString(),
    journalFormat,
    hasSecrets: false,
    configuration: basename(defaultFiles.at(-1)!),
    files: [{ place: 'state', path: 'journal.db', bytes: data.length, sha256, mode: 0o600 }],
  }
  const receive = async (by: Receive) => {
    await by('state/journal.db', data)
    await by('state/journal.db', undefined)
  }
  return { manifest, text: '', receive }
}

/** The first bytes of every file of SQLite (https://sqlite.org/fileformat.html). */
async function isJournal(path: string): Promise<boolean> {
  const handle = await open(path, 'r').catch(() => undefined)
  if (!handle) return false
  await using _ = handle
  const { buffer } = await handle.read(Buffer.alloc(16), 0, 16)
  return buffer.toString('latin1') === 'SQLite format 3\0'
}

/** Checks all of the backup, and takes the text of its configuration out of it. */
async function readFirst(from: string): Promise<{ readonly manifest: Manifest; readonly text: string }> {
  const parts = new Map<string, Buffer[]>()
  const manifest = await readBackup(from, async (name, data) => {
    // The configuration's file lies in its folder itself.
    if (data === undefined || !/^configuration\/[^/]+$/.test(name)) return
    parts.set(name, [...(parts.get(name) ?? []), data])
  })
  const main = parts.get(`configuration/${manifest.configuration}`) ?? []
  return { manifest, text: Buffer.concat(main).toString('utf8') }
}

/**
 * Where the state is, by the configuration that is here (`present`), and by the one that will be: that of the backup, where `text` has
 * it.
 */
async function statesOf(file: string, text: string | undefined) {
  const here = await readFile(file, 'utf8').catch(() => undefined)
  const at = (written: string) => {
    const { state } = readClientSettings(written)
    return state === undefined ? undefined : resolve(dirname(file), state)
  }
  const present = here === undefined ? undefined : at(here)
  const isKnown = here === undefined || present !== undefined
  const state = text === undefined || text === '' ? (present ?? at('')) : at(text)
  if (isKnown && state !== undefined) return { present, state }
  throw new AgentError('misconfigured', `${file} does not say where the state is: mend it, or move it away`)
}

function takeState(state: string): Disposable {
  try {
    return lockState(state)
  } catch (error) {
    if (!(error instanceof StateInUse)) throw error
    const advice = 'stop it first (`systemctl stop caretaker`, `docker compose stop`)'
    throw new AgentError(
      'misconfigured',
      `a daemon runs in ${state}, and would write to what is restored: ${advice}`,
      error,
    )
  }
}

async function ownerOf(path: string): Promise<Owner> {
  const { uid, gid } = await stat(path)
  return { uid, gid }
}

/** What root puts there is for the daemon's user to read. */
async function own(path: string, { uid, gid }: Owner): Promise<void> {
  if (process.geteuid?.() !== 0 || !existsSync(path)) return
  const found = await stat(path)
  if (found.uid !== uid || found.gid !== gid) await chown(path, uid, gid)
}

/** Says that it is our disk which fails, and not the backup. */
function inWords(receive: Receive, staging: string): Receive {
  return (name, data) =>
    receive(name, data).catch((error: unknown) => {
      throw new AgentError('misconfigured', `${staging} can't be written to: ${messageOf(error)}`, error)
    })
}

/** Writes each file of a backup below a folder, to the disk, for its owner alone. */
function receiveInto(staging: string): Receive {
  let current: { readonly name: string; readonly handle: FileHandle } | undefined
  return async (name, data) => {
    if (current?.name !== name) {
      const path = join(staging, name)
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      current = { name, handle: await open(path, 'wx', 0o600) }
    }
    const { handle } = current
    try {
      if (data) return await handle.writeFile(data)
      await handle.sync()
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    current = undefined
  }
}

interface Way {
  readonly file: BackupFile
  readonly staged: string
  readonly beside: string
  readonly target: string
  /** The folder for what is replaced. */
  readonly kept: string
  readonly owner: Owner
}

/** Lays a file ready beside its place; undefined where the same is there already. */
async function prepare({ file, staged, beside, target, kept, owner }: Way): Promise<Replacement | undefined> {
  const present = await stat(target).catch(() => undefined)
  if (present?.size === file.bytes && (await isSame(staged, target))) return undefined
  await makeFolder(dirname(target), file.place === 'state' ? owner : undefined)
  await rename(staged, beside).catch(() => copyFile(staged, beside))
  await chmod(beside, file.mode)
  await own(beside, file.place === 'state' ? owner : await ownerOf(dirname(target)))
  await using handle = await open(beside, 'r')
  await handle.sync()
  if (!present) return { beside, target }
  const to = join(kept, file.place, file.path)
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  for (let path = dirname(to); path.length >= kept.length; path = dirname(path)) await own(path, owner)
  return { beside, target, kept: to }
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([readFile(one), readFile(other).catch(() => undefined)])
  return second !== undefined && first.equals(second)
}

async function makeFolder(path: string, owner: Owner | undefined): Promise<void> {
  if (existsSync(path)) return
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (owner) await own(path, owner)
}
