import type { SchematicConsequences } from '../core/release/schematic-consequences.ts'
import { green, red, yellow } from './colours.ts'
import type { DeliveryAnswer } from './delivery-answers.ts'
import type { SchematicAnswer } from './schematic-answers.ts'
import { paragraphs } from './table.ts'

const marks = { error: red('error'), warning: yellow('warning'), note: 'note' } as const

/** What is wrong with a schematic, and what applying it leads to. */
export function renderSchematicCheck({ id, releases, findings, consequences }: SchematicAnswer): string {
  const against = releases.length === 0 ? 'no release' : releases.join(', ')
  return paragraphs([
    `${id}, checked against ${against}`,
    ...findings.map(({ severity, text }) => `${marks[severity]} ${text}`),
    ...(findings.some(({ severity }) => severity === 'error') ? [] : [`${green('ok')} every image of it can be built`]),
    ...(consequences
      ? describe(consequences)
      : ['No schematic of the configuration has this name: name one with --as']),
  ])
}

function describe({ name, differences, isRebuilt, images, nodes }: SchematicConsequences): readonly string[] {
  if (!isRebuilt) return [`As ${name} it changes nothing: its id is the one that is in force`]
  const rebooting = nodes.filter(({ reboots }) => reboots !== false)
  const unknown = rebooting.filter(({ reboots }) => reboots === undefined)
  const losing = nodes.filter(({ losses }) => losses.length > 0)
  return [
    differences === undefined
      ? `It would be the first ${name}`
      : differences.length === 0
        ? `As ${name} it has another id, and nothing in it that would make a difference`
        : `As ${name} it ${differences.join(', ')}`,
    ...(images.length === 0 ? [] : [`Rebuilt and published: ${images.join(', ')}`]),
    rebooting.length === 0
      ? 'No node reboots for it'
      : `Upgraded to it one after another, each with a reboot: ${rebooting.map((node) => node.name).join(', ')}`,
    ...(unknown.length === 0
      ? []
      : [`Not known of ${unknown.map((node) => node.name).join(', ')}, which does not answer`]),
    ...losing.map(
      (node) => `${node.name} would lose ${node.losses.join(', ')}: it waits for \`caretaker approve --losing\``,
    ),
  ]
}

/** What stands in a schematic so that machines ask here, and what that leads to. */
export function renderDelivery({
  file,
  url,
  way,
  diff,
  errors,
  warnings,
  consequences,
  isWritten,
}: DeliveryAnswer): string {
  const findings = [
    ...errors.map((text) => `${marks.error} ${text}`),
    ...warnings.map((text) => `${marks.warning} ${text}`),
  ]
  if (diff === '')
    return paragraphs([`${file} says already that machines ask at ${url} (${way}): nothing to change`, ...findings])
  const text = paragraphs([
    ...findings,
    isWritten
      ? `Written: ${file}. Machines that boot it ask at ${url} (${way})`
      : `Machines that boot it would ask at ${url} (${way})`,
    // The difference stands above.
    ...describe({ ...consequences, differences: [] }).slice(1),
  ])
  return `${paragraphs(diff.split('\n').map(drawn))}\n\n${text}`
}

function drawn(line: string): string {
  if (line.startsWith('+')) return green(line)
  return line.startsWith('-') ? red(line) : line
}

export interface SchematicDiffAnswer {
  readonly a: { readonly name: string; readonly id: string }
  readonly b: { readonly name: string; readonly id: string }
  readonly differences: readonly string[]
  readonly isSameId: boolean
}

export function renderSchematicDiff({ a, b, differences, isSameId }: SchematicDiffAnswer): string {
  if (isSameId) return `the same: ${a.id}`
  return paragraphs([
    ...[a, b].map(({ name, id }) => `${name} is ${id}`),
    ...(differences.length === 0
      ? [`nothing in ${b.name} makes a difference to an image, but its id differs: images are rebuilt`]
      : differences.map((difference) => `${b.name} ${difference}`)),
  ])
}
