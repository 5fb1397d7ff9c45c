import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { messageOf } from '../../core/errors.ts'

export interface Answer {
  readonly status: number
  readonly location: string | undefined
  /** Empty where it was not asked for. */
  readonly text: string
}

/** Why nothing came, in words: a check that can't reach what it asks has not passed, and is no error. */
export interface NoAnswer {
  readonly why: string
}

/** In bytes. The largest result of a query that decides something is some kilobytes. */
const largestAnswer = 4 * 1_048_576

/**
 * One GET, never redirected, on a connection of its own. Never rejects. The address is told by its host only: its path may
 * be a secret.
 */
export async function ask(url: URL, wants: 'status' | 'text', signal: AbortSignal): Promise<Answer | NoAnswer> {
  try {
    signal.throwIfAborted()
    const response = await send(url, signal)
    const { statusCode: status = 0, headers } = response
    if (wants === 'text') return { status, location: headers.location, text: await read(response, signal) }
    // Later errors on this connection don't matter.
    response.on('error', () => undefined).destroy()
    return { status, location: headers.location, text: '' }
  } catch (error) {
    return { why: signal.aborted ? `${url.host} did not answer in time` : `${url.host}: ${explain(error)}` }
  }
}

function send(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'https:' ? httpsRequest : httpRequest
    const headers = { 'user-agent': 'caretaker', accept: '*/*' }
    begin(url, { headers, signal, agent: false }).on('response', resolve).on('error', reject).end()
  })
}

async function read(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    size += chunk.length
    if (size > largestAnswer) throw new Error(`the answer is larger than ${largestAnswer / 1_048_576} MiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function explain(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the name does not resolve'
  return messageOf(error)
}
