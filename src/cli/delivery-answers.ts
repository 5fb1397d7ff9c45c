import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { withKernelArguments } from '../config/schematic-text.ts'
import type { Node } from '../core/cluster/cluster.ts'
import { AgentError } from '../core/errors.ts'
import { choosePlaces } from '../core/netboot/places.ts'
import { unifiedDiff } from '../core/provision/diff.ts'
import { deliveryUrl, hostIn } from '../core/provision/delivery-url.ts'
import {
  type ArgumentFindings,
  deliveryArguments,
  earlyValueOf,
  judgeArguments,
  saysWhereToAsk,
  type Variable,
} from '../core/provision/kernel-arguments.ts'
import type { Way } from '../core/provision/question.ts'
import { imagesOf } from '../core/release/image.ts'
import { consequencesOf, type SchematicConsequences } from '../core/release/schematic-consequences.ts'
import { kernelArgumentsOf } from '../core/release/schematic.ts'
import { earlyValue, isTrustDocument, readEarlyValue, trustDocument } from '../main/early-config.ts'
import { readText } from '../main/file-gate.ts'
import { authorityFile, readAuthority } from '../main/machine-authority.ts'
import { type Settings, toSchematic } from '../main/settings.ts'
import type { MachineConfigSection } from '../services/machine-config/section.ts'

/** What `caretaker schematic delivery` answers. */
export interface DeliveryAnswer extends ArgumentFindings {
  readonly file: string
  /** How machines reach Caretaker. */
  readonly url: string
  readonly way: Way
  readonly arguments: readonly string[]
  /** What changes in the file, as a unified diff; empty where nothing does. */
  readonly diff: string
  /** Of the schematic, before and then. */
  readonly before: string
  readonly after: string
  readonly consequences: SchematicConsequences
  readonly isWritten: boolean
}

/** The edit of a file, with all that is known of it. */
export interface DeliveryEdit {
  readonly answer: DeliveryAnswer
  readonly text: string
  readonly edited: string
}

export interface DeliveryQuestion {
  readonly settings: Settings
  /** Of the schematic, in the configuration. */
  readonly name: string
  readonly nodes: readonly Node[]
  /** Where it is to differ from the configuration. */
  readonly way: Way | undefined
  readonly variables: readonly Variable[]
}

/** What the schematic would be with which machines ask here. @throws AgentError `misconfigured` */
export async function planDelivery({
  settings,
  name,
  nodes,
  way: wanted,
  variables,
}: DeliveryQuestion): Promise<DeliveryEdit> {
  const { config } = settings
  const { machineConfig: section } = config as { readonly machineConfig?: MachineConfigSection }
  if (!section) throw new AgentError('misconfigured', 'set `machineConfig` first: it says where machines ask')
  const file = join(settings.schematics, `${name}.yaml`)
  const text = await readText(file)
  const before = toSchematic(text, file)
  const url = urlOf(section)
  const way = wanted ?? section.way
  const given = kernelArgumentsOf(before.schematic)
  const early = await earlyFor(settings, section, url, given)
  const ours = deliveryArguments({ url, way, variables, early })
  const edited = edit(text, file, ours)
  const after = toSchematic(edited, file)
  const usedBy = config.nodes.filter((node) => (node.schematic ?? config.schematic) === name).map((node) => node.name)
  return {
    text,
    edited,
    answer: {
      file,
      url,
      way,
      arguments: ours,
      diff: unifiedDiff(text, edited),
      before: before.id,
      after: after.id,
      ...judgeArguments(kernelArgumentsOf(after.schematic), { url }),
      consequences: consequencesOf({
        name,
        before,
        after,
        images: imagesOf(config).flatMap((image) => (image.schematic === name ? [image.file] : [])),
        nodes: nodes.filter((node) => usedBy.includes(node.name)),
      }),
      isWritten: false,
    },
  }
}

function urlOf(section: MachineConfigSection): string {
  const { places, missing } = choosePlaces(section.listen, networkInterfaces())
  const [first] = places
  if (section.url === undefined && !first)
    throw new AgentError('misconfigured', `machineConfig.listen: ${missing.join('; ')}; or set machineConfig.url`)
  return deliveryUrl(section, first?.address ?? '')
}

/** The value of `talos.config.early`; as it stands where it says the same. @throws AgentError `misconfigured` */
async function earlyFor(
  { state }: Settings,
  { tls }: MachineConfigSection,
  url: string,
  given: readonly string[],
): Promise<string | undefined> {
  const values = given.flatMap((argument) => earlyValueOf(argument) ?? [])
  const foreign = values.find((value) => !isTrustDocument(readEarlyValue(value) ?? ''))
  if (!tls || !('ca' in tls)) return undefined
  if (foreign !== undefined)
    throw new AgentError(
      'misconfigured',
      'it has a talos.config.early already, and Talos reads only one: add what Caretaker needs to that, or take it out',
    )
  const authority = await readAuthority(state, hostIn(url))
  if (!authority)
    throw new AgentError(
      'misconfigured',
      `there is no authority for ${hostIn(url)} yet (${authorityFile(state, hostIn(url))}): Caretaker makes it when it starts with machineConfig.tls`,
    )
  const document = trustDocument(authority.certificate)
  return values.find((value) => readEarlyValue(value) === document) ?? earlyValue(document)
}

/** @throws AgentError `misconfigured` where the file is written in a way that can't be edited */
function edit(text: string, file: string, ours: readonly string[]): string {
  const isOurs = (argument: string) => {
    const early = earlyValueOf(argument)
    return early === undefined ? saysWhereToAsk(argument) : isTrustDocument(readEarlyValue(early) ?? '')
  }
  const present = kernelArgumentsOf(toSchematic(text, file).schematic)
  // In another order it is the same.
  if (isSameSet(present.filter(isOurs), ours)) return text
  const wanted = [...present.filter((argument) => !isOurs(argument)), ...ours]
  const edited = withKernelArguments(text, (argument) => !isOurs(argument), ours)
  if (edited !== undefined && isSameSet(kernelArgumentsOf(toSchematic(edited, file).schematic), wanted)) return edited
  throw new AgentError(
    'misconfigured',
    `${file} is written in a way that is not edited here: add these to customization.extraKernelArgs yourself:\n${ours.map((one) => `- ${one}`).join('\n')}`,
  )
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n')
}
