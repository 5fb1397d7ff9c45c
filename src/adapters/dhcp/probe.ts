import { createSocket, type Socket } from 'node:dgram'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { networkInterfaces } from 'node:os'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Fetched } from '../../core/doctor/ports.ts'
import { messageTypes, optionCodes } from '../../core/netboot/dhcp/client.ts'
import { type DhcpMessage, formatDhcp, parseDhcp } from '../../core/netboot/dhcp/packet.ts'
import { discoverOf, type Question, readAnswer, type SeenOffer } from '../../core/netboot/dhcp/question.ts'
import { networkOf } from '../../core/netboot/network.ts'
import type { NetbootProbe, OwnNetwork } from '../../core/netboot/ports.ts'

/** Where DHCP is spoken: its own ports, but in a test. */
export interface ProbePlaces {
  readonly serverPort: number
  readonly clientPort: number
  readonly proxyPort: number
  readonly broadcast: string
  networks(): readonly OwnNetwork[]
}

export interface ProbeOptions {
  /** Reads the beginning of a file over TFTP. */
  readonly readFile: (server: string, file: string, signal: AbortSignal) => Promise<Fetched>
  readonly places?: Partial<ProbePlaces>
}

const usual: ProbePlaces = {
  serverPort: 67,
  clientPort: 68,
  proxyPort: 4011,
  broadcast: '255.255.255.255',
  networks: () => networksIn(networkInterfaces()),
}

/** Sent again after so long, in ms, as firmware does: a switch that has just come up drops the first one. */
const repeatsAfter = 1_500

/** Asks the network as firmware does. */
export function createNetbootProbe({ readFile, places = {} }: ProbeOptions): NetbootProbe {
  const at: ProbePlaces = { ...usual, ...places }
  return {
    networks: async () => at.networks(),
    discover: (question, within, signal) => discover(at, question, within, signal),
    askAgain: (server, question, within, signal) => askAgain(at, server, { question, within, signal }),
    read: readFile,
    readByHttp,
  }
}

async function discover(
  at: ProbePlaces,
  question: Question,
  within: number,
  signal: AbortSignal,
): Promise<readonly SeenOffer[]> {
  const networks = at.networks()
  if (networks.length === 0) throw new AgentError('not-now', 'this machine has no IPv4 address in any network yet')
  await using stack = new AsyncDisposableStack()
  const found = new Map<string, SeenOffer>()
  const hear = (bytes: Buffer, from: string) => {
    const message = parseDhcp(bytes)
    const offer = message && readAnswer(message, question, messageTypes.offer, from)
    if (!offer) return
    // Who is asked twice answers twice; Kea has another address each time.
    const key = JSON.stringify({ ...offer, address: offer.address !== undefined })
    if (!found.has(key)) found.set(key, offer)
  }
  const listener = await open(stack, { port: at.clientPort, address: '0.0.0.0' })
  listener.on('message', (bytes, { address }) => hear(bytes, address))
  const senders = await Promise.all(
    networks.map(({ address }) => open(stack, { port: at.clientPort, address, broadcasts: true })),
  )
  // Some servers answer to the address that a question came from.
  for (const sender of senders) sender.on('message', (bytes, { address }) => hear(bytes, address))
  const packet = formatDhcp(discoverOf(question))
  const ask = () => Promise.allSettled(senders.map((sender) => send(sender, packet, at.serverPort, at.broadcast)))
  const sent = await ask()
  const failed = sent.find((one) => one.status === 'rejected')
  if (failed && sent.every(({ status }) => status === 'rejected'))
    throw new AgentError('unreachable', `no question can be sent: ${messageOf(failed.reason)}`, failed.reason)
  const repeating = setInterval(() => void ask(), repeatsAfter)
  stack.defer(() => clearInterval(repeating))
  await passed(within, signal)
  return [...found.values()]
}

async function askAgain(
  at: ProbePlaces,
  server: string,
  { question, within, signal }: { readonly question: Question; readonly within: number; readonly signal: AbortSignal },
): Promise<SeenOffer | undefined> {
  await using stack = new AsyncDisposableStack()
  const socket = await open(stack, { port: 0, address: '0.0.0.0' })
  const answered = Promise.withResolvers<SeenOffer>()
  socket.on('message', (bytes, { address }) => {
    const message = parseDhcp(bytes)
    const offer = message && readAnswer(message, question, messageTypes.ack, address)
    if (offer) answered.resolve(offer)
  })
  const own = at.networks()[0]?.address ?? '0.0.0.0'
  const discovery = discoverOf(question)
  const request: DhcpMessage = {
    ...discovery,
    flags: 0,
    ciaddr: own,
    options: new Map([...discovery.options, [optionCodes.messageType, Uint8Array.of(messageTypes.request)]]),
  }
  await send(socket, formatDhcp(request), at.proxyPort, server)
  // Waited for here: with the function the socket ends.
  return await Promise.race([answered.promise, passed(within, signal)])
}

interface Place {
  readonly port: number
  readonly address: string
  readonly broadcasts?: boolean
}

async function open(stack: AsyncDisposableStack, { port, address, broadcasts = false }: Place): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  stack.defer(() => new Promise((resolve) => socket.close(() => resolve())))
  // What comes later is told by whoever sends.
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ port, address }, () => {
      socket.off('error', reject)
      resolve()
    })
  }).catch((error: unknown) => {
    throw refused(error, port)
  })
  if (broadcasts) socket.setBroadcast(true)
  return socket
}

function refused(error: unknown, port: number): AgentError {
  const { code } = error as NodeJS.ErrnoException
  const why =
    code === 'EACCES'
      ? 'this user may not: run it by the daemon, or as root'
      : code === 'EADDRINUSE'
        ? 'a DHCP client of this machine has it for itself: ask from another machine'
        : messageOf(error)
  return new AgentError('rejected', `answers of DHCP come to port ${port}, which can't be listened on: ${why}`, error)
}

function send(socket: Socket, packet: Uint8Array, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, port, address, (error) => (error ? reject(error) : resolve()))
  })
}

/** Resolves after so many ms. @throws AgentError `timed-out` where whoever waits has given up before */
function passed(ms: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      reject(new AgentError('timed-out', 'the question was given up'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end)
      resolve(undefined)
    }, ms)
    // The sockets keep the process; after an answer nobody waits.
    timer.unref()
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

/** What HEAD tells of a file, as UEFI asks before it loads it. */
function readByHttp(url: string, signal: AbortSignal): Promise<Fetched> {
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>()
  const refuse = (code: 'rejected' | 'unreachable', why: string, error?: unknown) =>
    reject(new AgentError(code, `${url}: ${why}`, error))
  if (!URL.canParse(url)) {
    refuse('rejected', 'is no URL')
    return promise
  }
  const ask = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest
  // Firmware has no CA of its own to know this one by: whose it is is not asked here either.
  const request = ask(url, { method: 'HEAD', signal, rejectUnauthorized: false }, (answer) => {
    answer.resume()
    const size = Number(answer.headers['content-length'])
    if (answer.statusCode !== 200) refuse('rejected', `it answers ${answer.statusCode}, where firmware takes 200 alone`)
    else if (answer.headers['content-length'] === undefined)
      refuse('rejected', 'it does not tell the size, which firmware needs')
    else resolve({ bytes: new Uint8Array(), size })
  })
  request.on('error', (error) => refuse('unreachable', messageOf(error), error))
  request.end()
  return promise
}

/** The IPv4 networks of these interfaces; loopback has none. */
export function networksIn(interfaces: ReturnType<typeof networkInterfaces>): readonly OwnNetwork[] {
  return Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses.flatMap(({ family, internal, address, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null ? [{ interface: name, address, cidr: networkOf(cidr) }] : [],
    ),
  )
}
