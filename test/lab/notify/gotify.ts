import { jsonOf, type LabStandIn, startStandIn } from './stand-in.ts'
import type { WireAnswer, WireRequest } from './wire.ts'

export interface GotifyMessage {
  readonly id: number
  readonly title: string
  readonly message: string
  readonly priority: number
  readonly extras?: Readonly<Record<string, unknown>>
}

/** A Gotify server, as gotify v3 answers (docs/spec.json): it takes an application's token in one of three places. */
export interface LabGotify extends LabStandIn {
  readonly messages: readonly GotifyMessage[]
}

const names: Readonly<Record<number, string>> = { 400: 'Bad Request', 401: 'Unauthorized', 404: 'Not Found' }

export function gotifyRefuses(status: number, errorDescription: string): WireAnswer {
  return { status, body: { error: names[status] ?? 'Error', errorCode: status, errorDescription } }
}

export async function startGotify(options: {
  readonly address: string
  readonly token: string
  /** Of a client: it reads, and can't say whose a message is. */
  readonly clientToken?: string
  /** A path under which a reverse proxy has it. */
  readonly path?: string
}): Promise<LabGotify> {
  const { address, token, clientToken, path = '' } = options
  const messages: GotifyMessage[] = []

  const has = ({ headers, target }: WireRequest, wanted: string | undefined) =>
    wanted !== undefined &&
    [
      headers['x-gotify-key'],
      headers.authorization?.replace(/^Bearer /, ''),
      new URL(target, 'http://gotify').searchParams.get('token'),
    ].includes(wanted)

  const standIn = await startStandIn(address, (request) => {
    const { pathname } = new URL(request.target, 'http://gotify')
    if (!pathname.startsWith(`${path}/`)) return { status: 404, body: '404 page not found' }
    if (request.method !== 'POST' || pathname !== `${path}/message`) return gotifyRefuses(404, 'page not found')
    if (has(request, clientToken))
      return gotifyRefuses(400, 'appid is required when not authenticating with an application token')
    if (!has(request, token))
      return gotifyRefuses(401, 'you need to provide a valid access token or user credentials to access this api')
    const { title = '', message, priority = 0, extras } = (jsonOf(request.body) ?? {}) as Partial<GotifyMessage>
    if (typeof message !== 'string' || message === '') return gotifyRefuses(400, "Field 'message' is required")
    const taken = { id: messages.length + 1, title, message, priority, ...(extras ? { extras } : {}) }
    messages.push(taken)
    return { status: 200, body: { ...taken, appid: 1, date: '2026-11-26T02:00:00Z' } }
  })
  return { ...standIn, messages, [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose]() }
}
