import { createHash } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import {
  access,
  chmod,
  chown,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { readBackup, type Receive } from '../adapters/backup/archive.ts'
import { checkCopy, settleJournal } from '../adapters/journal/copy.ts'
import { lockState, StateInUse } from '../adapters/journal/lock.ts'
import { newestFormat } from '../adapters/journal/migrations.ts'
import { readClientSettings } from '../config/state.ts'
import { backupFormat, type BackupFile, type Manifest, whyNotRestore } from '../core/backup/manifest.ts'
import { AgentError } from '../core/errors.ts'
import { defaultFiles, findConfigFile } from './config-file.ts'
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
}

/**
 * Puts a backup in place. All of it is read and on the disk before anything is touched, and what it replaces is kept. No
 * daemon may run: it would write to what is replaced.
 *
 * @throws AgentError `misconfigured` where a daemon runs, the backup is of a newer release, or a folder may not be written to;
 *   `malformed` where it is damaged
 */
export async function restoreBackup(order: RestoreOrder): Promise<RestoreAnswer> {
  const { from, config, withoutConfiguration, environment, now } = order
  const { manifest, text, receive } = await openAny(from)
  const why = whyNotRestore(manifest, { version: await ownVersion(), journalFormat: newestFormat })
  if (why !== undefined) throw new AgentError('misconfigured', `the backup ${from} can't be restored: ${why}`)
  const file = resolve(findConfigFile(config, environment) ?? defaultFiles.at(-1)!)
  const folder = dirname(file)
  const state = resolve(folder, await stateOf(file, text))
  using _ = takeState(state)
  const owner = await ownerOf(state)
  await own(join(state, 'lock.db'), owner)
  if (!withoutConfiguration) await demandWritable(folder)
  const staging = join(state, '.restoring')
  await rm(staging, { recursive: true, force: true })
  try {
    await receive(receiveInto(staging))
    const staged = join(staging, 'state', 'journal.db')
    if (existsSync(staged)) checkCopy(staged)
    settleJournal(state)
    const kept = join(state, `replaced-${now.toISOString().replace(/\.\d+/, '').replaceAll(':', '-')}`)
    const restored: string[] = []
    for (const one of manifest.files) {
      if (withoutConfiguration && one.place === 'configuration') continue
      const isMain = one.place === 'configuration' && one.path === manifest.configuration
      const target = isMain ? file : join(one.place === 'state' ? state : folder, one.path)
      if (await putInPlace(one, { staged: join(staging, one.place, one.path), target, kept, owner }))
        restored.push(target)
    }
    return { state, configuration: file, version: manifest.version, at: manifest.at, restored, kept: isThere(kept) }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

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

/** Where the state is: as the configuration says that is here, else as the one of the backup does. */
async function stateOf(file: string, text: string): Promise<string> {
  const present = await readFile(file, 'utf8').catch(() => undefined)
  const { state } = readClientSettings(present ?? text)
  if (state !== undefined) return state
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

async function demandWritable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(() => {})
  await access(folder, constants.W_OK).catch((error: unknown) => {
    const advice = 'run this where it is writable, or leave the configuration as it is with --no-configuration'
    throw new AgentError('misconfigured', `${folder} can't be written to: ${advice}`, error)
  })
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

async function ownerOf(path: string): Promise<Owner> {
  const { uid, gid } = await stat(path)
  return { uid, gid }
}

/** What root puts there is for the daemon's user to read. */
async function own(path: string, { uid, gid }: Owner): Promise<void> {
  if (process.geteuid?.() === 0 && existsSync(path)) await chown(path, uid, gid)
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
    if (data) await current.handle.writeFile(data)
    if (data) return
    await current.handle.sync()
    await current.handle.close()
    current = undefined
  }
}

interface Way {
  readonly staged: string
  readonly target: string
  /** The folder for what is replaced. */
  readonly kept: string
  readonly owner: Owner
}

/** Returns false where the same is there already. */
async function putInPlace(file: BackupFile, { staged, target, kept, owner }: Way): Promise<boolean> {
  const present = await stat(target).catch(() => undefined)
  if (present?.size === file.bytes && (await isSame(staged, target))) return false
  await makeFolder(dirname(target), file.place === 'state' ? owner : undefined)
  if (present) await keep(target, join(kept, file.place, file.path), kept, owner)
  // Beside it first: the folder of the configuration may be on another disk.
  const beside = `${target}.restoring`
  if (file.place === 'state') await rename(staged, beside)
  else await copyFile(staged, beside)
  await chmod(beside, file.mode)
  await own(beside, file.place === 'state' ? owner : await ownerOf(dirname(target)))
  await using handle = await open(beside, 'r')
  await handle.sync()
  await rename(beside, target)
  return true
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

/** The old file stays in its place until the new one takes it, where the disk knows links. */
async function keep(target: string, to: string, kept: string, owner: Owner): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await link(target, to).catch(() => copyFile(target, to))
  for (let path = to; path.length >= kept.length; path = dirname(path)) await own(path, owner)
  // Of a journal that could not be settled; the next one must not read it.
  for (const ending of ['-wal', '-shm', '-journal'])
    if (existsSync(`${target}${ending}`)) await rename(`${target}${ending}`, `${to}${ending}`)
}
