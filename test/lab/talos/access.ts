import type { Http2ServerRequest } from 'node:http2'
import { Code, ConnectError, createContextKey, type Interceptor } from '@connectrpc/connect'
import {
  RebootRequest_ModeSchema,
  type RebootRequest,
  type UpgradeRequest,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import type { Machine } from './machine.ts'
import { minorOf } from './phases.ts'
import { tlsSocketOf } from './pieces.ts'
import type { TalosCall } from './types.ts'

/** The caller's roles; part of a request's context. */
export const callerRoles = createContextKey<readonly string[]>([])

const operators = ['os:admin', 'os:operator']
const rules: Partial<Record<string, readonly string[]>> = {
  'LifecycleService.Upgrade': ['os:admin'],
  'MachineService.Upgrade': ['os:admin'],
  'MachineService.ApplyConfiguration': ['os:admin'],
  'MachineService.Rollback': ['os:admin'],
  'MachineService.Kubeconfig': ['os:admin'],
  'MachineService.GenerateClientConfiguration': ['os:admin'],
  'MachineService.Read': ['os:admin'],
  'MachineService.EtcdForfeitLeadership': ['os:admin'],
  'MachineService.Reboot': operators,
  'MachineService.Shutdown': operators,
  'ImageService.Pull': operators,
  'MachineService.Bootstrap': ['os:admin'],
  'MachineService.EtcdAlarmDisarm': operators,
  'MachineService.ImagePull': operators,
  'MachineService.ServiceStart': operators,
  'MachineService.ServiceStop': operators,
  'MachineService.ServiceRestart': operators,
  'MachineService.EtcdSnapshot': [...operators, 'os:etcd:backup'],
  'MachineService.EtcdMemberList': [...operators, 'os:reader', 'os:etcd:backup'],
  'MachineService.EtcdStatus': [...operators, 'os:reader', 'os:etcd:backup'],
  'MachineService.EtcdAlarmList': [...operators, 'os:reader', 'os:etcd:backup'],
}
const readers = [...operators, 'os:reader']

const mutating = new Set([
  'ImageService.Pull',
  'LifecycleService.Upgrade',
  'MachineService.Upgrade',
  'MachineService.Reboot',
  'MachineService.Shutdown',
  'MachineService.Rollback',
  'MachineService.EtcdForfeitLeadership',
])

/**
 * Notes who asks for changes, and lets in whom Talos would let in (siderolabs/talos
 * internal/app/machined/pkg/system/services/machined.go).
 */
export function checkAccess(machine: Machine, note: (call: TalosCall) => void): Interceptor {
  return (next) => async (request) => {
    const service = request.service.typeName
    const method = `${request.service.name}.${request.method.name}`
    const newcomer = service === 'machine.LifecycleService' || service === 'machine.ImageService'
    if (newcomer && minorOf(machine.running.version) < 13)
      throw new ConnectError(`unknown service ${service}`, Code.Unimplemented)
    const roles = request.contextValues.get(callerRoles)
    if (mutating.has(method)) note({ at: Date.now(), method, by: roles, ...modeOf(request.message) })
    if (!(rules[method] ?? readers).some((role) => roles.includes(role))) throw notAuthorized()
    return next(request)
  }
}

/** The reboot mode in a request that has one, where it is not the default. */
function modeOf(message: unknown): Pick<TalosCall, 'mode'> {
  const { mode, rebootMode } = message as Partial<RebootRequest & UpgradeRequest>
  const name = RebootRequest_ModeSchema.value[mode ?? rebootMode ?? 0]?.name
  return name === undefined || name === 'DEFAULT' ? {} : { mode: name }
}

/** What every refusal by role looks like. */
export function notAuthorized(): ConnectError {
  return new ConnectError('not authorized', Code.PermissionDenied)
}

/**
 * The roles are the O of the client's certificate; another apid speaks for its own client, whose roles it sends along
 * (pkg/grpc/middleware/authz).
 */
export function rolesOf(request: Http2ServerRequest): readonly string[] {
  const organization: unknown = tlsSocketOf(request.stream.session)?.getPeerCertificate().subject?.O
  const own = [organization].flat().filter((role) => typeof role === 'string')
  if (!own.includes('os:impersonator')) return own
  return [request.headers['talos-role'] ?? []]
    .flat()
    .flatMap((roles) => roles.split(','))
    .map((role) => role.trim())
}
