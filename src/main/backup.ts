import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { type Source, writeBackup } from '../adapters/backup/archive.ts'
import { copyJournal } from '../adapters/journal/copy.ts'
import { readClientSettings } from '../config/state.ts'
import { backupFormat, type BackupPlace, type Manifest } from '../core/backup/manifest.ts'
import { AgentError } from '../core/errors.ts'
import { openYaml } from '../yaml.ts'
import { findConfigFile } from './config-place.ts'
import { readText } from './file-gate.ts'
import { secretsFile } from './provision/machine-secrets.ts'
import { valueFilesOf } from './provision/machines-folder.ts'
import { ownVersion } from './version.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface BackupOrder {
  /** The file that is written. */
  readonly to: string
  /** The configuration, as for every command. */
  readonly config: string | undefined
  /** Also what gives access to the cluster: credentials, keys, passwords, snapshots of etcd. */
  readonly withSecrets: boolean
  readonly environment: Environment
  readonly now: Date
}

export interface BackupAnswer extends Manifest {
  readonly file: string
  /** What would be needed, and lies elsewhere. */
  readonly leftOut: readonly string[]
}

/** What of the state directory is a secret, by the names of its folders. */
const secretFolders = ['credentials', 'keys', 'snapshots']
/** What a crash has left, and what is half written. */
const unfinished = /^\.|\.part/

/**
 * Writes a backup of the journal, the configuration and the schematics, also beside a daemon that runs. What is on the share is
 * not in it, nor the queue: both come again by themselves.
 *
 * @throws AgentError
 */
export async function makeBackup({ to, config, withSecrets, environment, now }: BackupOrder): Promise<BackupAnswer> {
  const { file, text, state } = await findPlaces(config, environment)
  const folder = dirname(file)
  const temporary = await mkdtemp(join(tmpdir(), 'caretaker-backup-'))
  try {
    const copy = join(temporary, 'journal.db')
    const journalFormat = copyJournal(state, copy)
    const values = await valueFilesOf({ file, path: (relative) => resolve(folder, relative) })
    const named = [...new Set([...namedFiles(text, folder), ...values.map((one) => one.file)])].toSorted()
    const inFolder = named.filter((path) => isBelow(path, folder) && !isBelow(path, state))
    const sources: Source[] = [
      ...(journalFormat === undefined
        ? []
        : [{ place: 'state' as const, path: 'journal.db', mode: 0o600, from: copy }]),
      { place: 'configuration', path: basename(file), mode: (await stat(file)).mode & 0o777, from: Buffer.from(text) },
      ...(await filesBelow('configuration', folder, 'schematics', /\.ya?ml$/)),
      ...(await filesBelow('configuration', folder, 'machines', /\.ya?ml$/)),
    ]
    if (withSecrets) {
      for (const name of secretFolders) sources.push(...(await filesBelow('state', state, name)))
      sources.push(...(await fileAt('state', state, join(state, secretsFile))))
      for (const path of inFolder) sources.push(...(await fileAt('configuration', folder, path)))
    }
    const about = {
      format: backupFormat,
      version: await ownVersion(),
      at: now.toISOString(),
      ...(journalFormat === undefined ? {} : { journalFormat }),
      hasSecrets: withSecrets,
      configuration: basename(file),
    }
    const manifest = await writeBackup(to, uniqueOf(sources), about)
    const outside = named.filter((path) => !isBelow(path, folder))
    return { file: to, ...manifest, leftOut: withSecrets ? outside : named }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The configuration and the state directory that it names, however broken the rest of it is. */
async function findPlaces(named: string | undefined, environment: Environment) {
  const found = findConfigFile(named, environment)
  if (found === undefined)
    throw new AgentError(
      'misconfigured',
      'no configuration found: name one with --config FILE, or write one with `caretaker init`',
    )
  const file = resolve(found)
  const text = await readText(file)
  const { state, fault } = readClientSettings(text)
  if (state === undefined)
    throw new AgentError('misconfigured', `${file} does not say where the state is: ${fault ?? 'mend it first'}`)
  return { file, text, state: resolve(dirname(file), state) }
}

/** Files that a configuration names, wherever it does: credentials, keys, passwords, certificates. */
function namedFiles(text: string, folder: string): readonly string[] {
  const { document, faults } = openYaml(text)
  if (faults.length > 0) return []
  const found = new Set<string>()
  const visit = (key: string | undefined, value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const [name, one] of Object.entries(value)) visit(name, one)
    else if (typeof value === 'string' && key !== undefined && namesFile.has(key)) found.add(resolve(folder, value))
  }
  try {
    visit(undefined, document.toJS())
  } catch {
    // An alias that leads nowhere: the configuration is saved as it is.
  }
  return [...found].toSorted()
}

/** The keys of settings that are files. */
const namesFile = new Set(['talosconfig', 'kubeconfig', 'file', 'key', 'knownHosts', 'ca', 'certificate', 'calendar'])

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`)
}

async function filesBelow(place: BackupPlace, root: string, name: string, wanted = /./): Promise<Source[]> {
  const entries = await readdir(join(root, name), { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile() && wanted.test(entry.name) && !unfinished.test(entry.name))
  const found = files.map((entry) => fileAt(place, root, join(entry.parentPath, entry.name)))
  return (await Promise.all(found)).flat()
}

async function fileAt(place: BackupPlace, root: string, path: string): Promise<Source[]> {
  const info = await stat(path).catch(() => undefined)
  if (!info?.isFile()) return []
  const name = relative(root, path).split(sep).join('/')
  // Small files whole: they may be replaced while they are read.
  const from = info.size < 65_536 ? await readFile(path) : path
  return [{ place, path: name, mode: info.mode & 0o777, from }]
}

function uniqueOf(sources: readonly Source[]): readonly Source[] {
  return [...new Map(sources.map((source) => [`${source.place}/${source.path}`, source])).values()]
}
