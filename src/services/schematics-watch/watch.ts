import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { watch } from 'chokidar'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { RegisteredSchematic } from '../../core/release/schematic.ts'
import type { Logger } from '../../core/log.ts'

export interface SchematicsOptions {
  readonly directory: string
  /** From a file's text; throws an AgentError that names each fault. */
  readonly parse: (text: string, file: string) => RegisteredSchematic
  readonly changed: (name: string) => Promise<void>
  /** The schematics that nodes run, which must be good at the start; without it all of them. */
  readonly needed?: ReadonlySet<string>
  /** The version of a schematic that was in force last, for a file that is bad or gone at the start. */
  readonly lastGood?: (name: string) => RegisteredSchematic | undefined
  /** Told of each bad edit: the last good version stays in force; with undefined of each good one. */
  readonly refused: (name: string, why: string | undefined) => void
  readonly log: Logger
}

export interface Schematics extends AsyncDisposable {
  readonly current: ReadonlyMap<string, RegisteredSchematic>
  /** Begins to watch for edits. */
  watch(): void
}

/**
 * The schematics of a folder: one file, one schematic, named after the file. A bad edit, or a file that vanishes, changes
 * nothing; at the start what was in force before takes the place of a bad file, if that is known.
 *
 * @throws AgentError `misconfigured`, with the faults of every file
 */
export async function loadSchematics({
  directory,
  parse,
  changed,
  needed,
  lastGood,
  refused,
  log,
}: SchematicsOptions): Promise<Schematics> {
  const current = new Map<string, RegisteredSchematic>()
  const files = await readdir(directory).catch((error: unknown) => {
    throw new AgentError('misconfigured', `the schematics in ${directory} can't be read: ${messageOf(error)}`)
  })
  const faults: string[] = []
  for (const file of files.filter(isSchematic).sort()) {
    const path = join(directory, file)
    try {
      current.set(nameOf(file), parse(await readFile(path, 'utf8'), path))
      refused(nameOf(file), undefined)
    } catch (error) {
      const name = nameOf(file)
      const before = lastGood?.(name)
      if (before) current.set(name, before)
      // A power cut in the middle of an edit must not leave the homelab without its guard.
      if (before || needed?.has(name) === false) refused(name, messageOf(error))
      else faults.push(messageOf(error))
    }
  }
  for (const name of needed ?? []) {
    const before = current.has(name) ? undefined : lastGood?.(name)
    if (before) current.set(name, before)
    if (before) refused(name, `${join(directory, `${name}.yaml`)} is not there; its last version stays in force`)
  }
  if (faults.length > 0) throw new AgentError('misconfigured', faults.join('\n'))

  async function reread(path: string): Promise<void> {
    const name = nameOf(path)
    try {
      const fresh = parse(await readFile(path, 'utf8'), path)
      refused(name, undefined)
      if (fresh.id === current.get(name)?.id) return
      current.set(name, fresh)
      log.info({ schematic: name, id: fresh.id }, 'schematic changed')
      await changed(name)
    } catch (error) {
      log.warn({ schematic: name, reason: messageOf(error) }, 'bad schematic; the last good one stays in force')
      refused(name, messageOf(error))
    }
  }

  let watcher: ReturnType<typeof watch> | undefined
  return {
    current,
    watch: () => {
      // Editors write in several steps or swap the file; a half-written one must not be read.
      watcher = watch(directory, {
        // What was edited between our first reading and now is a change too; the others are the same as before.
        ignoreInitial: false,
        depth: 0,
        atomic: true,
        awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
      })
      const onEdit = (path: string) => void (isSchematic(path) && reread(path))
      watcher.on('add', onEdit).on('change', onEdit)
      watcher.on('unlink', (path: string) => {
        if (isSchematic(path))
          refused(nameOf(path), `${path} was removed; its last version stays in force until a restart`)
      })
      watcher.on('error', (error) => log.warn({ reason: messageOf(error) }, 'the schematics are not watched'))
    },
    [Symbol.asyncDispose]: async () => {
      await watcher?.close()
    },
  }
}

function isSchematic(path: string): boolean {
  return /^[a-z0-9][-a-z0-9.]*\.yaml$/.test(basename(path))
}

function nameOf(path: string): string {
  return basename(path, '.yaml')
}
