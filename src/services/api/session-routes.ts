import { basePath } from '../../http/base-path.ts'
import type { CallerAnswer } from '../../http/schemas/session.ts'
import { clientKey } from '../../http/addresses.ts'
import { type Entering, foreign, isForeign, tooManySignIns, wrongToken } from './front.ts'
import type { Rates } from './rates.ts'
import { type Refusal, refusalResponse } from './refusal.ts'
import { type Session, type Sessions, setCookie } from './sessions.ts'
import { isForm, pathAmongOurs, refuseForm, seeOther } from './form.ts'
import { findToken, type KnownToken } from './tokens.ts'

export const sessionPath = `${basePath}/session`
/** Where a form signs out: forms know no DELETE. */
const endPath = `${sessionPath}/end`
/** In bytes: a token has at most 512. */
const largestBody = 4_096

export interface SessionRouteMeans {
  readonly sessions: Sessions
  readonly signIns: Rates
  tokens(): readonly KnownToken[]
  /** In ms since the epoch. */
  now(): number
}

/**
 * Signing in and out of browsers: POST takes `{"token": …}` and answers a cookie, GET tells who is signed in, DELETE signs
 * out. A form does the same and goes on to a page of ours. Undefined where a request is about something else.
 */
export function createSessionRoutes(means: SessionRouteMeans) {
  return (entering: Entering): Promise<Response> | undefined => {
    const { method, url } = entering.request
    const { pathname } = new URL(url)
    if (pathname === endPath && method === 'POST') return signOutByForm(entering, means)
    if (pathname !== sessionPath) return undefined
    if (method === 'POST') return isForm(entering.request) ? signInByForm(entering, means) : signIn(entering, means)
    if (method === 'DELETE') return signOut(entering, means)
    return method === 'GET' || method === 'HEAD' ? tellWho(entering) : Promise.resolve(unknownMethod())
  }
}

async function signIn({ request, peer, whence }: Entering, means: SessionRouteMeans): Promise<Response> {
  if (whence === 'foreign') return refusalResponse(foreign)
  const sent = await tokenIn(request)
  if (typeof sent !== 'string') return refusalResponse(sent)
  const begun = begin(sent, peer, means)
  if ('status' in begun) return refusalResponse(begun)
  return Response.json(answerOf(begun.session), { headers: { 'set-cookie': begun.cookie } })
}

/** Any page on the web may send a form: only a browser that says it was one of ours signs in by it. */
async function signInByForm({ request, peer, whence }: Entering, means: SessionRouteMeans): Promise<Response> {
  if (whence !== 'own') return refusalResponse(foreign)
  const text = await readUpTo(request, largestBody)
  if (text === undefined) return refusalResponse(tooLarge)
  const form = new URLSearchParams(text)
  const next = pathAmongOurs(form.get('next'))
  const begun = begin((form.get('token') ?? '').trim(), peer, means)
  return 'status' in begun ? refuseForm(begun, next) : seeOther(next, { 'set-cookie': begun.cookie })
}

/** After the body, and with nothing waited for in between: many at once are counted like one after the other. */
function begin(sent: string, { client: address, isSecure }: Entering['peer'], means: SessionRouteMeans) {
  const client = clientKey(address)
  const blocked = means.signIns.wait(client)
  if (blocked > 0) return tooManySignIns(blocked)
  const token = findToken(means.tokens(), sent, means.now())
  if (!token) {
    means.signIns.count(client)
    return wrongToken
  }
  const session = means.sessions.begin(token)
  return { session, cookie: setCookie(means.sessions.write(session), isSecure) }
}

async function signOut({ peer, whence, caller }: Entering, { sessions }: SessionRouteMeans): Promise<Response> {
  if (caller?.session) {
    if (isForeign(caller, whence)) return refusalResponse(foreign)
    sessions.end(caller.session)
  }
  return new Response(null, { status: 204, headers: { 'set-cookie': setCookie(undefined, peer.isSecure) } })
}

async function signOutByForm(entering: Entering, means: SessionRouteMeans): Promise<Response> {
  if (entering.whence !== 'own') return refusalResponse(foreign)
  const { headers } = await signOut(entering, means)
  return seeOther('/', { 'set-cookie': headers.get('set-cookie') ?? '' })
}

async function tellWho({ caller }: Entering): Promise<Response> {
  if (!caller) return refusalResponse({ status: 401, code: 'unauthenticated', detail: 'nobody is signed in' })
  const { requester, scope, via, session } = caller
  const answer: CallerAnswer = { name: requester.name, scope, via, ...(session ? endOf(session) : {}) }
  return Response.json(answer)
}

function answerOf(session: Session): CallerAnswer {
  const { name, scope } = session.token
  return { name: `token ${name}`, scope, via: 'session', ...endOf(session) }
}

const endOf = ({ expiresAt }: Session) => ({ expiresAt: new Date(expiresAt).toISOString() })

/** The token of a body. Only as JSON: forms of other sites can't send that without asking first. */
async function tokenIn(request: Request): Promise<string | Refusal> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') return wrongBody('the body has to be JSON: {"token": "…"}')
  const text = await readUpTo(request, largestBody)
  if (text === undefined) return tooLarge
  const body = parse(text)
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return wrongBody('the body is no JSON object')
  const { token, ...others } = body as Record<string, unknown>
  if (typeof token !== 'string' || Object.keys(others).length > 0)
    return wrongBody('the body has to hold a token as a text, and nothing else')
  return token
}

/** Undefined where it is larger. One that ends too early is whole: then it is no JSON. */
async function readUpTo(request: Request, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.length
      if (size > most) return undefined
      chunks.push(chunk)
    }
  } catch {
    // The client is gone; nobody reads what is answered.
    return ''
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const wrongBody = (detail: string): Refusal => ({ status: 400, code: 'misconfigured', detail })
const tooLarge: Refusal = { ...wrongBody('the request is larger than 4 KiB'), status: 413 }

function unknownMethod(): Response {
  const response = refusalResponse({ status: 405, code: 'not-found', detail: 'sign in by POST, and out by DELETE' })
  response.headers.set('allow', 'GET, HEAD, POST, DELETE')
  return response
}
