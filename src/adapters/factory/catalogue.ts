import type { Catalogue } from '../../core/release/schematic-check.ts'
import { listOf, object, optional, text } from '../../core/shape.ts'

interface CatalogueEntry {
  readonly name: string
  /** Of an overlay: the image that it is in. */
  readonly image?: string | undefined
}

const entries = listOf(object<CatalogueEntry>({ name: text, image: optional(text) }))

/** The official extensions and overlays of a release. @throws AgentError */
export async function readCatalogue(
  version: string,
  ask: (path: string) => Promise<readonly unknown[]>,
): Promise<Catalogue> {
  const read = async (kind: string) => {
    const path = `/version/${version}/${kind}/official`
    return entries(await ask(path), path)
  }
  const [extensions, overlays] = [await read('extensions'), await read('overlays')]
  return {
    version,
    extensions: extensions.map(({ name }) => name),
    overlays: overlays.map(({ name, image = '' }) => ({ name, image })),
  }
}
