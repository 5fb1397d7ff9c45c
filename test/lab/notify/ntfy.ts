import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startHttp } from '../http.ts'
import { createNtfyLimits, type NtfyRules } from './ntfy-limits.ts'
import { parsePublish, type NtfyMessage } from './ntfy-publish.ts'
import { NtfyRefusal, ntfyRefuses } from './ntfy-refusals.ts'
import {
  answerThrough,
  noWireFaults,
  readRequest,
  writeAnswer,
  type WireAnswer,
  type WireFaults,
  type WireRequest,
} from './wire.ts'

export interface LabNtfyOptions extends NtfyRules {
  readonly address?: string
  /** Sequences came with 2.16; a server before that knows none and says nothing of it. 2.28 limits titles. Default 2.28. */
  readonly version?: '2.13' | '2.16' | '2.28'
  /** Whether it keeps attachments: messages that are too long become one. */
  readonly attachments?: boolean
  readonly keepaliveMs?: number
  readonly now?: () => Date
}

export interface NtfyFaults extends WireFaults {
  /** Readers are cut, and get a proxy's 502, as while the server restarts; what is published is taken. */
  readersAway: boolean
  /** The id that is asked for is known no more, so everything is told again (server/message_cache.go messagesSinceID). */
  forgetsIds: boolean
}

/** An ntfy server, as binwiederhier/ntfy 2.13 answers (server/server.go), or later ones with their sequences. */
export interface LabNtfy extends AsyncDisposable {
  readonly url: string
  /** Everything that was published, in its order. */
  readonly messages: readonly NtfyMessage[]
  readonly requests: readonly WireRequest[]
  readonly faults: NtfyFaults
  /** How many read this topic as it comes. */
  readers(topic: string): number
  /** What a phone that reads the topic shows: a later message of a sequence takes the place of the earlier. */
  shown(topic: string): NtfyMessage[]
  /** What the app does when a button is pressed; the notification goes if the request succeeds. Answers with its status. */
  press(message: NtfyMessage, label: string): Promise<number>
  /** Tells all who read a line of its own. */
  say(line: string): void
  /** Cuts the connections of all who read. */
  cutReaders(): void
}

interface Reader {
  readonly topic: string
  readonly response: ServerResponse
}

export async function startNtfy(options: LabNtfyOptions = {}): Promise<LabNtfy> {
  const { address, version = '2.28', keepaliveMs = 45_000, now = () => new Date() } = options
  const messages: NtfyMessage[] = []
  const requests: WireRequest[] = []
  const readers = new Set<Reader>()
  const gone = new Set<NtfyMessage>()
  const faults = { ...noWireFaults(), readersAway: false, forgetsIds: false }
  const limits = createNtfyLimits(options, now)
  const seconds = () => Math.floor(now().getTime() / 1_000)

  const publish = (request: WireRequest): WireAnswer => {
    limits.request()
    const wanted = parsePublish(request, {
      attachments: options.attachments ?? false,
      sequences: version !== '2.13',
      isNewest: version === '2.28',
    })
    limits.allow(request, wanted.topic, 'write')
    limits.message()
    const time = seconds()
    const message: NtfyMessage = { id: idOf(), time, expires: time + 43_200, event: 'message', ...wanted }
    messages.push(message)
    for (const { topic, response } of readers) if (topic === message.topic) write(response, message)
    return { status: 200, body: message }
  }
  const subscribe = (request: WireRequest, topic: string, response: ServerResponse) => {
    limits.request()
    limits.allow(request, topic, 'read')
    const since = new URL(request.target, 'http://ntfy').searchParams.get('since') ?? 'none'
    const old = oldMessages(
      messages.filter((message) => message.topic === topic),
      faults.forgetsIds ? 'all' : since,
      seconds(),
    )
    const reader = { topic, response }
    const event = (name: string) => ({ id: idOf(), time: seconds(), event: name, topic })
    const keepalive = setInterval(() => write(response, event('keepalive')), keepaliveMs)
    readers.add(reader)
    response.on('close', () => {
      clearInterval(keepalive)
      readers.delete(reader)
    })
    response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' })
    write(response, event('open'))
    for (const message of old) write(response, message)
  }
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    const request = await readRequest(incoming)
    requests.push(request)
    const topic = /^\/([-_A-Za-z0-9]{1,64})\/json(?:\?|$)/.exec(request.target)?.[1]
    if (topic !== undefined && faults.readersAway) return writeAnswer(response, { status: 502, body: 'Bad Gateway' })
    if (request.method === 'GET' && topic !== undefined && faults.next.length === 0 && !faults.hangs) {
      const refused = refusing(() => subscribe(request, topic, response))
      if (refused) await answerThrough(faults, response, () => refused, request.target)
      return
    }
    await answerThrough(
      faults,
      response,
      () => {
        let published: WireAnswer | undefined
        const isPublish = ['POST', 'PUT'].includes(request.method)
        const refused = refusing(() => {
          if (!isPublish) throw new NtfyRefusal(40401)
          published = publish(request)
        })
        return refused ?? published!
      },
      request.target,
    )
  }

  const server = await startHttp((incoming, response) => void answer(incoming, response), address)
  const shown = (topic: string) => {
    const own = messages.filter((message) => message.topic === topic && !gone.has(message))
    return own.filter(
      ({ id, sequence_id }, index) =>
        !own.slice(index + 1).some((later) => later.sequence_id === (sequence_id ?? id) && sequence_id !== undefined),
    )
  }
  return {
    url: `http://${server.host}`,
    messages,
    requests,
    faults,
    readers: (topic) => [...readers].filter((reader) => reader.topic === topic).length,
    shown,
    press: async (message, label) => {
      const action = message.actions?.find((one) => one.label === label)
      if (!action) throw new Error(`there is no button ${label}`)
      const { url, method = 'POST', headers = {}, body } = action
      const { status } = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
      if (action.clear === true && status >= 200 && status <= 299) gone.add(message)
      return status
    },
    say: (line) => {
      for (const { response } of readers) response.write(`${line}\n`)
    },
    cutReaders: () => {
      for (const { response } of readers) response.destroy()
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function write(response: ServerResponse, value: unknown): void {
  response.write(`${JSON.stringify(value)}\n`)
}

function refusing(doIt: () => void): WireAnswer | undefined {
  try {
    doIt()
    return undefined
  } catch (error) {
    if (error instanceof NtfyRefusal) return ntfyRefuses(error.code)
    throw error
  }
}

/** What `since` asks for; an id that is unknown means all. */
function oldMessages(messages: readonly NtfyMessage[], since: string, now: number): readonly NtfyMessage[] {
  if (since === 'none') return []
  if (since === 'all') return messages
  if (/^[A-Za-z0-9]{12}$/.test(since)) return messages.slice(messages.findIndex(({ id }) => id === since) + 1)
  const from = /^\d+$/.test(since) ? Number(since) : now - durationOf(since)
  return messages.filter(({ time }) => time >= from)
}

function durationOf(text: string): number {
  const [, amount, unit] = /^(\d+)([smh])$/.exec(text) ?? []
  if (amount === undefined) throw new NtfyRefusal(40008)
  return Number(amount) * { s: 1, m: 60, h: 3_600 }[unit as 's' | 'm' | 'h']
}

function idOf(): string {
  return randomBytes(24)
    .toString('base64')
    .replaceAll(/[^A-Za-z0-9]/g, 'x')
    .slice(0, 12)
}
