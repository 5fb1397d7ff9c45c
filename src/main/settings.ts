import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { schematicId } from '../adapters/factory/schematic-id.ts'
import type { SecretSource } from '../config/scalars.ts'
import type { Doubt } from '../config/doubts.ts'
import { type Config, inspectConfig, parseConfig, parseSchematic } from '../config/config.ts'
import { withPresentNames } from '../config/present-names.ts'
import { chooseTimeZone } from '../core/time.ts'
import { AgentError, messageOf } from '../core/errors.ts'
import type { Fault } from '../core/fault.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import type { AnyService, Files } from '../operations/service.ts'
import { defaultFiles, findConfigFile, socketIn } from './config-place.ts'
import { readText } from './file-gate.ts'
import { findLastGood, readKept } from './last-good.ts'
import { loadRegistry, sectionsOf } from './registry.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A configuration and where it lies: paths in it are relative to its file. */
export interface Settings extends Files {
  readonly file: string
  /** Its text, as it is used. */
  readonly text: string
  /** As it is now: an edit shows at the next look. */
  readonly config: Config
  readonly environment: Environment
  readonly services: readonly AnyService[]
  /** The daemon's control socket. */
  readonly socket: string
  /** Why the last good version is used instead of the file. */
  readonly fault: string | undefined
  /** Whether a daemon has run with this file before: then a fault must not stop it from guarding the power. */
  readonly hasRun: boolean
}

/**
 * Finds and reads the configuration: the file that is named, else $CARETAKER_CONFIG, else the first that exists of
 * config/caretaker.yaml and /etc/caretaker/caretaker.yaml.
 *
 * @throws AgentError `misconfigured`
 */
export async function loadSettings(
  named: string | undefined,
  environment: Environment,
  registry = loadRegistry(),
): Promise<Settings> {
  const file = findFile(named, environment)
  const services = await registry
  const text = await readText(file)
  return settingsOf({ file, text, config: readConfig(text, file, { services, environment }), environment, services })
}

/**
 * The same for whoever must go on while the file is being edited: the last good version takes the place of one that is
 * wrong or gone.
 *
 * @throws AgentError `misconfigured` where none was ever good
 */
export async function loadUsableSettings(
  named: string | undefined,
  environment: Environment,
  registry = loadRegistry(),
): Promise<Settings> {
  const file = (await findKept(named, environment)) ?? findFile(named, environment)
  const services = await registry
  const text = await readText(file).catch(() => undefined)
  const lastGood = await findLastGood(resolve(file), text, environment)
  const parse = (from: string, name: string) => readConfig(from, name, { services, environment })
  try {
    const present = text ?? (await readText(file))
    const config = parse(present, file)
    const kept = await readKept(resolve(dirname(resolve(file)), config.state))
    const hasRun = lastGood !== undefined || kept === 'unreadable'
    return settingsOf({ file, text: present, config, environment, services, hasRun })
  } catch (error) {
    if (lastGood === undefined) throw error
    // An earlier release may have kept it.
    const kept = withPresentNames(lastGood.text)
    const config = orUndefined(() => parse(kept, lastGood.file))
    // What a person has to fix is the file, and not what was kept of it.
    if (config === undefined) throw error
    return settingsOf({ file, text: kept, config, environment, services, fault: messageOf(error), hasRun: true })
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** A configuration that may have faults, with what can be used of it to look at the rest. */
export interface InspectedSettings {
  readonly file: string
  readonly faults: readonly Fault[]
  /** What is read otherwise than it looks. */
  readonly doubts: readonly Doubt[]
  /** Undefined where nothing can be used. */
  readonly settings: Settings | undefined
  /** Top-level settings that are missing. */
  readonly assumed: readonly string[]
  /** Everything that stands in the file. */
  readonly raw: unknown
  /** The path in the file of a setting of `settings`. */
  pathOf(path: readonly PropertyKey[]): readonly PropertyKey[]
  /** Line and column of a path in the file. */
  placeOf(path: readonly PropertyKey[]): { readonly line: number; readonly column: number }
}

/** The same to be checked. @throws AgentError `misconfigured` where there is no file to read */
export async function inspectSettings(
  named: string | undefined,
  environment: Environment,
  registry = loadRegistry(),
): Promise<InspectedSettings> {
  const file = findFile(named, environment)
  const services = await registry
  const text = await readText(file)
  const { usable, ...inspected } = inspectConfig(text, file, sectionsOf(services))
  const settings = usable && settingsOf({ file, text, config: usable, environment, services })
  return { file, settings, ...inspected }
}

/** A configuration's text, with times in the zone that `TZ` names. @throws AgentError `misconfigured`, with every error */
export function readConfig(
  text: string,
  file: string,
  { services, environment }: Pick<Settings, 'services' | 'environment'>,
): Config {
  const config = parseConfig(text, file, sectionsOf(services))
  const shownZone = chooseTimeZone(environment['TZ'], config.upgrade.timeZone)
  return { ...config, upgrade: { ...config.upgrade, shownZone } }
}

function findFile(named: string | undefined, environment: Environment): string {
  const file = findConfigFile(named, environment)
  if (file === '')
    throw new AgentError('misconfigured', 'the name of the configuration file is empty: name one with --config FILE')
  if (file !== undefined) return file
  throw new AgentError(
    'misconfigured',
    `no configuration found: none of ${defaultFiles.join(', ')} exists. Write one with \`caretaker init\`, or name one with --config FILE`,
  )
}

/** A default file that is missing is found by its last good version. */
async function findKept(named: string | undefined, environment: Environment): Promise<string | undefined> {
  if (named !== undefined || environment['CARETAKER_CONFIG'] || defaultFiles.some((file) => existsSync(file)))
    return undefined
  for (const file of defaultFiles)
    if ((await findLastGood(resolve(file), undefined, environment)) !== undefined) return file
  return undefined
}

type Given = Pick<Settings, 'file' | 'text' | 'config' | 'environment' | 'services'> &
  Partial<Pick<Settings, 'fault' | 'hasRun'>>

function settingsOf({ file, text, config, environment, services, fault, hasRun = false }: Given): Settings {
  const directory = dirname(resolve(file))
  const path = (relative: string) => resolve(directory, relative)
  const state = path(config.state)
  return {
    file,
    text,
    config,
    environment,
    services,
    fault,
    hasRun,
    path,
    state,
    schematics: join(directory, 'schematics'),
    socket: socketIn(state),
    searchPath: environment['PATH'] ?? '',
    readSecret: (source, what) => readSecret(source, what, { path, environment }),
    parseSchematic: toSchematic,
  }
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
