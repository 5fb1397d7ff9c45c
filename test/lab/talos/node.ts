import { randomBytes } from 'node:crypto'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createContextValues } from '@connectrpc/connect'
import { machineIdOf } from '../../../src/adapters/talos/machine-id.ts'
import type { Identity, LabAuthority } from '../authority.ts'
import { callerRoles, checkAccess, rolesOf } from './access.ts'
import { installFrom, serveTalos } from './api.ts'
import { createApid } from './apid.ts'
import { serveGrpc } from './grpc.ts'
import { createImageStore } from './installer.ts'
import { noFaults } from './faults.ts'
import { createMachine, sameImage } from './machine.ts'
import { createRouting } from './routing.ts'
import { createSequences } from './sequences.ts'
import type { EarlyEnd, RenewOptions, TalosCall, TalosFaults, TalosNode, TalosNodeOptions } from './types.ts'

export type {
  EarlyEnd,
  LabExtension,
  LabImage,
  RegistryTrouble,
  RenewOptions,
  TalosCall,
  TalosFaults,
  TalosNode,
  TalosNodeOptions,
  TalosPace,
} from './types.ts'

/** A Talos node without power; `start` boots it. Its etcd membership begins now. */
export function createTalosNode(options: TalosNodeOptions): TalosNode {
  const { name, role, address, port = 50_000, authority } = options
  const mac = options.mac ?? `02:${randomBytes(5).toString('hex').match(/../g)?.join(':')}`
  const calls: TalosCall[] = []
  let identity: Identity | undefined
  const faults = faultsThat((silent) => apid.setSilent(silent))
  const machine = createMachine(options, faults)
  const images = createImageStore(machine)
  const apid = createApid(address, port, authority.ca, handle)
  const sequences = createSequences(machine, apid, {
    identity: certificate,
    installStaged: (ref, signal) => installFrom(machine, images, ref, signal),
  })
  const routing = createRouting({ name, role, address, port, authority })
  const serve = serveGrpc({
    routes: (router) => serveTalos(router, machine, sequences, images),
    interceptors: [checkAccess(machine, (call) => calls.push(call))],
    contextValues: (request) => createContextValues().set(callerRoles, rolesOf(request)),
    endEarly: (method) => takeEarlyEnd(faults, method),
  })

  function handle(request: Http2ServerRequest, response: Http2ServerResponse): void {
    if (!routing.forward(request, response, rolesOf(request))) serve(request, response)
  }

  function certificate(): Identity {
    if (!identity) throw new Error(`${name} has no certificate yet`)
    return identity
  }

  const issuedBy = (issuer: LabAuthority) =>
    issuer.issueServer({ common: name, ips: [address, '127.0.0.1'], dns: [name] })

  async function start(): Promise<void> {
    identity ??= await issuedBy(authority)
    await routing.prepare()
    await sequences.powerOn()
  }

  return {
    name,
    role,
    address,
    port,
    mac,
    calls,
    faults,
    get connections() {
      return apid.connections
    },
    get power() {
      return machine.power
    },
    get answering() {
      return machine.answering
    },
    get ready() {
      return machine.isReady()
    },
    get stage() {
      return machine.stage
    },
    get version() {
      return machine.running.version
    },
    get schematic() {
      return machine.running.schematic
    },
    get bootId() {
      return machine.bootId
    },
    get machineId() {
      return machineIdOf(machine.nodeId)!
    },
    get uuid() {
      return machine.uuid
    },
    get installed() {
      return machine.installed
    },
    get armed() {
      return !sameImage(machine.installed, machine.running)
    },
    onChange: (listener) => machine.onChange(listener),
    stageUpgrade(ref) {
      machine.staged = ref
      machine.changed()
    },
    async renewCertificate({ issuer = authority, accepts = [issuer] }: RenewOptions = {}) {
      identity = await issuedBy(issuer)
      apid.renew(identity, accepts.map(({ ca }) => ca).join(''))
    },
    start,
    wake() {
      const woken = identity ? sequences.powerOn() : start()
      woken.catch(() => {
        // The cord was pulled again before it was up.
      })
    },
    cutPower: () => sequences.cutPower(),
    async [Symbol.asyncDispose]() {
      sequences.dispose()
      routing.close()
      await apid[Symbol.asyncDispose]()
    },
  }
}

/** No faults at first; whoever changes `silent` is heard at once. */
function faultsThat(setSilent: (silent: boolean) => void): TalosFaults {
  let silent = false
  return {
    ...noFaults(),
    get silent() {
      return silent
    },
    set silent(value) {
      silent = value
      setSilent(value)
    },
  }
}

/** How this call is to end before its time, if it is; it is done as often as was asked for. */
function takeEarlyEnd(faults: TalosFaults, method: string): EarlyEnd | undefined {
  const end = faults.endsEarly
  if (!end || (end.method ?? method) !== method) return undefined
  faults.endsEarly = end.times > 1 ? { ...end, times: end.times - 1 } : undefined
  return end
}
