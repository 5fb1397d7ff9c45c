import { createHash } from 'node:crypto'
import { canonicalYaml, type Schematic } from '../../core/release/schematic.ts'

/** Lower-case hex SHA-256 of the canonical YAML: how the Factory names a schematic. */
export function schematicId(schematic: Schematic): string {
  return createHash('sha256').update(canonicalYaml(schematic)).digest('hex')
}
