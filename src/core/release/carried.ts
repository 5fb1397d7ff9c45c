import { listOf, object, optional, type Shape, text } from '../shape.ts'
import { compareVersions } from '../version.ts'
import { type ByteSource, type Extent, malformed } from './byte-source.ts'
import { type CpioLimits, findInCpio } from './cpio.ts'
import { type InitrdArchive, listArchives } from './initrd.ts'
import { canonicalExtension } from './provisions.ts'
import { differencesOf } from './schematic-difference.ts'
import { type Schematic, canonicalYaml } from './schematic.ts'
import { schematicShape } from './schematic-shape.ts'

/** One extension of an image, as its own manifest names it. */
export interface ExtensionLayer {
  /** `iscsi-tools`; the Factory calls it `siderolabs/iscsi-tools`. */
  readonly name: string
  readonly version: string
}

/** The schematic that an image was built from, as the Factory has written it into the image. */
export interface CarriedSchematic {
  /** As the builder computes it, which can differ from the id that the image was asked for by. */
  readonly id: string
  /** As it stands in the image. Can hold secrets: a machine configuration may be part of it. */
  readonly yaml: string
  /** Who built it: `Image Factory (https://factory.talos.dev/)`. */
  readonly author: string
}

/** What the last archive of `.initrd` says of the image. */
export interface Carried {
  readonly extensions: readonly ExtensionLayer[]
  /** Undefined in what no Factory has built. */
  readonly schematic: CarriedSchematic | undefined
  /** How the last archive is compressed, where it is another way than by zstd, which is then not read. */
  readonly unread: InitrdArchive['compression'] | undefined
}

/** What reading an archive takes, and core does not have. */
export interface ReadingMeans {
  /** Unpacks one zstd frame. It rejects with AgentError `malformed` for one that is damaged, or needs too large a window. */
  unpack(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** @throws AgentError `malformed`; `what` names the text */
  parseYaml(text: string, what: string): unknown
}

const listName = 'extensions.yaml'
/** Its text may hold a machine configuration; parsing takes about a second per MB. */
const largestList = 524_288
/** Far more than firmware and kernel modules are. */
const mostFiles = 262_144
const chunk = 65_536

/** Images of squashfs don't compress, so what unpacks to many times its size is no set of extensions. In bytes. */
function largestUnpacked(packed: number): number {
  return Math.min(2 ** 30, 2 ** 26 + 32 * packed)
}

/**
 * Reads what the last archive of `.initrd` says of the image's extensions. Nothing before that archive is read but the
 * headers that lead to it, and of the archive nothing is kept but its list.
 *
 * @throws AgentError `malformed`
 */
export async function readCarried(source: ByteSource, initrd: Extent, means: ReadingMeans): Promise<Carried> {
  const archives = await listArchives(source, initrd)
  const last = archives.at(-1)
  if (!last) throw malformed('.initrd has no archive')
  const nothing = { extensions: [], schematic: undefined }
  if (last.compression !== 'zstd') return { ...nothing, unread: last.compression }
  const limits: CpioLimits = { file: largestList, archive: largestUnpacked(last.end - last.start), files: mostFiles }
  const list = await findInCpio(means.unpack(chunksOf(source, last)), listName, limits)
  if (!list) return { ...nothing, unread: undefined }
  const what = `${listName} in .initrd`
  return { ...parseList(means.parseYaml(new TextDecoder().decode(list), what), what), unread: undefined }
}

async function* chunksOf(source: ByteSource, { start, end }: Extent): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end;) {
    const bytes = await source.read(at, Math.min(chunk, end - at))
    if (bytes.length === 0) throw malformed('the file ends inside .initrd')
    yield bytes
    at += bytes.length
  }
}

interface Metadata {
  readonly name: string
  readonly version: string
  readonly author?: string | undefined
  readonly extraInfo?: string | undefined
}

/** siderolabs/talos pkg/machinery/extensions/config.go and metadata.go. */
const extensionList: Shape<{ readonly layers: readonly { readonly metadata: Metadata }[] }> = object({
  layers: listOf(
    object<{ readonly metadata: Metadata }>({
      metadata: object<Metadata>({ name: text, version: text, author: optional(text), extraInfo: optional(text) }),
    }),
  ),
})

/** The Factory adds a layer named `schematic`, whose extra information is the schematic (image-factory internal/artifacts). */
function parseList(value: unknown, what: string): Pick<Carried, 'extensions' | 'schematic'> {
  const layers = extensionList(value, what).layers.map(({ metadata }) => metadata)
  const own = layers.findLast(({ name, extraInfo }) => name === 'schematic' && extraInfo !== undefined)
  return {
    extensions: layers.filter((layer) => layer !== own).map(({ name, version }) => ({ name, version })),
    schematic: own && { id: own.version, yaml: own.extraInfo!, author: own.author ?? '' },
  }
}

/** An image that was asked for. */
export interface Asked {
  readonly version: string
  /** The id that the Factory was asked by. */
  readonly id: string
  /** What the id stands for; undefined where that is not known, and the ids are compared instead. */
  readonly schematic: Schematic | undefined
}

/**
 * Why an image that carries this is not built from the schematic that was asked for; undefined if it is. Schematics are
 * compared by what they hold: the builder writes them anew, and old names of extensions mean what the new ones do.
 */
export function refuseCarried(
  carried: Carried,
  asked: Asked,
  parseYaml: ReadingMeans['parseYaml'],
): string | undefined {
  if (carried.schematic === undefined) {
    // Before 1.8 the extensions are compressed by xz; what they are can't be told.
    if (carried.unread !== undefined && compareVersions(asked.version, 'v1.8.0-alpha.0') < 0) return undefined
    return 'it carries no schematic: no Image Factory has built it'
  }
  const { id, yaml } = carried.schematic
  if (asked.schematic === undefined) {
    if (id === asked.id) return undefined
    return `it carries the schematic ${shorten(id)}, and ${shorten(asked.id)} was requested`
  }
  if (yaml !== canonicalYaml(asked.schematic)) {
    const what = 'the schematic in .initrd'
    const differences = differencesOf(asked.schematic, schematicShape(parseYaml(yaml, what), what))
    if (differences.length > 0) return `it is built from another schematic: it ${differences.join(', ')}`
  }
  const lacking = lackingLayers(asked.schematic, carried.extensions)
  if (lacking.length > 0) return `it lacks ${lacking.join(', ')}, which its schematic names`
  return undefined
}

/** Made by Talos' builder where extensions bring kernel modules (siderolabs/talos pkg/imager/extensions). */
const builtLayer = 'modules.dep'

/**
 * Extensions without a layer. Some manifests have other names than the catalogue, so a name that is not found may be a
 * layer that nothing else explains.
 */
function lackingLayers(schematic: Schematic, layers: readonly ExtensionLayer[]): readonly string[] {
  const named = [
    ...new Set((schematic.customization?.systemExtensions?.officialExtensions ?? []).map(canonicalExtension)),
  ]
  const present = layers.map(({ name }) => name).filter((name) => name !== builtLayer)
  const layerOf = (extension: string) =>
    present.find((name) => [name, `siderolabs/${name}`].some((one) => canonicalExtension(one) === extension))
  const lost = named.filter((extension) => layerOf(extension) === undefined)
  const unexplained = present.length - (named.length - lost.length)
  return lost.length > unexplained ? lost : []
}

const shorten = (id: string) => `${id.slice(0, 12)}…`
