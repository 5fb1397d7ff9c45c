import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import { resolve as resolvePath } from 'node:path'
import { type Token, tokenKind } from '../../../src/core/access/token.ts'
import type { AlertContent } from '../../../src/core/alert.ts'
import type { AlertId } from '../../../src/core/alert-kinds.ts'
import type { Logger } from '../../../src/core/log.ts'
import type { Asked, Operator } from '../../../src/core/operator.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import { createAlerts } from '../../../src/operations/alerts.ts'
import { hashOf } from '../../../src/operations/token-requests.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import { createWebDoor } from '../../../src/operations/web.ts'
import { type ApiMeans, startApi } from '../../../src/services/api/work.ts'
import { type ApiSection, section as schema } from '../../../src/services/api/section.ts'
import { readSecret } from '../../../src/main/settings.ts'
import { memoryJournal } from '../../fakes/journal.ts'
import { temporaryFolder } from '../../lab/process.ts'

/** Of whatever the daemon signs. */
export const key = Buffer.alloc(32, 7)
const noon = new Date('2027-01-01T12:00:00Z')

/** What was requested of the Operator, and by whom. */
export interface Heard {
  readonly request: string
  readonly by: string
  readonly verified: boolean
}

/** A token that the daemon knows, with its text. */
export interface Held extends Partial<Omit<Token, 'hash'>> {
  readonly text: string
}

export interface DoorOptions {
  /** As it stands in the configuration, less what is usual here: a free port of 127.0.0.1. */
  readonly section?: Record<string, unknown> | undefined
  readonly tokens?: readonly Held[]
  readonly means?: ApiMeans
  /** What is open from before. */
  readonly alerts?: readonly { readonly id: AlertId; readonly content: AlertContent }[]
  /** When it is. */
  readonly now?: Date
  /** What happens when the status is asked for. */
  readonly status?: (signal: AbortSignal) => Promise<unknown>
}

export const operateToken = 'caretaker_operate-0123456789abcdef'
export const readToken = 'caretaker_read-0123456789abcdef'

/** The front door before an Operator that hears everything, and does nothing. */
export async function openDoor(options: DoorOptions = {}) {
  const { tokens = usual, means = {}, now = noon, status } = options
  const section = 'section' in options ? options.section : {}
  const folder = await temporaryFolder()
  const journal = memoryJournal()
  const at = { now, monotonic: 0 }
  const records = journal.records(tokenKind)
  const grant = ({ text, ...token }: Held) =>
    records.save({ name: 'desk', scope: 'operate', createdAt: at.now.toISOString(), ...token, hash: hashOf(text) })
  for (const token of tokens) grant(token)
  const { operator, heard } = createHearing(status ?? (async () => ({ version: '1' })))
  const log: unknown[] = []
  const meter = createMeter()
  const web = createWebDoor()
  const alerts = createAlerts(journal, () => at.now)
  for (const { id, content } of options.alerts ?? []) alerts.open(id, content)
  const stop = new AbortController()
  const path = (relative: string) => resolvePath(folder.path, relative)
  const context = {
    section: section && sectionOf(section),
    files: {
      path,
      state: folder.path,
      readSecret: (source: never, what: string) => readSecret(source, what, { path, environment: {} }),
    },
    ports: { journal },
    config: () => ({ cluster: { name: 'homelab' }, upgrade: { shownZone: 'UTC' } }),
    power: { upses: new Map() },
    operator,
    web,
    meter,
    alerts,
    log: loggerTo(log),
    signal: stop.signal,
    key: async () => key,
    now: () => at.now,
    monotonic: () => at.monotonic,
  } as unknown as ServiceContext<ApiSection | undefined>
  const service = await startApi(context, means)
  const [, address = '', port = ''] = /\/\/\[?([^\]]+?)\]?:(\d+),/.exec(service.status?.() ?? '') ?? []
  return {
    folder: folder.path,
    address,
    port: Number(port),
    at,
    heard,
    alerts,
    operator,
    web,
    meter,
    log,
    journal,
    grant,
    revoke: (name: string) => records.remove(name),
    status: () => service.status?.(),
    ask: ({ at: through = address, ...ask }: Ask) => send({ address: through, port: Number(port), ...ask }),
    raw: (text: string | Buffer, within?: number) => sendRaw({ address, port: Number(port) }, text, within),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await service[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export type OpenDoor = Awaited<ReturnType<typeof openDoor>>

const usual: readonly Held[] = [
  { name: 'desk', scope: 'operate', text: operateToken },
  { name: 'panel', scope: 'read', text: readToken },
]

/** As the configuration is read; a port of 0, which it may not name, is any that is free. */
export function sectionOf(given: Record<string, unknown>): ApiSection {
  const parsed = schema.parse(given)
  if (!parsed) throw new Error('there is no section')
  return 'port' in given ? parsed : { ...parsed, port: 0 }
}

/** All calls of an Operator: what changes something is heard. */
function createHearing(status: (signal: AbortSignal) => Promise<unknown>) {
  const heard: Heard[] = []
  const group = (name: string) =>
    new Proxy(
      {},
      {
        get:
          (_, call: string) =>
          async (...given: readonly unknown[]) => {
            const asked = given.at(-1) as Asked | undefined
            if (asked?.by) heard.push({ request: `${name}.${call}`, by: asked.by.name, verified: asked.by.verified })
            return asked?.by ? { said: call, changed: true } : []
          },
      },
    )
  const operator = {
    status,
    alerts: () => [],
    journal: () => [],
    ...Object.fromEntries(
      ['jobs', 'rollouts', 'nodes', 'power', 'staging', 'notifications', 'tokens'].map((name) => [name, group(name)]),
    ),
  } as unknown as Operator
  return { operator, heard }
}

function loggerTo(lines: unknown[]): Logger {
  const write = (...said: unknown[]) => void lines.push(said)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  return log
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  /** From which address of this machine. */
  readonly from?: string
  /** By which of its addresses; without it the one that it listens on. */
  readonly at?: string
  /** The certificate that is trusted: then it is asked by TLS. */
  readonly ca?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** Of the server, where it was asked by TLS. */
  readonly serial: string | undefined
}

/** Asks on a connection of its own, with these headers and the Host alone. */
function send({
  address,
  port,
  method = 'GET',
  path = '/api/v1/jobs',
  headers = {},
  body,
  from,
  ca,
}: Ask & { readonly address: string; readonly port: number }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      port,
      method,
      path,
      agent: false,
      setHost: false,
      headers: { host: `${address.includes(':') ? `[${address}]` : address}:${port}`, ...headers } as Record<
        string,
        string | string[]
      >,
      ...(from === undefined ? {} : { localAddress: from }),
      ...(ca === undefined ? {} : { ca }),
    }
    const outgoing = (ca === undefined ? plainRequest : secureRequest)(options, (response) => {
      const socket = response.socket as { getPeerCertificate?: () => { serialNumber?: string } }
      const serial = socket.getPeerCertificate?.().serialNumber
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, serial }))
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Sends bytes as they are, and returns what comes back until the server hangs up, or nothing more comes. */
function sendRaw(
  { address, port }: { readonly address: string; readonly port: number },
  text: string | Buffer,
  within = 2_000,
): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect({ host: address, port }, () => socket.write(text))
    const timer = setTimeout(() => socket.destroy(), within)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => (said += chunk))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(said)
    })
  })
}

/** Headers of whoever has a token. */
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The cookie of a Set-Cookie header, as a browser sends it back. */
export function cookieOf({ headers }: Answer): string {
  return (headers['set-cookie'] as readonly string[] | undefined)?.[0]?.split(';')[0] ?? ''
}

/** A browser signs in. */
export function signIn(door: OpenDoor, token = operateToken, headers: Record<string, string> = {}): Promise<Answer> {
  return door.ask({
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ token }),
  })
}

/** A question that is never answered, and how often it was asked. */
export function createHanging() {
  let asked = 0
  return {
    status: () => {
      asked += 1
      return new Promise<never>(() => {})
    },
    get asked() {
      return asked
    },
  }
}
