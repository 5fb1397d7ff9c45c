import { connect } from 'node:net'
import type { ConfigurationAnswer } from '../../../src/core/netboot/boot-event.ts'
import type { ProvisionDesk } from '../../../src/core/provision/desk.ts'
import { createConfigRoute, type Introduce } from '../../../src/services/machine-config/config-route.ts'
import { createConnectionGate } from '../../../src/services/machine-config/connections.ts'
import { createDeviceFlow, flowLasts } from '../../../src/services/machine-config/device-flow.ts'
import { openDoor } from '../../../src/services/machine-config/door.ts'
import { createFlowCodes } from '../../../src/services/machine-config/flow-codes.ts'
import { type DoorLimits, doorLimits } from '../../../src/services/machine-config/limits.ts'
import { createNotes } from '../../../src/services/machine-config/notes.ts'
import { verifyPage } from '../../../src/services/machine-config/verify-page.ts'
import type { Material } from '../../../src/http/certificate.ts'
import { createNetworks } from '../../../src/http/addresses.ts'
import { type FakeDesk, fakeDesk } from '../../fakes/provision.ts'
import { silentLog } from '../../fakes/log.ts'

export const port = 8_424

export interface TestDoor extends AsyncDisposable {
  readonly desk: FakeDesk
  /** What was told of machines, a line each: `127.0.168.2 pending`. */
  readonly told: readonly string[]
  readonly notes: readonly string[]
  readonly held: () => number
  /** Time goes on by so much, in ms. */
  pass(ms: number): void
  renew(material: Material): void
}

export interface TestDoorOptions {
  readonly limits?: Partial<DoorLimits>
  readonly material?: Material
  readonly allow?: readonly string[]
  readonly dashboard?: string
  /** Who decides, where that is not the fake one. */
  readonly desk?: ProvisionDesk
  /** An address for which something is approved. */
  readonly expected?: string
  readonly introduce?: Introduce
  /** Of whatever is signed. */
  readonly key?: Uint8Array
}

/** The door of machines on an address, before a desk that a test decides for. */
export async function serveMachines(address: string, options: TestDoorOptions = {}): Promise<TestDoor> {
  const limits = { ...doorLimits, burst: 1_000, allBurst: 10_000, ...options.limits }
  const fake = fakeDesk()
  const { desk = fake } = options
  const told: string[] = []
  const written: string[] = []
  const stop = new AbortController()
  let passed = 0
  const now = () => performance.now() + passed
  const notes = createNotes((text) => void written.push(text), now)
  const tell = ({ address: client }: { readonly address: string }, answer: ConfigurationAnswer) =>
    void told.push(`${client} ${answer}`)
  const config = createConfigRoute({
    desk,
    limits,
    introduce: options.introduce ?? (() => undefined),
    log: silentLog,
    told: tell,
    signal: stop.signal,
  })
  const flow = createDeviceFlow({
    desk,
    codes: createFlowCodes(options.key ?? Buffer.alloc(32, 7), flowLasts, () => new Date(Date.now() + passed)),
    verifyUrl: `http://${address}:${port}/verify`,
    notes,
    now,
    begun: (question) => tell(question, 'pending'),
  })
  const gate = createConnectionGate({
    limits,
    isAllowed: createNetworks(options.allow ?? ['127.0.0.0/8']),
    isExpected: (client) => client === options.expected,
    now,
    unwanted: (why, client) => notes.note(why, client, `${client} is unwanted: ${why}`),
  })
  const { dashboard } = options
  const door = await openDoor({ address, port }, options.material, {
    config,
    flow,
    gate,
    verify: (given) => verifyPage({ homelab: 'homelab', given, dashboard }),
    missing: (client, variables) => notes.note('missing', client, `${client} lacks ${variables.join(', ')}`),
    limits,
    log: silentLog,
  })
  return {
    desk: fake,
    told,
    notes: written,
    held: () => config.held,
    pass: (ms) => void (passed += ms),
    renew: door.renew,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await door[Symbol.asyncDispose]()
    },
  }
}

export interface RawAnswer {
  readonly status: number
  readonly headers: string
  readonly body: string
}

export interface Wire {
  /** The address that it comes from. */
  readonly from: string
  readonly signal?: AbortSignal
}

/** Sends bytes as they are, and reads until the other end hangs up. An answer that is none has status 0. */
export function sendRaw(address: string, bytes: string, { from, signal }: Wire): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, localAddress: from })
    let text = ''
    const end = () => {
      const [headers = '', body = ''] = text.split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0), headers, body })
    }
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (part: string) => {
      text += part
      // Talos has asked for its connection to be closed, and does so itself where nobody else does.
      const length = /content-length: (\d+)/i.exec(text)?.[1]
      const [, body] = text.split('\r\n\r\n')
      if (length !== undefined && body !== undefined && Buffer.byteLength(body) >= Number(length)) socket.end()
    })
    socket.on('close', end)
    socket.on('error', (error) => (text === '' ? reject(error) : end()))
    signal?.addEventListener('abort', () => socket.destroy(), { once: true })
  })
}

/** What Talos sends when it asks for its configuration, to the byte. */
export function configRequest(query: string, { token, host = 'caretaker' }: { token?: string; host?: string } = {}) {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  return `GET /config${query === '' ? '' : `?${query}`} HTTP/1.1\r\nHost: ${host}:${port}\r\nUser-Agent: Go-http-client/1.1\r\n${authorization}Accept-Encoding: gzip\r\nConnection: close\r\n\r\n`
}

/** What its OAuth library posts. */
export function formRequest(path: string, form: string, authorization?: string): string {
  const basic = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`
  return `POST ${path} HTTP/1.1\r\nHost: caretaker:${port}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: ${form.length}\r\n${basic}Content-Type: application/x-www-form-urlencoded\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n${form}`
}
