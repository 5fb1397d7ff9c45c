import { type FileHandle, open } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { ByteSource } from '../../core/release/byte-source.ts'
import {
  type Asked,
  type Carried,
  type ExtensionLayer,
  readCarried,
  type ReadingMeans,
  refuseCarried,
} from '../../core/release/carried.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import { readIso } from '../../core/release/iso.ts'
import { isIso } from '../../core/release/iso9660.ts'
import { schematicShape } from '../../core/release/schematic-shape.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { type OpenedUki, openUki, refuseUki, type Uki, type UkiSection } from '../../core/release/uki.ts'
import { parseYaml } from '../../yaml.ts'
import { authenticodeOf } from './authenticode-digest.ts'
import { hasFailed, translateError } from './trouble.ts'
import { unpackZstd } from './zstd.ts'

export const means: ReadingMeans = { unpack: unpackZstd, parseYaml }

/** Everything that an image says of itself, for people. */
export interface InspectedUki extends Uki {
  readonly bytes: number
  /** SHA-256 as SecureBoot signs it, in lower-case hex. */
  readonly authenticode: string
  readonly extensions: readonly ExtensionLayer[]
  readonly schematic: ShownSchematic | undefined
  /** Why there is no schematic to show, where there may be one. */
  readonly schematicUnread: string | undefined
}

export interface ShownSchematic {
  readonly id: string
  readonly author: string
  /** Without the machine configuration that may be in it, which can hold secrets. */
  readonly contents: Schematic
}

/** Reads an image whole; of an ISO the UKI in it. @throws AgentError `misconfigured`, `malformed`, naming the file */
export async function inspectUkiFile(path: string): Promise<InspectedUki> {
  return withFile(path, async (file) => {
    const source = await ukiIn(file)
    const opened = await openUki(source)
    return {
      ...opened.uki,
      bytes: source.size,
      authenticode: await authenticodeOf(source, opened.pe),
      ...(await readForPeople(source, opened)),
    }
  })
}

/** The file itself, or the UKI in an ISO. @throws AgentError `malformed` */
async function ukiIn(source: ByteSource): Promise<ByteSource> {
  if (!(await isIso(source))) return source
  const { uki } = await readIso(source)
  if (!uki) throw new AgentError('malformed', 'it is an ISO without a UKI')
  return uki
}

/** Of the headers alone, whatever the file's size. @throws AgentError `misconfigured`, `malformed`, naming the file */
export async function sectionsOf(path: string): Promise<readonly UkiSection[]> {
  return withFile(path, async (source) => (await openUki(await ukiIn(source))).uki.sections)
}

/**
 * Why the file is not the image that was asked for; undefined if it is. `schematic` is what the order's id stands for.
 *
 * @throws AgentError `misconfigured`; `malformed` for what is no image, naming the file
 */
export async function refuseUkiFile(
  path: string,
  order: ImageOrder,
  schematic: Schematic | undefined,
): Promise<string | undefined> {
  return withFile(path, async (source) => {
    const { uki, initrd } = await openUki(source)
    const refusal = refuseUki(uki, order)
    if (refusal !== undefined) return refusal
    const asked: Asked = { version: order.version, id: order.schematic, schematic }
    return refuseCarried(await readCarried(source, initrd, means), asked, parseYaml)
  })
}

/** A damaged `.initrd` does not keep a person from the rest. */
async function readForPeople(
  source: ByteSource,
  { initrd }: OpenedUki,
): Promise<Pick<InspectedUki, 'extensions' | 'schematic' | 'schematicUnread'>> {
  try {
    const carried = await readCarried(source, initrd, means)
    return {
      extensions: carried.extensions,
      schematic: shownOf(carried),
      schematicUnread:
        carried.unread === undefined ? undefined : `the last archive of .initrd is not zstd but ${carried.unread}`,
    }
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'malformed') throw error
    return { extensions: [], schematic: undefined, schematicUnread: error.message }
  }
}

function shownOf({ schematic }: Carried): ShownSchematic | undefined {
  if (!schematic) return undefined
  const { id, author, yaml } = schematic
  const what = 'the schematic in .initrd'
  const contents = schematicShape(parseYaml(yaml, what), what)
  const config = contents.customization?.embeddedMachineConfiguration
  if (config === undefined || config === '') return { id, author, contents }
  const embeddedMachineConfiguration = `(${config.length} characters, not shown)`
  const customization = { ...contents.customization, embeddedMachineConfiguration }
  return { id, author, contents: { ...contents, customization } }
}

export async function withFile<T>(path: string, read: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (hasFailed(error)) throw translateError(path, error)
    throw new AgentError('misconfigured', `${path} can't be read: ${messageOf(error)}`, error)
  })
  try {
    const { size } = await file.stat()
    return await read(sourceOf(file, size))
  } catch (error) {
    if (error instanceof AgentError) throw new AgentError(error.code, `${path}: ${error.message}`, error)
    // Nothing is wrong with the image where its disk fails.
    if (hasFailed(error)) throw translateError(path, error)
    throw new AgentError('malformed', `${path}: ${messageOf(error)}`, error)
  } finally {
    await file.close()
  }
}

function sourceOf(file: FileHandle, size: number): ByteSource {
  return {
    size,
    read: async (offset, length, into) => {
      const most = Math.max(0, Math.min(length, size - offset))
      const buffer = into ?? Buffer.alloc(most)
      const { bytesRead } = await file.read(buffer, 0, most, offset)
      return buffer.subarray(0, bytesRead)
    },
  }
}
