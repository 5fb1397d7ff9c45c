import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { watch } from 'chokidar'
import { AgentError, messageOf } from '../core/errors.ts'
import type { RegisteredSchematic } from '../core/job.ts'
import type { Logger } from '../core/log.ts'

export interface SchematicsOptions {
  readonly directory: string
  /** From a file's text; throws an AgentError that names each fault. */
  readonly parse: (text: string, file: string) => RegisteredSchematic
  readonly changed: (name: string) => Promise<void>
  /** Told of each bad edit: the last good version stays in force. */
  readonly refused: (name: string, why: string) => void
  readonly log: Logger
}

export interface Schematics extends AsyncDisposable {
  readonly current: ReadonlyMap<string, RegisteredSchematic>
  /** Begins to watch for edits. */
  watch(): void
}

/**
 * The schematics of a folder: one file, one schematic, named after the file. All must be good at the start; after that a
 * bad edit, or a file that vanishes, changes nothing.
 *
 * @throws AgentError `misconfigured`, with the faults of every file
 */
export async function loadSchematics({
  directory,
  parse,
  changed,
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
    } catch (error) {
      faults.push(messageOf(error))
    }
  }
  if (faults.length > 0) throw new AgentError('misconfigured', faults.join('\n'))

  async function reread(path: string): Promise<void> {
    const name = nameOf(path)
    try {
      const fresh = parse(await readFile(path, 'utf8'), path)
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
