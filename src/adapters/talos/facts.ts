import { Code, ConnectError } from '@connectrpc/connect'
import { parse } from 'yaml'
import { type EtcdFacts, type Seen, seen, type TalosFacts, unseen } from '../../core/cluster.ts'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { EtcdMemberStatus } from './gen/machine_pb.ts'
import type { Session } from './session.ts'

/** Resources of Talos, by namespace, type and id (siderolabs/talos pkg/machinery/resources). */
const resources = {
  machineStatus: { namespace: 'runtime', type: 'MachineStatuses.runtime.talos.dev', id: 'machine' },
  bootId: { namespace: 'runtime', type: 'BootIDs.runtime.talos.dev', id: 'boot-id' },
  security: { namespace: 'runtime', type: 'SecurityStates.talos.dev', id: 'securitystate' },
  /** META's tag for the boot entry to fall back to: there from the installation of an upgrade until its boot is good. */
  upgradeFallback: { namespace: 'runtime', type: 'MetaKeys.runtime.talos.dev', id: '0x06' },
} as const

/**
 * Without a quorum the list of members takes etcd some seconds to refuse, in ms. The rest of the look must not be lost
 * over it.
 */
const etcdAnswersWithin = 2_000

/** Everything that is asked of a node in one look: all calls go out together on one connection. */
export async function readFacts(session: Session, role: 'controlplane' | 'worker'): Promise<TalosFacts> {
  const { machine, state } = session
  const get = async (resource: { namespace: string; type: string; id: string }) =>
    asRecord(parse((await state.get(resource)).resource?.spec?.yamlSpec ?? ''))
  const [version, status, bootId, extensions, security, fallback, etcd] = await Promise.all([
    machine.version({}),
    get(resources.machineStatus),
    readBootId(session),
    readExtensions(session),
    get(resources.security).catch(absent),
    get(resources.upgradeFallback).catch(absent),
    role === 'controlplane' ? readEtcd(session) : undefined,
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
    stage: typeof status?.['stage'] === 'string' ? status['stage'] : 'unknown',
    ready: ready === true,
    unmet: Array.isArray(unmetConditions) ? unmetConditions.map(describeCondition) : [],
    fallbackPending: fallback !== undefined,
    ...(etcd ? { etcd } : {}),
  }
}

/**
 * Talos 1.14 has a resource for it; before that the kernel's own file tells, to os:admin; and where that is refused, the
 * time of the boot will do.
 */
async function readBootId({ machine, state }: Session): Promise<string> {
  const fromResource = await state
    .get(resources.bootId)
    .then(({ resource }) => asRecord(parse(resource?.spec?.yamlSpec ?? ''))['bootID'], absentOrRefused)
  if (typeof fromResource === 'string') return fromResource
  try {
    let text = ''
    for await (const { bytes } of machine.read({ path: '/proc/sys/kernel/random/boot_id' }))
      text += new TextDecoder().decode(bytes)
    if (text.trim() !== '') return text.trim()
  } catch (error) {
    absentOrRefused(error)
  }
  const stat = await machine.systemStat({})
  return `booted-at-${String(stat.messages[0]?.bootTime ?? 0n)}`
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

async function readEtcd({ machine }: Session): Promise<Seen<EtcdFacts>> {
  try {
    const soon = { timeoutMs: etcdAnswersWithin }
    const [status, members] = await Promise.all([machine.etcdStatus({}, soon), machine.etcdMemberList({}, soon)])
    const own = status.messages[0]?.memberStatus
    if (!own) return unseen('its etcd tells nothing')
    return seen({
      id: hexId(own.memberId),
      leader: own.leader === 0n ? undefined : hexId(own.leader),
      learner: own.isLearner,
      errors: errorsOf(own),
      members: (members.messages[0]?.members ?? []).map(({ id, hostname, isLearner }) => ({
        id: hexId(id),
        name: hostname,
        learner: isLearner,
      })),
    })
  } catch (error) {
    if (!(error instanceof ConnectError)) return unseen(messageOf(error))
    return unseen(error.code === Code.DeadlineExceeded ? 'its etcd has not answered in time' : error.rawMessage)
  }
}

function errorsOf({ errors }: EtcdMemberStatus): readonly string[] {
  return errors.filter((text) => text !== '')
}

/** As Talos prints them: 16 hex digits. They do not fit a JavaScript number. */
function hexId(id: bigint): string {
  return id.toString(16).padStart(16, '0')
}

function describeCondition(condition: unknown): string {
  const { name, reason } = asRecord(condition)
  return [name, reason].filter((part) => typeof part === 'string' && part !== '').join(': ')
}

/** A resource that isn't there is an answer; anything else is a failure. */
function absent(error: unknown): undefined {
  if (error instanceof ConnectError && error.code === Code.NotFound) return undefined
  throw error
}

/** A type that this Talos doesn't know is refused as if it were forbidden. */
function absentOrRefused(error: unknown): undefined {
  const codes: readonly Code[] = [Code.NotFound, Code.PermissionDenied, Code.Unimplemented, Code.InvalidArgument]
  if (error instanceof ConnectError && codes.includes(error.code)) return undefined
  throw error
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
