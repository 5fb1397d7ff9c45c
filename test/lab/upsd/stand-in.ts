import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { createAuthority } from '../authority.ts'
import { welcome, type Client } from './connections.ts'
import { noMisbehaviour, type UpsdMisbehaviour } from './misbehaviour.ts'
import { change, loggedIn, type UpsdState } from './state.ts'
import { upsdName } from './tls.ts'
import { firstVariables, type LabUpsd, type LabUpsdOptions } from './upsd.ts'

export interface UpsdStandInOptions extends LabUpsdOptions {
  /** 'synology' is a derivative of 2.7.4: NETVER 1.2, no PRIMARY, PROTVER or TRACKING, and `monuser` is a master. */
  readonly dialect?: 'nut' | 'synology'
  /** A client that sends no command for this long is dropped; 60 s is upsd's own figure. */
  readonly idleMs?: number
  /** Beside `load.off`; they succeed. */
  readonly instantCommands?: readonly string[]
}

/** A upsd that answers as networkupstools/nut 2.8.0 does, from server/{upsd,netuser,netget,netlist,netset}.c; and misbehaves. */
export interface UpsdStandIn extends LabUpsd {
  readonly misbehaviour: UpsdMisbehaviour
  /** Every command, in order of arrival: its words, joined by spaces. */
  readonly commands: readonly string[]
  /** That are open now. */
  readonly connections: number
  /** A real upsd has to be started again for this. */
  clearForceShutdown(): void
}

export async function startUpsdStandIn(options: UpsdStandInOptions = {}): Promise<UpsdStandIn> {
  const { address = '127.0.0.1', dialect = 'nut', idleMs = 60_000 } = options
  const isSynology = dialect === 'synology'
  const version = isSynology ? 'DSM7-2-60108-221130' : '2.8.0'
  const clients = new Set<Client>()
  const commands: string[] = []
  const variables = new Map<string, string>()
  let port = options.port ?? 0
  let server: Server | undefined
  let stopping = new AbortController()
  const misbehaviour = noMisbehaviour()
  const { tls = false, instantCommands = [] } = options
  const authority = tls ? await createAuthority('lab') : undefined
  const identity = await authority?.issueServer({ common: upsdName, ips: [address], dns: [upsdName] })
  const state: UpsdState = {
    isSynology,
    version,
    hasTls: tls,
    instantCommands,
    misbehaviour,
    sessions: clients,
    variables,
    isForced: false,
    tracked: new Map(),
  }
  const connected = { state, clients, commands, identity, idleMs, stopping: () => stopping.signal }

  async function stop(): Promise<void> {
    const closing = server
    server = undefined
    stopping.abort()
    for (const { socket } of clients) socket.destroy()
    if (!closing) return
    const closed = once(closing, 'close')
    closing.close()
    await closed
  }

  async function start(): Promise<void> {
    await stop()
    state.isForced = false
    stopping = new AbortController()
    fill(variables, { ...firstVariables, ...options.variables }, { isSynology, version })
    const listening = createServer({ allowHalfOpen: false }, (socket) => welcome(socket, connected)).listen(
      port,
      address,
    )
    await once(listening, 'listening')
    const bound = listening.address()
    if (bound !== null && typeof bound !== 'string') port = bound.port
    server = listening
  }

  await start()
  return {
    address,
    get port() {
      return port
    },
    upsName: 'ups',
    users: { secondary: { name: 'monuser', password: 'secret' } },
    misbehaviour,
    commands,
    get connections() {
      return clients.size
    },
    ...(authority && identity ? { certificates: { ca: authority.ca, certificate: identity.cert } } : {}),
    set: async (variable, value) => change(variables, variable, value),
    status: async (tokens) => change(variables, 'ups.status', tokens),
    stop,
    start,
    forceShutdown: async () => void (state.isForced = true),
    clearForceShutdown: () => void (state.isForced = false),
    logins: async () => loggedIn(clients).length,
    [Symbol.asyncDispose]: stop,
  }
}

/** What the driver of a UPS that was just connected knows. */
function fill(
  variables: Map<string, string>,
  first: Readonly<Record<string, string>>,
  { isSynology, version }: Pick<UpsdState, 'isSynology' | 'version'>,
): void {
  variables.clear()
  const own = {
    'device.type': 'ups',
    'driver.name': isSynology ? 'usbhid-ups' : 'dummy-ups',
    'driver.version': version,
  }
  for (const [name, value] of Object.entries({ ...first, ...own })) variables.set(name, value)
  for (const each of ['mfr', 'model', 'serial']) variables.set(`device.${each}`, variables.get(`ups.${each}`) ?? '')
  variables.set('driver.parameter.pollinterval', isSynology ? '5' : '2')
}
