import { once } from 'node:events'
import * as http2 from 'node:http2'
import * as tls from 'node:tls'
import { Code, ConnectError, createContextValues, type Interceptor } from '@connectrpc/connect'
import {
  ApplyConfigurationRequest_Mode as Mode,
  ApplyConfigurationRequest_ModeSchema as ModeSchema,
  type ApplyConfigurationRequest,
  MachineService,
} from '../../../src/adapters/talos/gen/machine_pb.ts'
import { State } from '../../../src/adapters/talos/gen/state_pb.ts'
import { StorageService } from '../gen/storage_pb.ts'
import { callerRoles, notAuthorized } from '../talos/access.ts'
import { serveGrpc } from '../talos/grpc.ts'
import type { Machine } from '../talos/machine.ts'
import { minorOf } from '../talos/phases.ts'
import { speakHttp2 } from '../talos/pieces.ts'
import { serveResources } from '../talos/resources.ts'
import { createLeaf, type MaintenanceLeaf } from './leaf.ts'

/** What the API of a machine in maintenance does for whoever asks. */
export interface MaintenanceMeans {
  readonly machine: Machine
  readonly address: string
  readonly port: number
  readonly signal: AbortSignal
  /** A configuration was given to it. @throws Error where it refuses it, and why */
  apply(text: string, options: { readonly isDry: boolean; readonly isStaged: boolean }): void
  /** Somebody wiped a disk. */
  wipe(device: string): void
  /** Its key is another one: the console tells its fingerprint. */
  onKey(fingerprint: string): void
}

export interface MaintenanceApi extends AsyncDisposable {
  readonly fingerprint: string
  /** Another key, as after the time was set, or with a new hostname. */
  renew(hostname: string | undefined): Promise<void>
}

/** A machine in maintenance lets everybody do what a reader may, and apply a configuration, and wipe a disk. */
const forAnybody = new Set(['Version', 'ServiceList', 'SystemStat', 'Events', 'ApplyConfiguration'])

/** The API of a machine in maintenance on its port (siderolabs/talos internal/app/maintenance, and from 1.13 on apid itself). */
export async function openMaintenance(means: MaintenanceMeans): Promise<MaintenanceApi> {
  const { machine, address, port } = means
  const version = minorOf(machine.running.version)
  const hostname = machine.options.name
  let leaf: MaintenanceLeaf = await createLeaf({ address, hostname: undefined })
  const serve = serveGrpc({
    routes: (router) => {
      router.service(MachineService, version >= 13 ? serveMachine(means) : { applyConfiguration: applying(means) })
      router.service(State, serveResources(machine, { life: means.signal }))
      router.service(StorageService, serveStorage(means))
    },
    interceptors: [checkAccess(version)],
    // Whom it lets in it takes for a reader, whatever he says he is.
    contextValues: () => createContextValues().set(callerRoles, ['os:reader']),
    endEarly: () => undefined,
  })
  const inner = http2.createServer(serve)
  const sessions = new Set<http2.ServerHttp2Session>()
  inner.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  inner.on('sessionError', () => {})
  const protocol = { minVersion: version >= 13 ? 'TLSv1.3' : 'TLSv1.2' } as const
  const server = tls.createServer({ ...leaf, ...protocol, ALPNProtocols: ['h2'] }, (socket) => {
    socket.on('error', () => socket.destroy())
    speakHttp2(inner, socket)
  })
  server.on('tlsClientError', () => {})
  server.listen({ host: address, port, exclusive: true })
  await once(server, 'listening')
  means.onKey(leaf.fingerprint)

  async function renew(name: string | undefined): Promise<void> {
    // An older one leaves its hostname out.
    leaf = await createLeaf({ address, hostname: version >= 13 ? (name ?? hostname) : undefined })
    server.setSecureContext({ ...leaf, ...protocol })
    means.onKey(leaf.fingerprint)
  }

  return {
    get fingerprint() {
      return leaf.fingerprint
    },
    renew,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const session of sessions) session.destroy()
      await closed
    },
  }
}

function checkAccess(minor: number): Interceptor {
  return (next) => async (request) => {
    const { typeName } = request.service
    const { name } = request.method
    if (typeName !== 'machine.MachineService') return next(request)
    if (minor < 13 && name !== 'ApplyConfiguration')
      throw new ConnectError('API is not implemented in maintenance mode', Code.Unimplemented)
    if (name.startsWith('Etcd')) throw new ConnectError(`unknown method ${name}`, Code.Unimplemented)
    if (!forAnybody.has(name)) throw notAuthorized()
    return next(request)
  }
}

function serveMachine(means: MaintenanceMeans) {
  const { machine, signal: life } = means
  const refused = () => {
    throw notAuthorized()
  }
  return {
    applyConfiguration: applying(means),
    version: () => ({
      messages: [
        {
          version: { tag: machine.running.version, os: 'linux', arch: 'amd64' },
          platform: { name: 'metal', mode: 'metal' },
        },
      ],
    }),
    serviceList: () => ({
      messages: [{ services: [...machine.services].map(([id, { state }]) => ({ id, state })) }],
    }),
    systemStat: () => ({ messages: [{ bootTime: BigInt(Math.floor(machine.bootedAt / 1000)) }] }),
    events: (request: Parameters<typeof machine.log.follow>[0], { signal }: { readonly signal: AbortSignal }) =>
      machine.log.follow(request, AbortSignal.any([signal, life])),
    upgrade: refused,
    reboot: refused,
    shutdown: refused,
    rollback: refused,
    generateClientConfiguration: refused,
  }
}

function applying({ machine, apply }: MaintenanceMeans) {
  const minor = minorOf(machine.running.version)
  return ({ data, mode, dryRun }: ApplyConfigurationRequest) => {
    const name = ModeSchema.value[mode]?.name.toLowerCase().replace('_', '-') ?? ''
    if (minor < 13 && (mode === Mode.NO_REBOOT || mode === Mode.STAGED))
      throw new ConnectError(
        `apply configuration --mode='${name}' is not supported in maintenance mode`,
        Code.Unimplemented,
      )
    try {
      apply(Buffer.from(data).toString('utf8'), { isDry: dryRun, isStaged: mode === Mode.STAGED })
    } catch (error) {
      throw new ConnectError((error as Error).message, Code.InvalidArgument)
    }
    if (minor < 13) return { messages: [{ modeDetails: dryRun ? 'Dry run summary' : '' }] }
    const chosen = mode === Mode.STAGED || mode === Mode.TRY ? mode : Mode.NO_REBOOT
    return { messages: [{ mode: chosen, modeDetails: 'Applied configuration without a reboot' }] }
  }
}

function serveStorage({ machine, wipe }: MaintenanceMeans) {
  return {
    disks: () => ({ messages: [{ disks: [{ deviceName: '/dev/sda', model: 'LAB SSD', size: 500_000_000_000n }] }] }),
    blockDeviceWipe({ devices }: { readonly devices: readonly { readonly device: string }[] }) {
      for (const { device } of devices) wipe(device)
      machine.changed()
      return { messages: [{}] }
    },
  }
}
