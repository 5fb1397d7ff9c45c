import type { InspectedUki, ShownSchematic } from '../adapters/share/uki-file.ts'
import { facts, paragraphs } from './table.ts'
import { canonicalYaml } from '../core/release/schematic.ts'

/** Draws what an image says of itself. */
export function renderUki(uki: InspectedUki, file: string): string {
  const told: readonly (readonly [string, string])[] = [
    ['version', uki.version ?? '(none)'],
    ['architecture', uki.architecture],
    ['kernel', uki.kernel ?? '(unknown)'],
    ['signed', describeSignature(uki)],
    ['authenticode', uki.authenticode],
    ...profilesOf(uki),
    ['sections', uki.sections.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')],
    ['extensions', uki.extensions.map(({ name, version }) => `${name} ${version}`).join(', ') || '(none)'],
    ['schematic', describeSchematic(uki)],
  ]
  const head = `${file}: ${uki.osRelease['PRETTY_NAME'] ?? uki.osRelease['NAME'] ?? 'no name'}`
  return [paragraphs([head]), facts(told, 14), ...contentsOf(uki.schematic)].join('\n')
}

function describeSignature({ signed, pcrKey, pcrSignatures }: InspectedUki): string {
  const measured = pcrKey || pcrSignatures > 0 ? `; measured boot: ${pcrSignatures} signed profiles` : ''
  return `${signed ? 'yes (not verified)' : 'no'}${measured}`
}

function profilesOf({ profiles }: InspectedUki): readonly (readonly [string, string])[] {
  if (profiles.length < 2) return profiles.map(({ commandLine }) => ['command line', commandLine])
  return profiles.flatMap(({ id, title, commandLine }) => [
    ['profile', [id ?? '(no id)', title].filter((text) => text !== undefined).join(', ')],
    ['command line', commandLine],
  ])
}

function describeSchematic({ schematic, schematicUnread }: InspectedUki): string {
  if (schematic) return [schematic.id, schematic.author].filter((text) => text !== '').join(', ')
  return schematicUnread === undefined ? '(none: no Image Factory has built it)' : `(unreadable: ${schematicUnread})`
}

function contentsOf(schematic: ShownSchematic | undefined): readonly string[] {
  if (!schematic) return []
  return canonicalYaml(schematic.contents)
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(14)}${line}`)
}
