import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  inspectMachines,
  isPatchFile,
  machinesFile,
  parseMachines,
  type WrittenMachines,
} from '../../config/machines.ts'
import { readPatchFile } from '../../config/patch-file.ts'
import { type AgentError, messageOf } from '../../core/errors.ts'
import { type Fault, faultsOf, FaultsError } from '../../core/fault.ts'
import type { MachinesFolder, PatchFile } from '../../core/provision/machines-file.ts'
import { compareTexts } from '../../core/text-order.ts'
import { parsePatchFile } from '../../operations/provision/renderer.ts'
import { isMissingFile, namesIn, readText } from '../file-gate.ts'
import { type KeptFile, keepFile, type Reading, stampOf } from '../kept-file.ts'
import { withSecrets } from '../secret-reader.ts'
import type { Settings } from '../settings.ts'

/** In ms: files that were written more recently may be half there. */
const settledAfter = 500
/** Between two looks at files that are being written, in ms, and so many of them at most. */
const looksAgainAfter = 250
const mostLooks = 8
/** Between two looks at the folder, in ms: polled, as the configuration itself. */
const pollInterval = 5_000

type Place = Pick<Settings, 'file' | 'path' | 'environment'>

/** The folder beside the configuration. */
export function machinesFolderOf({ file }: Pick<Settings, 'file'>): string {
  return join(dirname(resolve(file)), 'machines')
}

export interface WatchedFolder extends Disposable {
  readonly kept: KeptFile<MachinesFolder>
}

/**
 * Follows the folder of machines: a good edit counts at once, and a bad one changes nothing. `trouble` is told why one is bad,
 * and with undefined that it is over.
 */
export async function watchMachinesFolder(
  settings: Place,
  trouble: (why: string | undefined) => void,
): Promise<WatchedFolder> {
  let before: string | undefined
  const tell = (why: string | undefined) => {
    if (why === before) return
    before = why
    trouble(why)
  }
  const kept = await keepFile({ read: () => readSettled(settings), trouble: tell, canWait: () => true })
  if (kept.last) trouble(undefined)
  const polling = setInterval(() => void kept.current().catch(() => {}), pollInterval).unref()
  return { kept, [Symbol.dispose]: () => clearInterval(polling) }
}

/** Reads it when nobody has written to it for a moment: half of a list of settings looks like a whole one. */
async function readSettled(settings: Place): Promise<Reading<MachinesFolder>> {
  for (let look = 1; ; look++) {
    const { files } = await outlineOf(settings)
    const newest = await newestChange(files)
    if (look >= mostLooks || Date.now() - newest >= settledAfter || newest > Date.now())
      return readMachinesFolder(settings)
    await sleep(looksAgainAfter)
  }
}

/** In ms since the epoch. */
async function newestChange(files: readonly string[]): Promise<number> {
  const stamps = await Promise.all(files.map((file) => stampOf([file])))
  return Math.max(0, ...stamps.map((stamp) => Number(stamp.split(':')[3] ?? 0) / 1e6))
}

/** The folder, its file, and its patches by their names. */
async function outlineOf(settings: Pick<Settings, 'file'>) {
  const directory = machinesFolderOf(settings)
  const names = await namesIn(directory)
  const patches = names.filter((name) => isPatchFile(name)).toSorted(compareTexts)
  const file = join(directory, machinesFile)
  return { directory, file, patches, files: [directory, file, ...patches.map((name) => join(directory, name))] }
}

/**
 * Everything in the folder, with the values that patches name. A folder that is not there is empty.
 *
 * @throws FaultsError with every fault of every file
 */
export async function readMachinesFolder(settings: Place): Promise<Reading<MachinesFolder>> {
  const outline = await outlineOf(settings)
  const faults: Fault[] = []
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      faults.push(...faultsOf(error as AgentError))
      return undefined
    }
  }
  const text = await attempt(() => readText(outline.file).catch(emptyWhereMissing))
  const written = text === undefined ? undefined : await attempt(async () => parseMachines(text, outline.file))
  const values = written && (await readValues(settings, written, { text: text!, file: outline.file }, faults))
  const names = Object.keys(written?.values ?? {})
  const patches = new Map<string, PatchFile>()
  for (const name of outline.patches) {
    const path = join(outline.directory, name)
    // Where the list of values can't be read every name would be unknown.
    const read = written && (await attempt(async () => readPatchFile(await readText(path), path, names)))
    if (!read) continue
    patches.set(name, read)
    // What no release of Talos takes: whether the one in question does is known when it is applied.
    faults.push(...parsePatchFile(read, []).faults)
  }
  if (written) faults.push(...missingPatches(written, outline.patches, { text: text!, file: outline.file }))
  if (faults.length > 0 || !written || !values) throw new FaultsError(faults)
  const { values: _, ...file } = written
  return {
    value: { file, patches, values: values.value, warnings: [] },
    files: [...outline.files, ...values.files],
  }
}

function emptyWhereMissing(error: unknown): string {
  if (isMissingFile(error)) return ''
  throw error
}

/** The files of values that patches name; none where machines.yaml can't be read. */
export async function valueFilesOf({
  file,
  path,
}: Pick<Settings, 'file' | 'path'>): Promise<readonly { readonly name: string; readonly file: string }[]> {
  try {
    const { values } = parseMachines(await readText(join(machinesFolderOf({ file }), machinesFile)), machinesFile)
    return Object.entries(values).flatMap(([name, source]) =>
      'file' in source ? [{ name, file: path(source.file) }] : [],
    )
  } catch {
    return []
  }
}

interface Source {
  readonly text: string
  readonly file: string
}

async function readValues(
  settings: Place,
  { values }: WrittenMachines,
  source: Source,
  faults: Fault[],
): Promise<Reading<ReadonlyMap<string, string>>> {
  return withSecrets(settings, async (reader) => {
    const found = new Map<string, string>()
    for (const [name, secret] of Object.entries(values))
      await reader.secret(secret, `values.${name}`).then(
        (value) => found.set(name, value),
        (error: unknown) => faults.push(faultAt(source, ['values', name], messageOf(error))),
      )
    return found
  })
}

/** Files that are named and not there. */
function missingPatches({ patches, machines }: WrittenMachines, there: readonly string[], source: Source): Fault[] {
  const named = [
    ...patches.map(({ file }, index) => ({ file, path: ['patches', index] as readonly (string | number)[] })),
    ...machines.flatMap((machine, index) =>
      machine.patches.map((file, at) => ({ file, path: ['machines', index, 'patches', at] })),
    ),
  ]
  return named
    .filter(({ file }) => !there.includes(file))
    .map(({ file, path }) => faultAt(source, path, `there is no ${file} in ${dirname(source.file)}`))
}

function faultAt({ text, file }: Source, path: readonly (string | number)[], message: string): Fault {
  const { placeOf } = inspectMachines(text, file)
  return { file, ...placeOf(path), setting: path.join('.'), message }
}
