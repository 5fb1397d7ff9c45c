import { Code, ConnectError } from '@connectrpc/connect'
import type { Role } from '../../core/cluster/cluster.ts'
import { parseYaml } from '../../yaml.ts'
import type { Session } from './session.ts'
import { classOf, isSaidHere } from './trouble.ts'

/** Resources of Talos, by namespace and type (siderolabs/talos pkg/machinery/resources). */
export interface ResourceKind {
  readonly namespace: string
  readonly type: string
}

/** One of them, by its id. */
export interface ResourceName extends ResourceKind {
  readonly id: string
}

/** The stage that a machine is in, and what it waits for. */
export const machineStatus = {
  namespace: 'runtime',
  type: 'MachineStatuses.runtime.talos.dev',
  id: 'machine',
} as const

/** So many specs are kept as they were read, none of them longer than this: those of a node are the same at almost every look. */
const keptSpecs = { most: 400, letters: 4_000 }
const specs = new Map<string, unknown>()

/** What a spec says, YAML; nobody changes what is answered. `type`: what it is of. @throws AgentError `malformed` */
export function specOf(text: string, type: string): unknown {
  const known = specs.get(text)
  // What was asked for last goes last.
  specs.delete(text)
  const spec = known === undefined ? parseYaml(text, type) : known
  if (text.length <= keptSpecs.letters) specs.set(text, spec)
  if (specs.size > keptSpecs.most) specs.delete(specs.keys().next().value!)
  return spec
}

/** The spec of a resource that is always there: a mapping, or a bare scalar. */
export async function readSpec({ state }: Pick<Session, 'state'>, name: ResourceName): Promise<unknown> {
  return specOf((await state.get(name)).resource?.spec?.yamlSpec ?? '', name.type)
}

/** The same of one that need not be there, or that only newer releases know. */
export function readOptional(session: Pick<Session, 'state'>, name: ResourceName): Promise<unknown> {
  return readSpec(session, name).catch(absentOrRefused)
}

/** The specs of all resources of a kind, by their ids; undefined where this Talos does not have it, or does not show us. */
export async function readSpecs(
  { state }: Pick<Session, 'state'>,
  kind: ResourceKind,
): Promise<ReadonlyMap<string, unknown> | undefined> {
  const found = new Map<string, unknown>()
  try {
    for await (const { resource } of state.list(kind))
      found.set(resource?.metadata?.id ?? '', parseYaml(resource?.spec?.yamlSpec ?? '', kind.type))
    return found
  } catch (error) {
    return absentOrRefused(error)
  }
}

/** The spec is the bare word; `init` is a control plane of old (siderolabs/talos pkg/machinery/config/machine/type.go). */
export function roleOf(machineType: unknown): Role | undefined {
  if (machineType === 'worker' || machineType === 'controlplane') return machineType
  return machineType === 'init' ? 'controlplane' : undefined
}

/** A file of the node, for os:admin; undefined where it is not there. */
export async function readFile({ machine }: Pick<Session, 'machine'>, path: string): Promise<Buffer | undefined> {
  try {
    const chunks: Uint8Array[] = []
    for await (const { bytes } of machine.read({ path })) chunks.push(bytes)
    return Buffer.concat(chunks)
  } catch (error) {
    return absentOrRefused(error)
  }
}

/**
 * A resource that isn't there is an answer; a type that this Talos doesn't know is refused as if it were forbidden. A
 * file that isn't there is Go's own error, without a code. An answer that was cut on its way can have the same codes, and
 * is none.
 */
export function absentOrRefused(error: unknown): undefined {
  if (!(error instanceof ConnectError) || isSaidHere(error)) throw error
  const codes: readonly Code[] = [Code.NotFound, Code.PermissionDenied, Code.Unimplemented, Code.InvalidArgument]
  if (codes.includes(error.code)) return undefined
  if (error.code === Code.Unknown && /no such file|not exist/.test(error.rawMessage)) return undefined
  throw error
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Firmware may fail to read its own variables (`input/output error`): they count as absent. */
export function unreadable(error: unknown): undefined {
  if (!(error instanceof ConnectError) || isSaidHere(error)) throw error
  if (classOf(error.code, error.rawMessage) !== 'rejected') throw error
}
