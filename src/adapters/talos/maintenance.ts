import { isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { AgentError, describeConnectionError, messageOf } from '../../core/errors.ts'
import { readClaim } from '../../core/provision/question.ts'
import type { MaintenanceApi } from '../../core/provision/ports.ts'
import type { MaintenanceLook, MeantMachine } from '../../core/provision/seen.ts'
import { ApplyConfigurationRequest_Mode as Mode, MachineService } from './gen/machine_pb.ts'
import { State } from './gen/state_pb.ts'
import { fingerprintOf, isOfMaintenance } from './maintenance-leaf.ts'
import { macOf } from './newcomer.ts'
import { asRecord, machineStatus, readOptional, readSpecs, textOf } from './resources.ts'
import { endpointOf } from './talosconfig.ts'
import { iterable } from './whole.ts'

/** In ms: for a handshake, for a look, and for the answer to a configuration. */
const within = { handshake: 5_000, look: 15_000, apply: 30_000 }
/** In bytes: what a stranger answers is not read beyond. */
const largestAnswer = 4 * 1_048_576
/** What is kept of the words of a machine, in characters. */
const longestWords = 2_000

const kinds = {
  system: { namespace: 'hardware', type: 'SystemInformations.hardware.talos.dev', id: 'systeminformation' },
  version: { namespace: 'runtime', type: 'Versions.runtime.talos.dev', id: 'version' },
  hostname: { namespace: 'network', type: 'HostnameStatuses.net.talos.dev', id: 'hostname' },
  links: { namespace: 'network', type: 'LinkStatuses.net.talos.dev' },
  disks: { namespace: 'runtime', type: 'Disks.block.talos.dev' },
} as const

/** The API of machines in maintenance, of Talos 1.12 and later. No machine's certificate is verified: there is nobody to vouch for it. */
export function createMaintenanceApi(): MaintenanceApi {
  return {
    look: (address, signal) => onMachine(address, limited(signal, within.look), readLook),
    apply: (address, meant, take, signal) => {
      const alive = limited(signal, within.apply)
      return onMachine(address, alive, async (wire) => {
        demandMeant(address, await readLook(wire), meant)
        const data = Buffer.from(await take(), 'utf8')
        await wire.machine.applyConfiguration({ data, mode: Mode.AUTO }, { signal: alive })
      })
    },
  }
}

interface Wire {
  readonly fingerprint: string
  readonly machine: ReturnType<typeof createClient<typeof MachineService>>
  readonly state: ReturnType<typeof createClient<typeof State>>
}

function limited(signal: AbortSignal, ms: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)])
}

/** One connection, on which all is asked: its key is that of the machine that answers all of it. */
async function onMachine<T>(address: string, signal: AbortSignal, action: (wire: Wire) => Promise<T>): Promise<T> {
  const { socket, fingerprint } = await shakeHands(address, signal)
  const baseUrl = endpointOf(address)
  let isUsed = false
  const session = new Http2SessionManager(
    baseUrl,
    {},
    {
      createConnection: () => {
        // A second connection could be to another machine.
        if (isUsed) throw new ConnectError('connection aborted', Code.Canceled)
        isUsed = true
        return socket
      },
    },
  )
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: {
      authority: session.authority,
      request: async (...request) => iterable(await session.request(...request)),
      notifyResponseByteRead: (stream) => session.notifyResponseByteRead(stream),
    },
    readMaxBytes: largestAnswer,
  })
  const close = () => session.abort()
  signal.addEventListener('abort', close, { once: true })
  try {
    return await action({
      fingerprint,
      machine: createClient(MachineService, transport),
      state: createClient(State, transport),
    })
  } catch (error) {
    throw translate(address, error, signal)
  } finally {
    signal.removeEventListener('abort', close)
    session.abort()
    socket.destroy()
  }
}

/** @throws AgentError `unreachable`, or `rejected` where what answers is not in maintenance */
async function shakeHands(
  address: string,
  signal: AbortSignal,
): Promise<{ readonly socket: TLSSocket; readonly fingerprint: string }> {
  const { hostname, port } = new URL(endpointOf(address))
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = connectTls({
    host,
    port: Number(port),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
  })
  const alive = limited(signal, within.handshake)
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = () => reject(new Error('no answer'))
      alive.addEventListener('abort', giveUp, { once: true })
      socket.once('secureConnect', resolve).once('error', reject)
      if (alive.aborted) giveUp()
    })
  } catch (error) {
    socket.destroy()
    throw new AgentError('unreachable', `${address}: ${describeConnectionError(messageOf(error))}`, error)
  }
  // Later ones show at the call that they end.
  socket.on('error', () => {})
  const isWaiting = isOfMaintenance(socket.getPeerCertificate())
  const certificate = socket.getPeerX509Certificate()
  if (certificate !== undefined && isWaiting) return { socket, fingerprint: fingerprintOf(certificate) }
  socket.destroy()
  throw new AgentError('rejected', `${address} is not in maintenance: it has the certificate of a cluster`)
}

/** By resources alone: Talos 1.12 has no other calls in maintenance. */
async function readLook({ fingerprint, state }: Wire): Promise<MaintenanceLook> {
  const [system, version, hostname, status, links, disks] = await Promise.all([
    readOptional({ state }, kinds.system).then(asRecord),
    readOptional({ state }, kinds.version).then(asRecord),
    readOptional({ state }, kinds.hostname).then(asRecord),
    readOptional({ state }, machineStatus).then(asRecord),
    readSpecs({ state }, kinds.links),
    readSpecs({ state }, kinds.disks),
  ])
  return {
    fingerprint,
    version: textOf(version['version']),
    uuid: readClaim({ uuid: textOf(system['uuid']) }).uuid,
    serial: short(system['serialnumber']) ?? short(system['serial']),
    stage: textOf(status['stage']),
    hostname: short(hostname['hostname']),
    maker: short(system['manufacturer']),
    product: short(system['productName']),
    macs: [...(links ?? [])].flatMap(([, spec]) => macOf(asRecord(spec))),
    disks: [...(disks ?? [])].flatMap(([id, spec]) => diskOf(id, asRecord(spec))),
  }
}

/** At most so many characters of what a stranger says. */
function short(value: unknown): string | undefined {
  return textOf(value)?.slice(0, 128)
}

function diskOf(id: string, spec: Record<string, unknown>): MaintenanceLook['disks'] {
  if (spec['readonly'] === true || spec['cdrom'] === true || /^(loop|zram|dm-)/.test(id)) return []
  return [
    {
      path: short(spec['dev_path']) ?? `/dev/${id.slice(0, 64)}`,
      size: short(spec['pretty_size']) ?? '',
      model: short(spec['model']),
    },
  ]
}

/** @throws AgentError `rejected` where another machine answers than the one that was approved */
function demandMeant(address: string, look: MaintenanceLook, meant: MeantMachine): void {
  const not = (why: string) => new AgentError('rejected', `${address}: ${why}; it was given nothing`)
  if (look.fingerprint !== meant.fingerprint)
    throw not('another key answers than the one that was there when it was approved')
  if (meant.uuid !== undefined && look.uuid !== meant.uuid) throw not('another machine answers, with another UUID')
  if (meant.uuid === undefined && (meant.mac === undefined || !look.macs.includes(meant.mac)))
    throw not('another machine answers, with other network cards')
  if (look.stage !== undefined && look.stage !== 'maintenance')
    throw not(`it is no longer in maintenance, but ${look.stage}`)
}

/** What became of a call, in words that hold nothing of what was sent. */
function translate(address: string, error: unknown, signal: AbortSignal): AgentError {
  if (error instanceof AgentError) return error
  if (signal.aborted) return new AgentError('unreachable', `${address} did not answer in time`)
  const { code, rawMessage } = ConnectError.from(error)
  const words = rawMessage.slice(0, longestWords)
  if (code === Code.InvalidArgument) return new AgentError('rejected', `${address} refuses the configuration: ${words}`)
  if (code === Code.Unimplemented || code === Code.PermissionDenied)
    return new AgentError('rejected', `${address} no longer takes a configuration: ${words}`)
  return new AgentError('unreachable', `${address} closed the connection before its answer: ${words}`)
}
