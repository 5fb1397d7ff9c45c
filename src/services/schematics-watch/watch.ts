import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FSWatcher } from 'chokidar'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { RegisteredSchematic } from '../../core/release/schematic.ts'
import type { Logger } from '../../core/log.ts'

export interface SchematicsOptions {
  readonly directory: string
  /** From a file's text; throws an AgentError that names each fault. */
  readonly parse: (text: string, file: string) => RegisteredSchematic
  /** Called with the name of each schematic that was edited. */
  readonly changed?: (name: string) => Promise<void>
  /** The schematics that nodes run, which must be good at the start; without it all of them. */
  readonly needed?: ReadonlySet<string>
  /** The version of a schematic that was in force last, for a file that is bad or gone at the start. */
  readonly lastGood?: (name: string) => RegisteredSchematic | undefined
  /** Told of each bad edit: the last good version stays in force; with undefined of each good one. */
  readonly refused?: (name: string, why: string | undefined) => void
  readonly log: Logger
}

export interface Schematics extends AsyncDisposable {
  readonly current: ReadonlyMap<string, RegisteredSchematic>
  /** Starts to watch for edits. */
  watch(): void
}

const lastStays = 'its last version stays in use'

/**
 * The schematics of a folder: one file, one schematic, named after the file. A bad edit, or a file that vanishes, changes
 * nothing; at the start what was in force before takes the place of a bad file, if that is known.
 *
 * @throws AgentError `misconfigured`, with the faults of every file
 */
export async function loadSchematics(options: SchematicsOptions): Promise<Schematics> {
  const { directory, parse, changed, refused = () => {}, log } = options
  const current = await readFolder(options)

  async function reread(path: string): Promise<void> {
    const name = nameOf(path)
    try {
      const fresh = parse(await readFile(path, 'utf8'), path)
      refused(name, undefined)
      if (fresh.id === current.get(name)?.id) return
      current.set(name, fresh)
      log.info({ schematic: name, id: fresh.id }, 'schematic changed')
      await changed?.(name)
    } catch (error) {
      log.warn({ schematic: name, reason: messageOf(error) }, 'invalid schematic; the last valid one stays in use')
      refused(name, current.has(name) ? `${messageOf(error)}; ${lastStays}` : messageOf(error))
    }
  }

  let watcher: Promise<FSWatcher | undefined> | undefined
  return {
    current,
    watch: () => {
      watcher ??= watchFolder(directory, {
        edited: (path) => void reread(path),
        removed: (path) => {
          const name = nameOf(path)
          const isUsed = options.needed?.has(name) !== false
          refused(name, isUsed ? `${path} was removed; ${lastStays} until a restart` : undefined)
        },
        log,
      })
    },
    [Symbol.asyncDispose]: async () => {
      await (await watcher)?.close()
    },
  }
}

async function readFolder(options: SchematicsOptions): Promise<Map<string, RegisteredSchematic>> {
  const { directory, parse, needed, lastGood, refused = () => {} } = options
  const current = new Map<string, RegisteredSchematic>()
  const files = await readdir(directory).catch((error: unknown) => {
    throw new AgentError(
      'misconfigured',
      `the directory of schematics, ${directory}, can't be read: ${messageOf(error)}`,
    )
  })
  const faults: string[] = []
  for (const file of files.filter(isSchematic).sort()) {
    const path = join(directory, file)
    const name = nameOf(file)
    try {
      current.set(name, parse(await readFile(path, 'utf8'), path))
      refused(name, undefined)
    } catch (error) {
      const before = lastGood?.(name)
      if (before) current.set(name, before)
      // A power cut in the middle of an edit must not leave the power unguarded.
      if (before || needed?.has(name) === false)
        refused(name, before ? `${messageOf(error)}; ${lastStays}` : messageOf(error))
      else faults.push(messageOf(error))
    }
  }
  for (const name of needed ?? []) {
    const before = current.has(name) ? undefined : lastGood?.(name)
    if (!before) continue
    current.set(name, before)
    refused(name, `${join(directory, `${name}.yaml`)} is missing; ${lastStays}`)
  }
  if (faults.length > 0) throw new AgentError('misconfigured', faults.join('\n'))
  return current
}

interface FolderListener {
  edited(path: string): void
  removed(path: string): void
  readonly log: Logger
}

async function watchFolder(
  directory: string,
  { edited, removed, log }: FolderListener,
): Promise<FSWatcher | undefined> {
  // Imported late: reading the folder does not need it.
  const { watch } = await import('chokidar')
  // Editors write in several steps or swap the file; a half-written one must not be read.
  const watcher = watch(directory, {
    // What was edited between our first reading and now is a change too; the others are the same as before.
    ignoreInitial: false,
    depth: 0,
    atomic: true,
    awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
  })
  const onEdit = (path: string) => void (isSchematic(path) && edited(path))
  watcher.on('add', onEdit).on('change', onEdit)
  watcher.on('unlink', (path: string) => void (isSchematic(path) && removed(path)))
  watcher.on('error', (error) => log.warn({ reason: messageOf(error) }, 'the schematics are not watched'))
  return watcher
}

function isSchematic(path: string): boolean {
  return /^[a-z0-9][-a-z0-9.]*\.yaml$/.test(basename(path))
}

function nameOf(path: string): string {
  return basename(path, '.yaml')
}
