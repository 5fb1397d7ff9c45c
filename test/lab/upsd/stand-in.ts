import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { createAuthority, type Identity } from '../authority.ts'
import { change, createCommands, loggedIn, type Session, type UpsdState } from './commands.ts'
import { noMisbehaviour, type UpsdMisbehaviour } from './misbehaviour.ts'
import { upsdName } from './tls.ts'
import { createTokenizer } from './words.ts'
import { firstVariables, labUsers, type LabUpsd, type LabUpsdOptions } from './upsd.ts'

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

interface Client extends Session {
  readonly socket: Socket
  /** The socket, or the TLS over it. */
  stream: Socket
  idle: NodeJS.Timeout
  /** The sending of what was answered so far. */
  sending: Promise<void>
  heldBack: string[] | undefined
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
  }
  const answer = createCommands(state)

  function welcome(socket: Socket): void {
    const tokenize = createTokenizer()
    const leave = (): void => void socket.destroy()
    const client: Client = {
      socket,
      stream: socket,
      isLoggedIn: false,
      isTracking: false,
      isLeaving: false,
      idle: setTimeout(leave, idleMs),
      sending: Promise.resolve(),
      heldBack: undefined,
    }
    clients.add(client)
    socket.setNoDelay(true)
    socket.on('error', leave)
    socket.on('close', () => {
      clearTimeout(client.idle)
      clients.delete(client)
    })
    const onData = (chunk: Buffer): void => {
      if (misbehaviour.halfOpen) return
      for (const words of heard([...(misbehaviour.dialect?.keepsQuotes ? plainWords(chunk) : tokenize(chunk))])) {
        client.idle.refresh()
        commands.push(words.join(' '))
        const reply = words.length === 0 ? 'ERR UNKNOWN-COMMAND' : (refusal(client, words) ?? answer(client, words))
        if (!misbehaviour.noReply?.test(words.join(' '))) enqueue(client, [reply].flat())
      }
      if (client.tls === 'agreed' && identity) {
        client.tls = 'on'
        socket.off('data', onData)
        socket.pause()
        client.sending = client.sending.then(() => secure(client, identity, onData))
      }
      if (client.isLeaving) client.sending = client.sending.then(leave)
    }
    socket.on('data', onData)
  }

  /** Those that the dialect answers, of all that one packet brought. */
  function heard(all: readonly string[][]): readonly string[][] {
    const { answersOf } = misbehaviour.dialect ?? {}
    if (answersOf === 'the first') return all.slice(0, 1)
    if (answersOf === 'the last') return all.slice(-1)
    return answersOf === 'a single one' && all.length > 1 ? [] : all
  }

  /** What the dialect refuses before upsd would look at it. */
  function refusal(client: Client, words: readonly string[]): string | undefined {
    const { unknown, unknownAs = 'UNKNOWN-COMMAND', refusesStrangersWith } = misbehaviour.dialect ?? {}
    if (unknown?.test(words.join(' '))) return `ERR ${unknownAs}`
    if (refusesStrangersWith === undefined || !/^(GET|LIST)$/i.test(words[0]!)) return undefined
    const user = Object.entries(labUsers).find(([name]) => name === client.username)?.[1]
    return user !== undefined && user.password === client.password ? undefined : `ERR ${refusesStrangersWith}`
  }

  function secure(client: Client, identity: Identity, onData: (chunk: Buffer) => void): void {
    client.stream = new TLSSocket(client.socket, { isServer: true, ...identity })
    client.stream.on('error', () => void client.socket.destroy())
    client.stream.on('data', onData)
  }

  function enqueue(client: Client, lines: string[]): void {
    if (misbehaviour.wrongOrder && !client.heldBack) {
      client.heldBack = lines
      return
    }
    const all = [...lines, ...(client.heldBack ?? [])]
    client.heldBack = undefined
    client.sending = client.sending.then(() => send(client.stream, all)).catch(() => void client.socket.destroy())
  }

  async function send(socket: Socket, lines: readonly string[]): Promise<void> {
    const { rewrite = (line: string) => line } = misbehaviour.dialect ?? {}
    for (const line of lines.map(rewrite)) {
      if (line === undefined) continue
      if (misbehaviour.delayMs > 0) await pause(misbehaviour.delayMs, undefined, { signal: stopping.signal })
      const text = `${line}\n${line === 'OK STARTTLS' ? misbehaviour.injected : ''}`
      for (const piece of misbehaviour.fragments ? text : [text]) {
        if (!socket.writable) return
        socket.write(piece, 'latin1')
        if (misbehaviour.fragments) await nextTurn()
      }
    }
    if (misbehaviour.dropAfter === undefined) return
    misbehaviour.dropAfter -= 1
    if (misbehaviour.dropAfter > 0) return
    misbehaviour.dropAfter = undefined
    socket.end()
  }

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
    variables.clear()
    const first = { ...firstVariables, ...options.variables }
    const own = {
      'device.type': 'ups',
      'driver.name': isSynology ? 'usbhid-ups' : 'dummy-ups',
      'driver.version': version,
    }
    for (const [name, value] of Object.entries({ ...first, ...own })) variables.set(name, value)
    for (const each of ['mfr', 'model', 'serial']) variables.set(`device.${each}`, variables.get(`ups.${each}`) ?? '')
    variables.set('driver.parameter.pollinterval', isSynology ? '5' : '2')
    const listening = createServer({ allowHalfOpen: false }, welcome).listen(port, address)
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

/** The words of each line of a packet, parted by white space alone. */
function plainWords(chunk: Buffer): string[][] {
  return chunk
    .toString('latin1')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/))
}
