import { Code, ConnectError } from '@connectrpc/connect'
import { parse } from 'yaml'
import type { Role, SchematicParts, TalosFacts } from '../../core/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import { overlayOptionsOf } from '../../core/provisions.ts'
import { readEtcd } from './etcd.ts'
import type { ServiceListResponse } from './gen/machine_pb.ts'
import { machineIdOf } from './machine-id.ts'
import type { Session } from './session.ts'
import type { Credentials } from './talosconfig.ts'
import { classOf, isSaidHere } from './trouble.ts'

/** The stage that a machine is in, and what it waits for. */
export const machineStatus = {
  namespace: 'runtime',
  type: 'MachineStatuses.runtime.talos.dev',
  id: 'machine',
} as const

/** Resources of Talos, by namespace, type and id (siderolabs/talos pkg/machinery/resources). */
const resources = {
  bootId: { namespace: 'runtime', type: 'BootIDs.runtime.talos.dev', id: 'boot-id' },
  security: { namespace: 'runtime', type: 'SecurityStates.talos.dev', id: 'securitystate' },
  bootedEntry: { namespace: 'runtime', type: 'BootedEntries.talos.dev', id: 'bootedentry' },
  kernelCmdline: { namespace: 'runtime', type: 'KernelCmdlines.runtime.talos.dev', id: 'cmdline' },
  machineType: { namespace: 'config', type: 'MachineTypes.config.talos.dev', id: 'machine-type' },
  identity: { namespace: 'cluster', type: 'Identities.cluster.talos.dev', id: 'local' },
  nodename: { namespace: 'k8s', type: 'Nodenames.kubernetes.talos.dev', id: 'nodename' },
  system: { namespace: 'hardware', type: 'SystemInformations.hardware.talos.dev', id: 'systeminformation' },
} as const

const metaKeys = { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev' } as const

/** META's tags of upgrades (siderolabs/talos internal/pkg/meta). */
const meta = {
  /** The boot entry to fall back to: there from the installation of an upgrade until its boot is good. */
  upgradeFallback: '0x06',
  /** The image of an upgrade that the next boot is to install. */
  stagedUpgrade: '0x07',
} as const

/** Everything that is asked of a node in one look: all calls go out together on one connection. */
export async function readFacts(
  session: Session,
  role: Role,
  credentials: Pick<Credentials, 'roles'>,
): Promise<TalosFacts> {
  const { machine, state } = session
  const get = async (resource: { namespace: string; type: string; id: string }): Promise<unknown> =>
    parse((await state.get(resource)).resource?.spec?.yamlSpec ?? '')
  const optional = (resource: { namespace: string; type: string; id: string }) => get(resource).catch(absentOrRefused)
  const isAdmin = credentials.roles.includes('os:admin')
  const serviceList = machine.serviceList({})
  const [version, status, bootId, extensions, metaTags, services, system, boot, etcd] = await Promise.all([
    machine.version({}),
    get(machineStatus),
    readBootId(session, credentials),
    readExtensions(session),
    readMetaTags(session),
    serviceList,
    readSystem(optional),
    readBoot(optional, isAdmin ? machine : undefined),
    role === 'controlplane' ? readEtcd(session, serviceList) : undefined,
  ])
  const message = version.messages[0]
  const tag = message?.version?.tag
  if (!tag) throw new AgentError('malformed', 'its Version has no tag')
  const { stage, status: conditions } = asRecord(status)
  const { ready, unmetConditions } = asRecord(conditions)
  // A control plane that is configured as a worker has a member, too, and that must be known.
  const own = etcd ?? (system.machineType === 'controlplane' ? await readEtcd(session, serviceList) : undefined)
  return {
    version: tag,
    platform: message.platform?.name || 'metal',
    ...extensions,
    ...system,
    ...boot,
    bootId,
    stage: textOf(stage) ?? 'unknown',
    ready: ready === true,
    unmet: Array.isArray(unmetConditions) ? unmetConditions.map(describeCondition) : [],
    fallbackPending: metaTags.has(meta.upgradeFallback),
    staged: metaTags.has(meta.stagedUpgrade),
    ailing: ailingServices(services),
    ...(own ? { etcd: own } : {}),
  }
}

type Optional = (resource: { namespace: string; type: string; id: string }) => Promise<unknown>

/** Which machine it is, and what it is for. */
async function readSystem(
  optional: Optional,
): Promise<Pick<TalosFacts, 'machineType' | 'machineId' | 'nodename' | 'uuid' | 'kernelArguments'>> {
  const [machineType, identity, nodename, system, cmdline] = await Promise.all(
    [resources.machineType, resources.identity, resources.nodename, resources.system, resources.kernelCmdline].map(
      optional,
    ),
  )
  const nodeId = textOf(asRecord(identity)['nodeId'])
  return {
    machineType: roleOf(machineType),
    machineId: nodeId === undefined ? undefined : machineIdOf(nodeId),
    nodename: textOf(asRecord(nodename)['nodename']),
    // A board without a UUID gives zeros, or all ones: they tell no machine from another.
    uuid: textOf(asRecord(system)['uuid'])?.replace(/^[0f-]+$/i, '') || undefined,
    kernelArguments: textOf(asRecord(cmdline)['cmdline'])?.split(/\s+/).filter(Boolean) ?? [],
  }
}

/** The spec is the bare word; `init` is a control plane of old (siderolabs/talos pkg/machinery/config/machine/type.go). */
function roleOf(machineType: unknown): Role | undefined {
  if (machineType === 'worker' || machineType === 'controlplane') return machineType
  return machineType === 'init' ? 'controlplane' : undefined
}

/** What started it, what will, and whether its image is signed. Only an admin reads what systemd-boot starts next. */
async function readBoot(
  optional: Optional,
  machine: Session['machine'] | undefined,
): Promise<Pick<TalosFacts, 'secureBoot' | 'bootedEntry' | 'defaultEntry'>> {
  const [security, booted, defaultEntry] = await Promise.all([
    optional(resources.security),
    optional(resources.bootedEntry),
    machine && readDefaultEntry(machine).catch(unreadable),
  ])
  const { secureBoot, pcrSigningKeyFingerprint, ukiSigningKeyFingerprint } = asRecord(security)
  const signed = textOf(pcrSigningKeyFingerprint) ?? textOf(ukiSigningKeyFingerprint)
  return {
    secureBoot: secureBoot === true || signed !== undefined,
    bootedEntry: textOf(asRecord(booted)['bootedEntry']),
    defaultEntry,
  }
}

/**
 * The EFI variable by which systemd-boot chooses (systemd docs/BOOT_LOADER_INTERFACE.md), as the kernel shows it: four
 * bytes of attributes, then UTF-16 with a NUL at the end.
 */
const loaderEntryDefault = '/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'

async function readDefaultEntry(machine: Session['machine']): Promise<string | undefined> {
  const bytes = await readFile(machine, loaderEntryDefault)
  return textOf(
    bytes
      .subarray(4)
      .toString('utf16le')
      .replace(/\0[^]*$/, ''),
  )
}

async function readFile(machine: Session['machine'], path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const { bytes } of machine.read({ path })) chunks.push(bytes)
  return Buffer.concat(chunks)
}

/**
 * Talos 1.14 has a resource for it; before that the kernel's own file tells, to os:admin; and where that is refused, the
 * time of the boot will do.
 */
async function readBootId({ machine, state }: Session, { roles }: Pick<Credentials, 'roles'>): Promise<string> {
  const fromResource = state
    .get(resources.bootId)
    .then(({ resource }) => textOf(asRecord(parse(resource?.spec?.yamlSpec ?? ''))['bootID']), absentOrRefused)
  const fromKernel = roles.includes('os:admin') ? readKernelBootId(machine).catch(absentOrRefused) : undefined
  const [resource, kernel] = await Promise.all([fromResource, fromKernel])
  if (resource ?? kernel) return (resource ?? kernel)!
  const stat = await machine.systemStat({})
  return `booted-at-${String(stat.messages[0]?.bootTime ?? 0n)}`
}

async function readKernelBootId(machine: Session['machine']): Promise<string | undefined> {
  return textOf((await readFile(machine, '/proc/sys/kernel/random/boot_id')).toString('utf8').trim())
}

/**
 * The Factory adds a virtual extension named `schematic`: its version is the schematic's id, its extra information the
 * schematic itself (siderolabs/image-factory internal/artifacts/schematic.go). An image that no Factory made has only
 * its extensions, whose official names begin with `siderolabs/`.
 */
async function readExtensions({ state }: Session): Promise<Pick<TalosFacts, 'schematic' | 'extensions' | 'provides'>> {
  const names: string[] = []
  for await (const { resource } of state.list({ namespace: 'runtime', type: 'ExtensionStatuses.runtime.talos.dev' })) {
    const { name, version, extraInfo } = asRecord(asRecord(parse(resource?.spec?.yamlSpec ?? ''))['metadata'])
    if (name === 'schematic' && typeof version === 'string') {
      return { schematic: version, ...readSchematic(extraInfo) }
    }
    // `modules.dep` is put there by every build that has a kernel module in it.
    if (typeof name === 'string' && name !== 'modules.dep') names.push(`siderolabs/${name}`)
  }
  return { schematic: undefined, extensions: names, provides: undefined }
}

/** The schematic's own text; undefined parts where the node does not tell it (Talos before 1.7). */
function readSchematic(extraInfo: unknown): {
  readonly extensions: readonly string[] | undefined
  readonly provides: SchematicParts | undefined
} {
  if (typeof extraInfo !== 'string' || extraInfo === '') return { extensions: undefined, provides: undefined }
  const { overlay, customization } = asRecord(parse(extraInfo))
  const { systemExtensions, extraKernelArgs, embeddedMachineConfiguration } = asRecord(customization)
  const words = listOf(extraKernelArgs).flatMap((argument) => argument.split(/\s+/).filter(Boolean))
  return {
    extensions: listOf(asRecord(systemExtensions)['officialExtensions']),
    provides: {
      kernelArguments: words,
      overlay: textOf(asRecord(overlay)['name']),
      ...overlayOptionsOf(asRecord(overlay)['options']),
      embeddedConfig: textOf(embeddedMachineConfiguration) !== undefined,
    },
  }
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** Which tags of META are there. Every Talos knows this resource: not to be told of an upgrade that waits is a failure. */
async function readMetaTags({ state }: Session): Promise<ReadonlySet<string>> {
  const tags = new Set<string>()
  for await (const { resource } of state.list(metaKeys)) tags.add(resource?.metadata?.id ?? '')
  return tags
}

/**
 * Talos' list of services, and not its Services resources: those are there only while a service runs, so that one that
 * has failed would just be missing. One that was skipped is not wanted here, and an extension's may do its work once and
 * be finished (siderolabs/talos internal/app/machined/pkg/system/events).
 */
export function ailingServices({ messages }: ServiceListResponse): string[] {
  return messages
    .flatMap(({ services }) => services)
    .filter(({ id, state, health }) => {
      if (state === 'Running') return health !== undefined && !health.unknown && !health.healthy
      return state !== 'Skipped' && !(state === 'Finished' && id.startsWith('ext-'))
    })
    .map(({ id }) => id)
}

function describeCondition(condition: unknown): string {
  const { name, reason } = asRecord(condition)
  return [name, reason].filter((part) => typeof part === 'string' && part !== '').join(': ')
}

/**
 * A resource that isn't there is an answer; a type that this Talos doesn't know is refused as if it were forbidden. A
 * file that isn't there is Go's own error, without a code. An answer that was cut on its way can have the same codes, and
 * is none.
 */
function absentOrRefused(error: unknown): undefined {
  if (!(error instanceof ConnectError) || isSaidHere(error)) throw error
  const codes: readonly Code[] = [Code.NotFound, Code.PermissionDenied, Code.Unimplemented, Code.InvalidArgument]
  if (codes.includes(error.code)) return undefined
  if (error.code === Code.Unknown && /no such file|not exist/.test(error.rawMessage)) return undefined
  throw error
}

/** Firmware may refuse its own variables (`input/output error`): then they are as good as absent, however it says so. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof ConnectError) || isSaidHere(error)) throw error
  if (classOf(error.code, error.rawMessage) !== 'rejected') throw error
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
