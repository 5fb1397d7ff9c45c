import { Code, ConnectError } from '@connectrpc/connect'
import { parse } from 'yaml'
import type { Role, TalosFacts } from '../../core/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import { readEtcd } from './etcd.ts'
import type { ServiceListResponse } from './gen/machine_pb.ts'
import type { Session } from './session.ts'
import type { Credentials } from './talosconfig.ts'
import { isSaidHere } from './trouble.ts'

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
  const get = async (resource: { namespace: string; type: string; id: string }) =>
    asRecord(parse((await state.get(resource)).resource?.spec?.yamlSpec ?? ''))
  const optional = (resource: { namespace: string; type: string; id: string }) => get(resource).catch(absentOrRefused)
  const serviceList = machine.serviceList({})
  const [version, status, bootId, extensions, metaTags, services, security, bootedEntry, cmdline, system, etcd] =
    await Promise.all([
      machine.version({}),
      get(machineStatus),
      readBootId(session, credentials),
      readExtensions(session),
      readMetaTags(session),
      serviceList,
      optional(resources.security),
      optional(resources.bootedEntry),
      optional(resources.kernelCmdline),
      optional(resources.system),
      role === 'controlplane' ? readEtcd(session, serviceList) : undefined,
    ])
  const message = version.messages[0]
  const tag = message?.version?.tag
  if (!tag) throw new AgentError('malformed', 'its Version has no tag')
  const { ready, unmetConditions } = asRecord(status?.['status'])
  return {
    version: tag,
    platform: message.platform?.name || 'metal',
    secureBoot: security?.['secureBoot'] === true,
    ...extensions,
    bootId,
    stage: textOf(status['stage']) ?? 'unknown',
    ready: ready === true,
    unmet: Array.isArray(unmetConditions) ? unmetConditions.map(describeCondition) : [],
    fallbackPending: metaTags.has(meta.upgradeFallback),
    staged: metaTags.has(meta.stagedUpgrade),
    bootedEntry: textOf(bootedEntry?.['bootedEntry']),
    // A board without a UUID gives zeros, or all ones: they tell no machine from another.
    uuid: textOf(system?.['uuid'])?.replace(/^[0f-]+$/i, '') || undefined,
    kernelArguments: textOf(cmdline?.['cmdline'])?.split(/\s+/).filter(Boolean) ?? [],
    ailing: ailingServices(services),
    ...(etcd ? { etcd } : {}),
  }
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
  let text = ''
  for await (const { bytes } of machine.read({ path: '/proc/sys/kernel/random/boot_id' }))
    text += new TextDecoder().decode(bytes)
  return textOf(text.trim())
}

/**
 * The Factory adds a virtual extension named `schematic`: its version is the schematic's id, its extra information the
 * schematic itself (siderolabs/image-factory internal/artifacts/schematic.go). An image that no Factory made has only
 * its extensions, whose official names begin with `siderolabs/`.
 */
async function readExtensions({ state }: Session): Promise<Pick<TalosFacts, 'schematic' | 'extensions'>> {
  const names: string[] = []
  for await (const { resource } of state.list({ namespace: 'runtime', type: 'ExtensionStatuses.runtime.talos.dev' })) {
    const { name, version, extraInfo } = asRecord(asRecord(parse(resource?.spec?.yamlSpec ?? ''))['metadata'])
    if (name === 'schematic' && typeof version === 'string') {
      return { schematic: version, extensions: officialExtensions(extraInfo) }
    }
    // `modules.dep` is put there by every build that has a kernel module in it.
    if (typeof name === 'string' && name !== 'modules.dep') names.push(`siderolabs/${name}`)
  }
  return { schematic: undefined, extensions: names }
}

function officialExtensions(extraInfo: unknown): readonly string[] | undefined {
  if (typeof extraInfo !== 'string' || extraInfo === '') return undefined
  const customization = asRecord(asRecord(parse(extraInfo))['customization'])
  const list = asRecord(customization['systemExtensions'])['officialExtensions']
  return Array.isArray(list) ? list.map(String) : []
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
 * A resource that isn't there is an answer; a type that this Talos doesn't know is refused as if it were forbidden. An
 * answer that was cut on its way can have the same codes, and is none.
 */
function absentOrRefused(error: unknown): undefined {
  const codes: readonly Code[] = [Code.NotFound, Code.PermissionDenied, Code.Unimplemented, Code.InvalidArgument]
  if (error instanceof ConnectError && !isSaidHere(error) && codes.includes(error.code)) return undefined
  throw error
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
