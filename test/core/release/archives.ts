import { createHash } from 'node:crypto'
import { unpackZstd } from '../../../src/adapters/share/zstd.ts'
import { type Carried, readCarried, type ReadingMeans } from '../../../src/core/release/carried.ts'
import { openUki } from '../../../src/core/release/uki.ts'
import { parseYaml } from '../../../src/yaml.ts'
import type { UkiSchematic } from '../../lab/uki-writer.ts'
import { sourceOf } from './images.ts'

/** As the daemon has them. */
export const means: ReadingMeans = { unpack: unpackZstd, parseYaml }

/** A schematic as a Factory registers it. */
export function schematicOf(yaml: string): UkiSchematic {
  return { id: createHash('sha256').update(yaml).digest('hex'), yaml, factory: 'https://factory.example/' }
}

/** What an image carries. */
export async function carriedBy(image: Uint8Array): Promise<Carried> {
  const source = sourceOf(image)
  const { initrd } = await openUki(source)
  return readCarried(source, initrd, means)
}
