import { isEnough } from '../../core/access/token.ts'
import { AgentError } from '../../core/errors.ts'
import type { Presser } from '../../core/notify/presser.ts'
import type { Access } from '../../http/access.ts'
import type { Wire } from '../../http/serve.ts'
import type { WebDoor, WebPart } from '../../operations/web.ts'
import { clientKey } from '../../http/addresses.ts'
import { type Caller, type CallerMeans, identify } from './caller.ts'
import { type Whence, whenceOf } from './origin.ts'
import type { Peer } from './peer.ts'
import type { Rates } from './rates.ts'
import { type Refusal, refusalResponse } from './refusal.ts'
import { shownTo } from './refused-page.ts'
import { isWorn, setCookie } from './sessions.ts'
import { bearerOf } from './tokens.ts'

/** Below it nobody but the API answers. */
const apiPath = '/api/'

/** What answers below a path. */
export interface Mount {
  /** Ends with `/`. */
  readonly path: string
  /** @param visitor what is known of who asks, which lets nobody in */
  answer(request: Request, wire: Wire, visitor: Presser): Response | Promise<Response>
}

/** A request whose sender is known as far as it can be. */
export interface Entering {
  readonly request: Request
  readonly wire: Wire
  readonly peer: Peer
  readonly whence: Whence
  readonly caller: Caller | undefined
}

export interface FrontMeans {
  readonly callers: CallerMeans
  peerOf(wire: Wire): Peer
  /** How often a wrong token may be shown. */
  readonly signIns: Rates
  /** How we are reached. */
  readonly url: string | undefined
  /** Signing in and out, by its method; undefined where it is not about that. */
  session(entering: Entering): Promise<Response> | undefined
  /** Whoever comes in here. */
  api(request: Request, wire: Wire & { readonly caller: Caller }): Response | Promise<Response>
  /** What other services serve here. */
  readonly web: Pick<WebDoor, 'at'>
  /** What lets people in by itself, such as pages behind signed links. */
  readonly mounts: readonly Mount[]
  /** Called with each answer that somebody gets who may lose the right to it while it lasts. */
  watch(wire: Wire, caller: Caller): void
}

/** The front door: finds out who asks, and lets in who may. */
export function createFront(means: FrontMeans) {
  const { mounts, callers, signIns, url } = means

  async function enter(request: Request, wire: Wire): Promise<Response> {
    const peer = means.peerOf(wire)
    const { headers } = wire.incoming
    const whence = whenceOf(headers, { host: headers.host ?? '', isSecure: peer.isSecure, url })
    const client = clientKey(peer.client)
    const blocked = bearerOf(headers.authorization) === undefined ? 0 : signIns.wait(client)
    if (blocked > 0) return refusalResponse(tooManySignIns(blocked))
    const found = identify(wire.incoming, { peer, whence }, callers)
    if (found === 'wrong') {
      signIns.count(client)
      return refusalResponse(wrongToken)
    }
    const entering = { request, wire, peer, whence, caller: found }
    const { pathname } = new URL(request.url)
    const part = pathname.startsWith(apiPath) ? undefined : means.web.at(pathname)
    const answer = means.session(entering) ?? (part ? visit(part, entering) : letIn(entering))
    return renewed(await answer, entering)
  }

  /** Strangers may read where the part shows them something of its own. */
  async function visit(part: WebPart, { request, wire, whence, caller }: Entering): Promise<Response> {
    const mayLook = isReading(request.method) && (caller !== undefined || part.access === 'open')
    const refusal = mayLook ? undefined : (whyNot(request.method, whence, caller) ?? (caller ? undefined : nobody))
    if (refusal) return refusalResponse(refusal)
    if (caller) means.watch(wire, caller)
    return part.answer({ request, caller })
  }

  async function letIn({ request, wire, whence, caller }: Entering): Promise<Response> {
    const refusal = whyNot(request.method, whence, caller)
    if (refusal || !caller) return refusalResponse(refusal ?? nobody)
    means.watch(wire, caller)
    return means.api(request, { ...wire, caller })
  }

  /** A session that is used goes on. */
  function renewed(response: Response, { peer, caller }: Entering): Response {
    const { session } = caller ?? {}
    if (!session || !isWorn(session, callers.now()) || response.headers.has('set-cookie')) return response
    const { sessions } = callers
    response.headers.append('set-cookie', setCookie(sessions.write(sessions.renew(session)), peer.isSecure))
    return response
  }

  /** By name where a browser is signed in here or at a trusted proxy, and a page of ours has made it ask. */
  function visitorOf(wire: Wire): Presser {
    const { headers } = wire.incoming
    const peer = means.peerOf(wire)
    const whence = whenceOf(headers, { host: headers.host ?? '', isSecure: peer.isSecure, url })
    const found =
      bearerOf(headers.authorization) === undefined ? identify(wire.incoming, { peer, whence }, callers) : undefined
    const isNamed = found !== undefined && found !== 'wrong' && found.requester.verified && !isForeign(found, whence)
    return { who: isNamed ? found.requester.name : undefined, from: peer.client }
  }

  return (request: Request, wire: Wire): Response | Promise<Response> => {
    const { pathname } = new URL(request.url)
    const mount = mounts.find(({ path }) => pathname.startsWith(path))
    if (mount) return mount.answer(request, wire, visitorOf(wire))
    return enter(request, wire).then((response) => shownTo(wire.incoming, response))
  }
}

/** Whether it only reads (RFC 9110 9.2.1). */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Why somebody may not even come near a route; what that needs besides is its own word. */
function whyNot(method: string, whence: Whence, caller: Caller | undefined): Refusal | undefined {
  if (!caller) return nobody
  if (isReading(method)) return undefined
  if (caller.via === 'anonymous') return nobody
  if (isForeign(caller, whence)) return foreign
  return isEnough(caller.scope, 'operate') ? undefined : tooLittle(caller, 'operate')
}

/**
 * Whether a page of somebody else may be behind a request. Browsers add cookies and a proxy's sign-in by themselves, and a
 * token never. A program that a proxy has let in is no browser where it tells nothing of a page: those tell their Origin
 * with everything that changes something.
 */
export function isForeign({ via }: Pick<Caller, 'via'>, whence: Whence): boolean {
  if (via === 'token') return false
  return whence === 'foreign' || (via === 'session' && whence === 'untold')
}

const nobody: Refusal = {
  status: 401,
  code: 'unauthenticated',
  detail: 'a token is needed: `caretaker token create NAME --scope operate` makes one',
}
export const wrongToken: Refusal = {
  status: 401,
  code: 'unauthenticated',
  detail: 'the token is wrong, revoked or expired',
}
export const foreign: Refusal = {
  status: 403,
  code: 'forbidden',
  detail: 'a page of another site asked for this, or nothing tells which page did',
}

export function tooManySignIns(retryAfter: number): Refusal {
  return { status: 429, code: 'not-now', detail: 'too many wrong tokens from this address', retryAfter }
}

function tooLittle({ requester, scope }: Caller, needed: string): Refusal {
  return { status: 403, code: 'forbidden', detail: tooLittleText(requester.name, scope, needed) }
}

function tooLittleText(name: string, scope: string, needed: string): string {
  return `${name} has the scope ${scope}, and this needs ${needed}`
}

/** Lets whoever came in by the front door do what a route needs. */
export const frontAccess: Access = {
  admit: (c, needed) => {
    const { caller } = c.env as { readonly caller?: Caller }
    // Asked again now and then where an answer lasts.
    if (!caller?.isStill()) throw new AgentError('unauthenticated', nobody.detail)
    if (!isEnough(caller.scope, needed))
      throw new AgentError('forbidden', tooLittleText(caller.requester.name, caller.scope, needed))
    return caller.requester
  },
}
