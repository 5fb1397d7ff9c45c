import type { IncomingMessage } from 'node:http'
import type { Scope } from '../../core/access/token.ts'
import { cleanText, longestName, type Requester } from '../../core/requester.ts'
import { parseHost, isLocalName } from './host-name.ts'
import type { Whence } from './origin.ts'
import type { Peer } from './peer.ts'
import { cookieIn, cookieName, type Session, type Sessions } from './sessions.ts'
import { bearerOf, findByHash, findToken, type KnownToken } from './tokens.ts'

/** Whoever asks, as far as it is proven. */
export interface Caller {
  readonly requester: Requester
  readonly scope: Scope
  readonly via: 'token' | 'session' | 'proxy' | 'anonymous'
  /** Where the browser is signed in. */
  readonly session?: Session
  /** Whether it would be let in again: tokens are revoked. */
  isStill(): boolean
}

/** Undefined: it does not say who. `wrong`: it shows a token that is none. */
export type Identified = Caller | 'wrong' | undefined

export interface CallerMeans {
  tokens(): readonly KnownToken[]
  readonly sessions: Sessions
  /** What whoever a trusted proxy names may do, and by which header it does, in lower case. */
  readonly proxy: { readonly header: string; readonly scope: Scope } | undefined
  /** Whether programs on this machine may read without a token. */
  readonly isOpenHere: boolean
  /** In ms since the epoch. */
  now(): number
}

const anonymous: Requester = { name: 'anonymous', verified: false }

/** Who asks: by a token, else a session, else a trusted proxy's word, else by being on this machine. */
export function identify(
  incoming: IncomingMessage,
  { peer, whence }: { readonly peer: Peer; readonly whence: Whence },
  means: CallerMeans,
): Identified {
  const sent = bearerOf(incoming.headers.authorization)
  if (sent !== undefined) return byToken(findToken(means.tokens(), sent, means.now()), means) ?? 'wrong'
  return (
    bySession(incoming, peer, means) ?? byProxy(incoming, peer, means) ?? byPlace(incoming, { peer, whence }, means)
  )
}

function byToken(token: KnownToken | undefined, { tokens, now }: CallerMeans): Caller | undefined {
  return (
    token && {
      ...asToken(token),
      via: 'token',
      isStill: () => findByHash(tokens(), token.hash, now()) !== undefined,
    }
  )
}

function bySession({ headers }: IncomingMessage, { isSecure }: Peer, means: CallerMeans): Caller | undefined {
  const { sessions, tokens } = means
  const cookie = cookieIn(headers.cookie, cookieName(isSecure))
  const session = cookie === undefined ? undefined : sessions.read(cookie, tokens())
  if (!session) return undefined
  return { ...asToken(session.token), via: 'session', session, isStill: () => sessions.isOpen(session, tokens()) }
}

function asToken({ name, scope }: KnownToken): Pick<Caller, 'requester' | 'scope'> {
  return { requester: { name: `token ${name}`, verified: true }, scope }
}

/** The header counts where a trusted proxy has sent it, once. */
function byProxy({ headers, rawHeaders }: IncomingMessage, peer: Peer, { proxy }: CallerMeans): Caller | undefined {
  if (!proxy || !peer.isTrusted) return undefined
  const times = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === proxy.header).length
  const value = headers[proxy.header]
  const name = typeof value === 'string' && times === 1 ? cleanText(decoded(value), longestName) : undefined
  if (name === undefined) return undefined
  return { requester: { name, verified: true }, scope: proxy.scope, via: 'proxy', isStill: () => true }
}

/** Node reads headers as Latin-1; names are sent in UTF-8. */
function decoded(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return value
  }
}

/** Nothing that another page makes a browser on this machine ask, and nothing that is asked by a name others may use. */
function byPlace(
  { headers }: IncomingMessage,
  { peer, whence }: { readonly peer: Peer; readonly whence: Whence },
  { isOpenHere }: CallerMeans,
): Caller | undefined {
  const host = parseHost(headers.host ?? '')
  const isTyped = headers['sec-fetch-site'] === 'none'
  if (!isOpenHere || !peer.isLocal || !host || !isLocalName(host) || (whence === 'foreign' && !isTyped))
    return undefined
  return { requester: anonymous, scope: 'read', via: 'anonymous', isStill: () => true }
}
