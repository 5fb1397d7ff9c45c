import { flag, type Fields, listOf, number, object, oneOf, optional, type Shape, text, time } from '../shape.ts'

/** The format of the backups that this release writes; it reads all up to it. */
export const backupFormat = 1

/** Where a file of a backup belongs: in the state directory, or in the folder of the configuration. */
export type BackupPlace = 'state' | 'configuration'

export interface BackupFile {
  readonly place: BackupPlace
  /** Relative to the place, with slashes. */
  readonly path: string
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
  /** Permissions. */
  readonly mode: number
}

/** What a backup says of itself. */
export interface Manifest {
  readonly format: number
  /** Of the Caretaker that has made it. */
  readonly version: string
  /** ISO 8601. */
  readonly at: string
  /** The format of the journal in it; undefined where there is none. */
  readonly journalFormat?: number
  /** Whether it has what gives access to the cluster. */
  readonly hasSecrets: boolean
  /** The name of the configuration's file, in its folder. */
  readonly configuration: string
  readonly files: readonly BackupFile[]
}

const fileFields: Fields<BackupFile> = {
  place: oneOf<BackupPlace>({ state: true, configuration: true }),
  path: text,
  bytes: number,
  sha256: text,
  mode: number,
}

const fields: Fields<Manifest> = {
  format: number,
  version: text,
  at: time,
  journalFormat: optional(number),
  hasSecrets: flag,
  configuration: text,
  files: listOf(object(fileFields)),
}

const shape: Shape<Manifest> = object(fields)

/** @throws AgentError `malformed` */
export function parseManifest(value: unknown): Manifest {
  return shape(value, 'the list of its files')
}

/**
 * Why this release can't restore such a backup, and the way to go; undefined where it can. An older journal is taken on at
 * the next start; a newer one is not understood, whatever else there is.
 */
export function whyNotRestore(
  manifest: Pick<Manifest, 'format' | 'journalFormat' | 'version' | 'files' | 'configuration'>,
  own: { readonly version: string; readonly journalFormat: number },
): string | undefined {
  const { format, journalFormat = 0, version, files, configuration } = manifest
  const wayToGo = `restore it with Caretaker ${version}, or a newer one`
  if (format > backupFormat)
    return `it was made by Caretaker ${version}, in a format that ${own.version} does not know (${format}; it reads up to ${backupFormat}): ${wayToGo}`
  if (journalFormat > own.journalFormat)
    return `its journal is of Caretaker ${version} (format ${journalFormat}), and ${own.version} reads up to format ${own.journalFormat}: ${wayToGo}`
  const odd = [...files.map(({ path }) => path), configuration].find((path) => !isInside(path))
  return odd === undefined ? undefined : `it has a file that leads out of its folder: ${odd}`
}

/** Whether a relative path stays where it begins: names between slashes, and none of them a way up. */
export function isInside(path: string): boolean {
  const names = path.split('/')
  return names.every((name) => name !== '' && name !== '.' && name !== '..' && !/[\0\\]/.test(name))
}
