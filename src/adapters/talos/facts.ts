import type { Role, TalosFacts } from '../../core/cluster/cluster.ts'
import { AgentError } from '../../core/errors.ts'
import { isTimeOfBoot, timeOfBoot } from '../../core/cluster/identity.ts'
import { type BootFacts, readBootFacts, readMachineId } from './boot-facts.ts'
import { readEtcd } from './etcd.ts'
import type { ServiceListResponse } from './gen/machine_pb.ts'
import { asRecord, machineStatus, readFile, readOptional, readSpec, roleOf, textOf, unreadable } from './resources.ts'
import type { Session } from './session.ts'
import type { Credentials } from './talosconfig.ts'

const bootIds = { namespace: 'runtime', type: 'BootIDs.runtime.talos.dev', id: 'boot-id' } as const
const machineTypes = { namespace: 'config', type: 'MachineTypes.config.talos.dev', id: 'machine-type' } as const
const nodenames = { namespace: 'k8s', type: 'Nodenames.kubernetes.talos.dev', id: 'nodename' } as const
const metaKeys = { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev' } as const

/** META's tags of upgrades (siderolabs/talos internal/pkg/meta). */
const meta = {
  /** The boot entry to fall back to: there from the installation of an upgrade until its boot is good. */
  upgradeFallback: '0x06',
  /** The image of an upgrade that the next boot is to install. */
  stagedUpgrade: '0x07',
} as const

/** What an earlier observation has read of the node's current boot. */
export interface KnownBoot {
  readonly bootId: string
  readonly facts: BootFacts
}

export interface Question {
  /** The role as configured: who may hold a member of etcd is asked for it at once. */
  readonly role: Role
  readonly credentials: Pick<Credentials, 'roles'>
  readonly known: KnownBoot | undefined
}

/**
 * Everything that is asked of a node in one observation: all calls go out together on one connection. `boot` is what need
 * not be asked again while the node has this boot; undefined while not everything may be there yet.
 */
export async function readFacts(
  session: Session,
  { role, credentials, known }: Question,
): Promise<{ readonly facts: TalosFacts; readonly boot: KnownBoot | undefined }> {
  const { machine } = session
  const isAdmin = credentials.roles.includes('os:admin')
  const serviceList = machine.serviceList({})
  const [version, status, bootId, metaTags, services, machineType, nodename, defaultEntry, early, etcd] =
    await Promise.all([
      machine.version({}),
      readSpec(session, machineStatus),
      readBootId(session, isAdmin),
      readMetaTags(session),
      serviceList,
      readOptional(session, machineTypes),
      readOptional(session, nodenames),
      isAdmin ? readDefaultEntry(session).catch(unreadable) : undefined,
      known ? undefined : readBootFacts(session, isAdmin),
      role === 'controlplane' ? readEtcd(session, serviceList) : undefined,
    ])
  const message = version.messages[0]
  const tag = message?.version?.tag
  if (!tag) throw new AgentError('malformed', 'it reports no Talos version')
  const { stage, status: conditions } = asRecord(status)
  const { ready, unmetConditions } = asRecord(conditions)
  const boot = early ?? (known?.bootId === bootId ? known.facts : await readBootFacts(session, isAdmin))
  const runsAs = roleOf(machineType)
  // A control plane that is configured as a worker has an etcd member too, and that must be known.
  const own = etcd ?? (runsAs === 'controlplane' ? await readEtcd(session, serviceList) : undefined)
  const facts: TalosFacts = {
    version: tag,
    platform: message.platform?.name || 'metal',
    ...boot,
    machineType: runsAs,
    nodename: textOf(asRecord(nodename)['nodename']),
    bootId,
    stage: textOf(stage) ?? 'unknown',
    ready: ready === true,
    unmet: Array.isArray(unmetConditions) ? unmetConditions.map(describeCondition) : [],
    fallbackPending: metaTags.has(meta.upgradeFallback),
    staged: metaTags.has(meta.stagedUpgrade),
    defaultEntry,
    ailing: ailingServices(services),
    ...(own ? { etcd: own } : {}),
  }
  const isWhole = facts.stage === 'running' && facts.ready && !isTimeOfBoot(bootId)
  return { facts, boot: isWhole ? { bootId, facts: boot } : undefined }
}

/** The machine that answers on this connection, and its role. */
export async function readMachine(session: Session): Promise<Pick<TalosFacts, 'machineId' | 'machineType'>> {
  const [machineType, machineId] = await Promise.all([readOptional(session, machineTypes), readMachineId(session)])
  return { machineId, machineType: roleOf(machineType) }
}

/**
 * The EFI variable by which systemd-boot chooses (systemd docs/BOOT_LOADER_INTERFACE.md), as the kernel shows it: four
 * bytes of attributes, then UTF-16 with a NUL at the end.
 */
const loaderEntryDefault = '/sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f'

/** What systemd-boot starts next; undefined with another boot loader. */
async function readDefaultEntry(session: Session): Promise<string | undefined> {
  const text = (await readFile(session, loaderEntryDefault))?.subarray(4).toString('utf16le')
  return textOf(text?.replace(/\0[^]*$/, ''))
}

/**
 * Talos 1.14 has a resource for it; older ones let os:admin read the kernel's file; without that, the boot time is used.
 */
async function readBootId(session: Session, isAdmin: boolean): Promise<string> {
  const [resource, kernel] = await Promise.all([
    readOptional(session, bootIds),
    isAdmin ? readFile(session, '/proc/sys/kernel/random/boot_id') : undefined,
  ])
  const bootId = textOf(asRecord(resource)['bootID']) ?? textOf(kernel?.toString('utf8').trim())
  if (bootId !== undefined) return bootId
  const stat = await session.machine.systemStat({})
  return `${timeOfBoot}${String(stat.messages[0]?.bootTime ?? 0n)}`
}

/** The META tags that are set. Every Talos has this resource: missing a staged upgrade would be a failure. */
async function readMetaTags({ state }: Session): Promise<ReadonlySet<string>> {
  const tags = new Set<string>()
  for await (const { resource } of state.list(metaKeys)) tags.add(resource?.metadata?.id ?? '')
  return tags
}

/**
 * Talos' list of services, and not its Services resources: those exist only while a service runs, so a failed one
 * would just be missing. A skipped service is not needed here, and an extension's may run once and
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
