import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import { type SignedBytes, signedBytesOf } from '../../core/release/authenticode.ts'
import { type ByteSource, malformed } from '../../core/release/byte-source.ts'
import {
  type Asked,
  type Carried,
  type ExtensionLayer,
  readCarried,
  type ReadingMeans,
  refuseCarried,
} from '../../core/release/carried.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import { readPe } from '../../core/release/pe.ts'
import { schematicShape } from '../../core/release/schematic-shape.ts'
import type { Schematic } from '../../core/release/schematic.ts'
import { parseSignatures } from '../../core/release/signature.ts'
import { type OpenedUki, openUki, refuseUki, type Uki, type UkiSection } from '../../core/release/uki.ts'
import { parseYaml } from '../../yaml.ts'
import { whyNotSignedBy } from './verify-signature.ts'
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

/** Reads an image whole. @throws AgentError `misconfigured`, `malformed`, naming the file */
export async function inspectUkiFile(path: string): Promise<InspectedUki> {
  return withFile(path, async (source, file) => {
    const opened = await openUki(source)
    return {
      ...opened.uki,
      bytes: source.size,
      authenticode: await digest(file, signedBytesOf(opened.pe, source.size)),
      ...(await readForPeople(source, opened)),
    }
  })
}

/** Of the headers alone, whatever the file's size. @throws AgentError `misconfigured`, `malformed`, naming the file */
export async function sectionsOf(path: string): Promise<readonly UkiSection[]> {
  return withFile(path, async (source) => (await openUki(source)).uki.sections)
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

/** The largest certificate table that is read, in bytes; a signature has some 2,000. */
const largestTable = 1_048_576

/**
 * Why an image is not signed by one of these certificates; undefined where it is. `mustBeSigned`: one without any
 * signature is refused too.
 *
 * @param pinned PEM
 * @throws AgentError `misconfigured`; `malformed`, naming the file
 */
export async function refuseSignature(
  path: string,
  { pinned, mustBeSigned }: { readonly pinned: readonly string[]; readonly mustBeSigned: boolean },
): Promise<string | undefined> {
  return withFile(path, async (source, file) => {
    const pe = await readPe(source)
    if (!pe.certificates) return mustBeSigned ? 'it is not signed' : undefined
    const { offset, size } = pe.certificates
    if (size > largestTable) throw malformed('its certificate table is larger than that of any image')
    const signatures = parseSignatures(await source.read(offset, size))
    return whyNotSignedBy(signatures, await digest(file, signedBytesOf(pe, source.size)), pinned)
  })
}

export async function withFile<T>(
  path: string,
  read: (source: ByteSource, file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new AgentError('misconfigured', `${path} can't be read: ${messageOf(error)}`, error)
  })
  try {
    const { size } = await file.stat()
    return await read(sourceOf(file, size), file)
  } catch (error) {
    if (error instanceof AgentError) throw new AgentError(error.code, `${path}: ${error.message}`, error)
    throw new AgentError('malformed', `${path}: ${messageOf(error)}`, error)
  } finally {
    await file.close()
  }
}

function sourceOf(file: FileHandle, size: number): ByteSource {
  return {
    size,
    read: async (offset, length) => {
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - offset)))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    },
  }
}

async function digest(file: FileHandle, { ranges, padding }: SignedBytes): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(1_048_576)
  for (const { start, end } of ranges) {
    for (let at = start; at < end;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at)
      if (bytesRead === 0) throw new AgentError('malformed', 'the file has shrunk while it was read')
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  }
  return hash.update(Buffer.alloc(padding)).digest('hex')
}
