import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { schematicId } from '../adapters/factory/schematic-id.ts'
import type { SecretSource } from '../config/scalars.ts'
import { type Config, parseConfig, parseSchematic } from '../config/config.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A configuration and where it lies: paths in it are relative to its file. */
export interface Settings {
  readonly file: string
  readonly config: Config
  readonly environment: Environment
  /** The absolute path of one that stands in the configuration. */
  path(relative: string): string
  /** Where schematics are kept. */
  readonly schematics: string
  /** The daemon's control socket. */
  readonly socket: string
  /** Our own store: its directory, below that of the state, and where its program is looked for. Undefined where another store is named. */
  readonly ownStore: { readonly directory: string; readonly searchPath: string } | undefined
}

const defaultFiles = ['config/caretaker.yaml', '/etc/caretaker/caretaker.yaml']

/**
 * Finds and reads the configuration: the file that is named, else $CARETAKER_CONFIG, else the first that exists of
 * config/caretaker.yaml and /etc/caretaker/caretaker.yaml.
 *
 * @throws AgentError `misconfigured`
 */
export async function loadSettings(named: string | undefined, environment: Environment): Promise<Settings> {
  const file =
    named ?? (environment['CARETAKER_CONFIG'] || undefined) ?? defaultFiles.find((candidate) => existsSync(candidate))
  if (file === undefined) {
    throw new AgentError(
      'misconfigured',
      `there is no configuration: none of ${defaultFiles.join(', ')} exists. Name one with --config FILE`,
    )
  }
  const text = await readText(file)
  const config = parseConfig(text, file)
  const directory = dirname(resolve(file))
  const path = (relative: string) => resolve(directory, relative)
  const state = path(config.state)
  return {
    file,
    config,
    environment,
    path,
    schematics: join(directory, 'schematics'),
    socket: join(state, 'control.sock'),
    ownStore:
      config.queue.url === undefined
        ? { directory: join(state, 'queue'), searchPath: environment['PATH'] ?? '' }
        : undefined,
  }
}

/** A file's text. @throws AgentError `misconfigured`, saying what is wrong with the file */
export async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `can't be read: ${messageOf(error)}`
    throw new AgentError('misconfigured', `${file} ${why}`, error)
  })
}

/** The secret itself, without the line break that editors put at the end of a file. */
export async function readSecret(
  source: SecretSource,
  what: string,
  { path, environment }: Pick<Settings, 'path' | 'environment'>,
): Promise<string> {
  if ('env' in source) {
    const value = environment[source.env]
    if (!value) throw new AgentError('misconfigured', `${what}: the environment variable ${source.env} is not set`)
    return value
  }
  const value = (await readText(path(source.file))).replace(/\r?\n$/, '')
  if (value === '') throw new AgentError('misconfigured', `${what}: the file ${path(source.file)} is empty`)
  return value
}

export function toSchematic(text: string, file: string): RegisteredSchematic {
  const schematic = parseSchematic(text, file)
  return { schematic, id: schematicId(schematic) }
}
