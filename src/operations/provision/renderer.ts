import { AgentError, during, messageOf } from '../../core/errors.ts'
import { type Fault, FaultsError } from '../../core/fault.ts'
import type { ConfigDocument, MachineConfig } from '../../core/machine-config/document.ts'
import { type Patch, parsePatch } from '../../core/machine-config/patch.ts'
import type { SecretsBundle } from '../../core/machine-config/secrets.ts'
import { pathText } from '../../core/machine-config/tree.ts'
import { unifiedDiff } from '../../core/provision/diff.ts'
import {
  emptyFolder,
  type InstallSetting,
  type MachineEntry,
  type MachinesFolder,
  type PatchFile,
} from '../../core/provision/machines-file.ts'
import type { MachineOrder } from '../../core/provision/machine.ts'
import { ownAddresses } from '../../core/provision/own-addresses.ts'
import { createMask, hidden, hiddenIn, hidingFrom, secretsIn } from '../../core/provision/mask.ts'
import type { Claim } from '../../core/provision/question.ts'
import type { ConfigRenderer, RenderedConfig, WrittenMachine } from '../../core/provision/render.ts'
import { type Rendering, renderDocuments } from '../../core/provision/rendering.ts'
import { entryOf, matchMachine, patchesFor } from '../../core/provision/select.ts'
import { fillValues } from '../../core/provision/values.ts'
import { hostMismatch } from '../../core/release/compatibility.ts'
import { describeUnlisted } from '../../core/spelling.ts'
import { compareTexts } from '../../core/text-order.ts'
import { installerImage } from '../../core/upgrade/preparation.ts'
import { minorOf } from '../../core/version.ts'

export interface RendererMeans {
  readonly folder: {
    /** The last good one, without asking the disk. */
    readonly last: MachinesFolder | undefined
    /** The newest good one. @throws AgentError where none was good so far */
    current(): Promise<MachinesFolder>
  }
  /** Undefined where none was imported. @throws AgentError `misconfigured` where it can't be read */
  secrets(): Promise<SecretsBundle | undefined>
  /** What is known of the cluster and of releases now, for a machine of this name. */
  facts(name: string): Promise<ClusterFacts>
  /** The text of documents, in YAML. */
  write(config: MachineConfig): string
}

/** What a machine configuration depends on beside what is written for the machine. */
export interface ClusterFacts {
  readonly cluster: string
  /** Of Kubernetes: `https://192.168.0.2:6443`; undefined where it is not set. */
  readonly endpoint: string | undefined
  /** `v1.36.3`; undefined where nothing is set, and the cluster has not answered. */
  readonly kubernetes: string | undefined
  readonly discovery: boolean
  /** The registry that serves installer images. */
  readonly registry: string
  /** The schematic's name, its id where the file is there, and whether the registry can serve installers of it. */
  readonly schematic: { readonly name: string; readonly id: string | undefined; readonly isTold: boolean }
  readonly secureBoot: boolean
  /** The release that machines boot from the network; undefined where none is published, or that could not be seen. */
  readonly published: string | undefined
  /** The target release. */
  readonly target: string | undefined
}

/** Makes machine configurations from what is written, known and secret. */
export function createRenderer({ folder, secrets, facts, write }: RendererMeans): ConfigRenderer {
  const last = () => folder.last ?? emptyFolder

  async function render(order: MachineOrder, claim: Claim, booted?: string): Promise<RenderedConfig> {
    const read = await folder.current()
    const bundle = await secrets()
    const mask = createMask([...(bundle ? secretsIn(bundle) : []), ...read.values.values()])
    try {
      const known = await facts(order.name)
      const rendering = renderingOf({ order, claim, booted, read, bundle, known })
      const made = renderDocuments(rendering)
      // Short values can't be found in other texts: here they never were.
      const shown = made.named.map((document) => fillValues(document, hiddenValues(read.values)) as ConfigDocument)
      const [before, after] = [write(mask.config(made.generated)), write(mask.config(shown))]
      return {
        text: write(made.config),
        masked: after,
        diff: unifiedDiff(before, after),
        contract: made.contract,
        installs: { version: rendering.version, schematic: rendering.schematic },
        patches: rendering.patches.map(({ file }) => file),
        warnings: [...rendering.warnings, ...made.warnings].map(mask.text),
        addresses: ownAddresses(made.config),
        hide: hidingFrom(hiddenIn(made.config, mask.config(made.config))),
      }
    } catch (error) {
      throw maskedError(error, mask.text)
    }
  }

  return {
    match: (claim) => written(matchMachine(last().file, claim)),
    named: (name) => written(last().file.machines.find((one) => one.name === name)),
    choices: () => ({
      machines: last().file.machines.map(({ name }) => name),
      patches: [...last().patches.keys()].toSorted(compareTexts),
    }),
    render: async (order, claim, booted) => {
      try {
        return await render(order, claim, booted)
      } catch (error) {
        throw during(`render the configuration of ${order.name}`, error)
      }
    },
  }
}

function hiddenValues(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(Array.from(values.keys(), (name) => [name, hidden]))
}

/** What went wrong may repeat what a person wrote. */
function maskedError(error: unknown, mask: (text: string) => string): unknown {
  if (!(error instanceof AgentError)) return error
  const words = mask(messageOf(error))
  // Without its cause, which says the same and more.
  if (!(error instanceof FaultsError)) return new AgentError(error.code, words)
  const faults = error.faults.map((fault) => ({
    ...fault,
    setting: fault.setting === undefined ? undefined : mask(fault.setting),
    message: mask(fault.message),
  }))
  return new FaultsError(faults, { message: words })
}

function written(entry: MachineEntry | undefined): WrittenMachine | undefined {
  if (!entry) return undefined
  const { name, role, labels, patches, way } = entry
  return { name, labels, patches, ...(role === undefined ? {} : { role }), ...(way === undefined ? {} : { way }) }
}

interface Given {
  readonly order: MachineOrder
  readonly claim: Claim
  readonly booted: string | undefined
  readonly read: MachinesFolder
  readonly bundle: SecretsBundle | undefined
  readonly known: ClusterFacts
}

/** Everything that is missing is said at once. */
function renderingOf({ order, claim, booted, read, bundle, known }: Given) {
  const entry = entryOf(read.file, order, claim)
  const version = known.target ?? known.published
  const running = booted ?? known.published
  const releases = [...new Set([running, version].flatMap((one) => one ?? []))]
  const { patches, faults } = readPatches(read, patchesFor(read.file, { order, claim, entry }), releases.map(minorOf))
  const mismatch = version === undefined || running === undefined ? undefined : hostMismatch(version, running)
  const missing = [...whatIsMissing({ bundle, known, version }), ...(mismatch === undefined ? [] : [mismatch])]
  if (missing.length + faults.length > 0)
    throw new FaultsError([...missing.map((message) => ({ ...nowhere, message })), ...faults])
  const { schematic, registry } = known
  const image = installerImage(
    { platform: 'metal', secureBoot: known.secureBoot },
    { registry, version: version!, schematicOf: () => schematic.id! },
    order.name,
  )
  const rendering: Rendering = {
    order,
    origin: {
      secrets: bundle!,
      cluster: { name: known.cluster, endpoint: known.endpoint! },
      kubernetes: known.kubernetes!.replace(/^v/, ''),
      installer: image,
      discovery: known.discovery,
    },
    releases,
    install: installOf(read, entry),
    patches,
    values: read.values,
  }
  const unseen =
    running === undefined
      ? ['which release it has booted is not known: the configuration is written for the one that it installs']
      : []
  return { ...rendering, version: version!, schematic: schematic.id!, warnings: [...unseen, ...read.warnings] }
}

const nowhere: Omit<Fault, 'message'> = { file: undefined, line: undefined, column: undefined, setting: undefined }

function whatIsMissing({
  bundle,
  known,
  version,
}: Pick<Given, 'bundle' | 'known'> & { readonly version: string | undefined }): string[] {
  const { endpoint, kubernetes, schematic, registry } = known
  return [
    ...(bundle ? [] : ['there are no secrets of the cluster: import them with `caretaker machine secrets FILE`']),
    ...(endpoint === undefined
      ? ['the endpoint of Kubernetes is not known: no control plane tells it, and machineConfig.endpoint is not set']
      : []),
    ...(kubernetes === undefined
      ? ['which Kubernetes the cluster runs is not known: it does not answer, and machineConfig.kubernetes is not set']
      : []),
    ...(version === undefined ? ['no release is staged or decided on yet: `caretaker run watch-releases`'] : []),
    ...(schematic.id === undefined ? [`there is no schematic ${schematic.name}`] : []),
    ...(schematic.id !== undefined && !schematic.isTold
      ? [
          `${registry} was not told of schematic ${schematic.name} and has no installer of it: \`caretaker run watch-releases\` tells it`,
        ]
      : []),
  ]
}

function installOf(read: MachinesFolder, entry: MachineEntry | undefined): InstallSetting | undefined {
  return entry?.install ?? read.file.install
}

/** The patches of these files, for these releases, and everything that is wrong with them. */
function readPatches({ patches }: MachinesFolder, files: readonly string[], minors: readonly string[]) {
  const unknown = files.filter((file) => !patches.has(file))
  const faults: Fault[] =
    unknown.length === 0
      ? []
      : [{ ...nowhere, message: describeUnlisted(unknown, [...patches.keys()], ['patch', 'patches']) }]
  const read = files.flatMap((file): { readonly file: string; readonly patch: Patch }[] => {
    const found = patches.get(file)
    if (!found) return []
    const { patch, faults: own } = parsePatchFile(found, minors)
    faults.push(...own)
    return [{ file, patch }]
  })
  return { patches: read, faults }
}

/** A patch for these releases, with its faults in their places. */
export function parsePatchFile(
  { path, documents }: PatchFile,
  minors: readonly string[],
): { readonly patch: Patch; readonly faults: readonly Fault[] } {
  const { patch, faults } = parsePatch(
    documents.map(({ tree }) => tree),
    minors,
  )
  const placed = faults.map(({ document, path: at, why }): Fault => {
    const { line, column } = documents[document]!.placeOf(at)
    return { file: path, line, column, setting: at.length === 0 ? undefined : pathText(at), message: why }
  })
  return { patch, faults: placed }
}
