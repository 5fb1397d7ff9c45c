import { readFile, stat } from 'node:fs/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { Place } from './text.ts'

/** Parses a text. @throws AgentError */
export type Accept<T> = (text: string, place: Place, now: Date) => T

export interface Source<T> {
  /** @throws AgentError */
  read(now: Date, signal: AbortSignal): Promise<T>
}

/** In bytes; ten thousand events are some 3 MB. */
const largest = 4 * 1_048_576
/** How often a server is asked, in ms. */
const askedEvery = 15 * 60_000
/** The same after a failure, where there is no copy of its calendar. */
const askedAgainAfter = 60_000
/** How long a copy is used while the server is down. */
const copyLasts = 24 * 3_600_000
const answersWithin = 15_000

export function isAddress(source: string): boolean {
  return /^(https?|webcal):\/\//i.test(source)
}

/** A file, read again whenever it has changed. */
export function fileSource<T>(path: string, accept: Accept<T>): Source<T> {
  let last: { readonly state: string; readonly outcome: { readonly value: T } | AgentError } | undefined
  const place: Place = (line) => (line === undefined ? path : `${path}:${line}`)

  async function read(now: Date): Promise<T> {
    const info = await stat(path).catch(cantRead)
    if (!info.isFile()) throw new AgentError('misconfigured', `the calendar ${path} is not a file`)
    if (info.size > largest) throw new AgentError('malformed', `${path}: it is larger than ${largest / 1_048_576} MiB`)
    const state = [info.ino, info.size, info.mtimeMs, info.ctimeMs].join(' ')
    if (last?.state !== state) {
      const text = await readFile(path, 'utf8').catch(cantRead)
      // An invalid file is not read again until it changes.
      last = { state, outcome: attempt(() => accept(text, place, now)) }
    }
    if (last.outcome instanceof AgentError) throw last.outcome
    return last.outcome.value
  }

  function cantRead(error: unknown): never {
    throw new AgentError('misconfigured', `the calendar ${path} can't be read: ${messageOf(error)}`, error)
  }

  let reading: Promise<T> | undefined
  /** One reading at a time: on a share that hangs each would keep one of Node's few threads. */
  const readOnce = (now: Date) => (reading ??= read(now).finally(() => (reading = undefined)))

  return { read: (now, signal) => orCalledOff(readOnce(now), path, signal) }
}

function attempt<T>(action: () => T): { readonly value: T } | AgentError {
  try {
    return { value: action() }
  } catch (error) {
    if (error instanceof AgentError) return error
    throw error
  }
}

/**
 * A calendar on a server. Errors name only the host: many calendars are shared by a secret URL.
 */
export function urlSource<T>(source: string, accept: Accept<T>): Source<T> {
  const address = source.replace(/^webcal:/i, 'https:')
  if (!URL.canParse(address)) throw new AgentError('misconfigured', "the calendar's address is not a valid URL")
  const url = new URL(address)
  const name = `the calendar at ${url.host}`
  const place: Place = (line) => (line === undefined ? name : `${name}, line ${line}`)
  let copy: { readonly value: T; readonly etag: string | null; readonly goodAt: number } | undefined
  let asked: { readonly at: number; readonly failed: AgentError | undefined } | undefined

  async function read(now: Date, signal: AbortSignal): Promise<T> {
    const known = copy && isRecent(copy.goodAt, copyLasts, now) ? copy : undefined
    if (asked && isRecent(asked.at, known ? askedEvery : askedAgainAfter, now)) {
      if (known) return known.value
      if (asked.failed) throw asked.failed
    }
    try {
      copy = await ask(now, signal)
      asked = { at: now.getTime(), failed: undefined }
      return copy.value
    } catch (error) {
      const failed =
        error instanceof AgentError ? error : new AgentError('malformed', `${name}: ${messageOf(error)}`, error)
      // A cancelled request says nothing about the server.
      if (!signal.aborted) asked = { at: now.getTime(), failed }
      if (known) return known.value
      throw failed
    }
  }

  async function ask(now: Date, signal: AbortSignal) {
    const response = await fetchText(url, copy?.etag, AbortSignal.any([signal, AbortSignal.timeout(answersWithin)]))
    if (response.status === 304 && copy) return { ...copy, goodAt: now.getTime() }
    const { status, text, etag } = response
    if (status === 200) return { value: accept(text, place, now), etag, goodAt: now.getTime() }
    const passes = status === 429 || status >= 500
    throw new AgentError(passes ? 'unreachable' : 'rejected', `${name}: HTTP ${status}`)
  }

  async function fetchText(url: URL, etag: string | null | undefined, signal: AbortSignal) {
    try {
      const headers = { 'user-agent': 'caretaker', accept: 'text/calendar, */*;q=0.1' }
      const response = await fetch(url, { headers: etag ? { ...headers, 'if-none-match': etag } : headers, signal })
      const { status } = response
      if (status !== 200) {
        await response.body?.cancel()
        return { status, text: '', etag: null }
      }
      return { status, text: await textOf(response), etag: response.headers.get('etag') }
    } catch (error) {
      if (error instanceof AgentError) throw error
      const why = signal.aborted ? 'it did not answer in time' : explain(error)
      throw new AgentError('unreachable', `${name}: ${why}`, error)
    }
  }

  async function textOf({ body }: Response): Promise<string> {
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of body ?? []) {
      size += chunk.length
      if (size > largest) throw new AgentError('malformed', `${name}: it is larger than ${largest / 1_048_576} MiB`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  return { read }
}

/** A clock that was set back makes nothing recent. */
function isRecent(at: number, within: number, now: Date): boolean {
  const age = now.getTime() - at
  return age >= 0 && age < within
}

/** The cause of fetch's error has the reason. */
function explain(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause ?? error
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name does not resolve'
  return messageOf(cause)
}

/** A file on a network's disk can hang. */
function orCalledOff<T>(answer: Promise<T>, path: string, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new AgentError('unreachable', `the calendar ${path} could not be read in time`))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
