import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Identity } from '../authority.ts'
import { answer } from './commands.ts'
import type { Dialect } from './misbehaviour.ts'
import type { Session, UpsdState } from './state.ts'
import { labUsers } from './upsd.ts'
import { createTokenizer } from './words.ts'

/** One connection. */
export interface Client extends Session {
  readonly socket: Socket
  /** The socket, or the TLS over it. */
  stream: Socket
  idle: NodeJS.Timeout
  /** The sending of what was answered so far. */
  sending: Promise<void>
  heldBack: string[] | undefined
}

/** What every connection needs of the server. */
export interface Connected {
  readonly state: UpsdState
  readonly clients: Set<Client>
  /** Every command, in order of arrival. */
  readonly commands: string[]
  /** For STARTTLS; undefined where there is none. */
  readonly identity: Identity | undefined
  /** A client that sends no command for this long is dropped, in ms. */
  readonly idleMs: number
  /** Aborts when the server stops. */
  stopping(): AbortSignal
}

/** Serves a connection until it ends. */
export function welcome(socket: Socket, server: Connected): void {
  const tokenize = createTokenizer()
  const leave = (): void => void socket.destroy()
  const client: Client = {
    socket,
    stream: socket,
    isLoggedIn: false,
    isTracking: false,
    isLeaving: false,
    idle: setTimeout(leave, server.idleMs),
    sending: Promise.resolve(),
    heldBack: undefined,
  }
  server.clients.add(client)
  socket.setNoDelay(true)
  socket.on('error', leave)
  socket.on('close', () => {
    clearTimeout(client.idle)
    server.clients.delete(client)
  })
  const { misbehaviour } = server.state
  const onData = (chunk: Buffer): void => {
    if (misbehaviour.halfOpen) return
    const packet = [...(misbehaviour.dialect?.keepsQuotes ? plainWords(chunk) : tokenize(chunk))]
    for (const words of heard(packet, misbehaviour.dialect)) obey(client, words, server)
    if (client.tls === 'agreed' && server.identity) secure(client, server.identity, onData)
    if (client.isLeaving) client.sending = client.sending.then(leave)
  }
  socket.on('data', onData)
}

/** Carries a command out, and sends what it is answered. */
function obey(client: Client, words: readonly string[], server: Connected): void {
  const { state, commands } = server
  const command = words.join(' ')
  client.idle.refresh()
  commands.push(command)
  const reply =
    words.length === 0
      ? 'ERR UNKNOWN-COMMAND'
      : (refusal(client, words, state.misbehaviour.dialect) ?? answer(state, client, words))
  if (!state.misbehaviour.noReply?.test(command)) enqueue(client, [reply].flat(), server)
}

/** TLS from here on, once all that was answered before has been sent. */
function secure(client: Client, identity: Identity, onData: (chunk: Buffer) => void): void {
  client.tls = 'on'
  client.socket.off('data', onData)
  client.socket.pause()
  client.sending = client.sending.then(() => {
    client.stream = new TLSSocket(client.socket, { isServer: true, ...identity })
    client.stream.on('error', () => void client.socket.destroy())
    client.stream.on('data', onData)
  })
}

function enqueue(client: Client, lines: string[], server: Connected): void {
  if (server.state.misbehaviour.wrongOrder && !client.heldBack) {
    client.heldBack = lines
    return
  }
  const all = [...lines, ...(client.heldBack ?? [])]
  client.heldBack = undefined
  client.sending = client.sending.then(() => send(client.stream, all, server)).catch(() => void client.socket.destroy())
}

async function send(socket: Socket, lines: readonly string[], { state, stopping }: Connected): Promise<void> {
  const { misbehaviour } = state
  const { rewrite = (line: string) => line } = misbehaviour.dialect ?? {}
  for (const line of lines.map(rewrite)) {
    if (line === undefined) continue
    if (misbehaviour.delayMs > 0) await pause(misbehaviour.delayMs, undefined, { signal: stopping() })
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

/** Those that the dialect answers, of all that one packet brought. */
function heard(all: readonly string[][], { answersOf }: Dialect = {}): readonly string[][] {
  if (answersOf === 'the first') return all.slice(0, 1)
  if (answersOf === 'the last') return all.slice(-1)
  return answersOf === 'a single one' && all.length > 1 ? [] : all
}

/** What the dialect refuses before upsd would look at it. */
function refusal(client: Client, words: readonly string[], dialect: Dialect = {}): string | undefined {
  const { unknown, unknownAs = 'UNKNOWN-COMMAND', refusesStrangersWith } = dialect
  if (unknown?.test(words.join(' '))) return `ERR ${unknownAs}`
  if (refusesStrangersWith === undefined || !/^(GET|LIST)$/i.test(words[0]!)) return undefined
  const user = Object.entries(labUsers).find(([name]) => name === client.username)?.[1]
  return user !== undefined && user.password === client.password ? undefined : `ERR ${refusesStrangersWith}`
}

/** The words of each line of a packet, parted by white space alone. */
function plainWords(chunk: Buffer): string[][] {
  return chunk
    .toString('latin1')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/))
}
