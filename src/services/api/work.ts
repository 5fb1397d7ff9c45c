import type { Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { networkInterfaces } from 'node:os'
import { isOfKind } from '../../core/alert.ts'
import { tokenKind } from '../../core/access/token.ts'
import { endedSessionKind } from '../../core/access/session.ts'
import { AgentError } from '../../core/errors.ts'
import { methodLabel } from '../../core/metrics/meter.ts'
import type { Logger } from '../../core/log.ts'
import type { RunningService } from '../../core/service.ts'
import { createApi } from '../../http/api.ts'
import { limitConnections } from '../../http/connection-limit.ts'
import { connectionsWithin } from '../../http/open-files.ts'
import { closeServer, createHttpServer, type Wire } from '../../http/serve.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { openActionPages } from './act.ts'
import { createNetworks } from '../../http/addresses.ts'
import type { CallerMeans } from './caller.ts'
import { lifeOf, type Material } from '../../http/certificate.ts'
import { openMaterial } from '../../http/certificate-files.ts'
import { apiFiles, certificateAlerts, followCertificate } from './certificate.ts'
import { describeListenFault } from './check.ts'
import { countedClient } from './connections.ts'
import { createFront, frontAccess } from './front.ts'
import { whyRefused } from './guard.ts'
import { answerGarbage, setHeaders } from './headers.ts'
import { createHostCheck } from './host-name.ts'
import { type ApiLimits, apiLimits } from './limits.ts'
import { peerOf } from './peer.ts'
import { createRates, type Rates } from './rates.ts'
import { refuse, refusalResponse } from './refusal.ts'
import type { ApiSection } from './section.ts'
import { createSessionRoutes } from './session-routes.ts'
import { createSessions } from './sessions.ts'
import { openTokenFiles } from './token-files.ts'
import { isCurrent, knownFrom, type KnownToken } from './tokens.ts'
import { createWatch } from './watch.ts'

export interface ApiMeans {
  readonly limits?: Partial<ApiLimits>
  /** Between two looks at files, in ms. */
  readonly looksEvery?: number
}

type Context = ServiceContext<ApiSection | undefined>

/**
 * Serves the API on a port until it is disposed of.
 *
 * @throws AgentError `misconfigured` where it can't listen, or has no certificate to serve with
 */
export async function startApi(context: Context, means: ApiMeans = {}): Promise<RunningService> {
  const { section } = context
  settleOld(context)
  if (section === undefined)
    return { status: () => 'off: set `api` to serve it', [Symbol.asyncDispose]: async () => {} }
  await using stack = new AsyncDisposableStack()
  const stop = new AbortController()
  const signal = AbortSignal.any([context.signal, stop.signal])
  const { looksEvery } = means
  const material = section.tls && (await openMaterial(apiFiles(section.tls), context.files))
  const files = await openTokenFiles(section.tokens, context, looksEvery)
  const records = context.ports.journal.records(tokenKind)
  const tokens = () => [...records.open().map(knownFrom), ...files.all]
  const { server, sweep } = await createDoor({ context, section, tokens, material }, means)
  stack.use(sweep)
  await listen(server, section)
  stack.defer(() => closeServer(server))
  const following = [files.follow(signal)]
  noteEnd(context, material)
  if (section.tls && material)
    following.push(
      followCertificate(
        context,
        {
          tls: section.tls,
          first: material,
          use: (fresh) => {
            ;(server as SecureServer).setSecureContext({ ...fresh, minVersion: 'TLSv1.2' })
            noteEnd(context, fresh)
          },
          ...(looksEvery === undefined ? {} : { every: looksEvery }),
        },
        signal,
      ),
    )
  stack.defer(async () => {
    stop.abort()
    await Promise.all(following)
  })
  const parts = stack.move()
  const place = placeOf(server, section)
  return {
    status: () => `${place}, ${countOf(tokens(), context.now().getTime())}`,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Settles what nobody reports any more, because it is no longer configured. */
function settleOld({ section, alerts }: Context): void {
  if (!section) alerts.settleWhere(({ id }) => isOfKind(id, 'api'))
  if (!section?.tls) for (const id of certificateAlerts) alerts.settle(id)
}

interface DoorMeans {
  readonly context: Context
  readonly section: ApiSection
  readonly material: Material | undefined
  tokens(): readonly KnownToken[]
}

/** The server with everything that a request passes, from the outside to the API. */
async function createDoor({ context, section, tokens, material }: DoorMeans, { limits: given }: ApiMeans) {
  const all = { ...apiLimits, ...given }
  const limits = { ...all, connections: connectionsWithin(all.connections, 1 / 2) }
  const { log, operator, monotonic } = context
  const now = () => context.now().getTime()
  const { url, proxy } = section
  const isProxy = createNetworks(proxy?.from ?? [])
  const peer = ({ incoming }: Wire) => peerOf(incoming, isProxy)
  const ended = context.ports.journal.records(endedSessionKind)
  const sessions = createSessions({ key: await context.key('sessions'), ended, now })
  const requests = createRates(limits.requests, monotonic)
  const signIns = loggedRates(createRates(limits.signIns, monotonic), log)
  const callers: CallerMeans = {
    tokens,
    sessions,
    proxy: proxy && { header: proxy.header.toLowerCase(), scope: proxy.scope },
    isOpenHere: section.anonymous === 'loopback',
    now,
  }
  const api = createApi(operator, { limits, access: frontAccess, log })
  const sweep = createWatch(limits, monotonic)
  const front = createFront({
    callers,
    peerOf: peer,
    signIns,
    url,
    session: createSessionRoutes({ sessions, signIns, tokens, now }),
    api: (request, wire) => api.fetch(request, wire),
    web: context.web,
    // What is served beside the API, each by its own rules for who may come in.
    mounts: [await openActionPages(context)],
    watch: sweep.add,
  })
  const isOurs = createHostCheck(section, ownAddresses(monotonic))
  const server = createHttpServer(front, {
    limits,
    ...(material ? { tls: material } : {}),
    refuse: (wire) => {
      countAnswer(wire, context)
      const from = peer(wire)
      setHeaders(wire.outgoing, { isEncrypted: material !== undefined, isSecure: from.isSecure })
      const refusal = whyRefused(wire.incoming, from, { isOurs, requests })
      if (refusal) refuse(wire, refusal)
      return refusal !== undefined
    },
    failed: (error) => {
      const isGarbage = error instanceof Error && error.name === 'RequestError'
      if (isGarbage) return refusalResponse({ status: 400, code: 'misconfigured', detail: "the request can't be read" })
      log.error({ err: error }, 'a request to the API failed')
      return refusalResponse({
        status: 500,
        code: 'internal',
        detail: "internal error; please report it with the daemon's log",
      })
    },
  })
  limitConnections(server, { most: limits.perAddress, clientOf: (socket) => countedClient(socket, isProxy) })
  answerGarbage(server)
  return { server, sweep }
}

/** Counts a request when its answer has ended, however it did. */
function countAnswer({ incoming, outgoing }: Wire, { meter }: Context): void {
  outgoing.once('close', () => {
    if (!outgoing.headersSent) return
    const labels = { method: methodLabel(incoming.method), code: String(outgoing.statusCode) }
    meter.count('caretaker_api_requests_total', labels)
  })
}

/** Shows until when the certificate lasts; without TLS there is none. */
function noteEnd({ meter }: Context, material: Material | undefined): void {
  const ends = material && lifeOf(material).to / 1_000
  meter.set('caretaker_credentials_expiry_timestamp_seconds', { credentials: 'api' }, ends)
}

/** Wrong tokens are in the log, by the client's address: no more of them than are looked at. */
function loggedRates({ wait, count }: Rates, log: Logger): Rates {
  return {
    wait,
    count: (client) => {
      count(client)
      log.warn({ client }, 'a wrong token was shown')
    },
  }
}

/** In ms: addresses come and go with leases and networks. */
const addressesLast = 5_000

/** The addresses of this machine as they are, looked at once in a while. */
function ownAddresses(monotonic: () => number): () => readonly string[] {
  let seen: { readonly at: number; readonly all: readonly string[] } | undefined
  return () => {
    if (!seen || monotonic() - seen.at > addressesLast) {
      const all = Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address))
      seen = { at: monotonic(), all }
    }
    return seen.all
  }
}

/** @throws AgentError `misconfigured` */
async function listen(server: Server, section: ApiSection): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve)
    server.listen({ host: section.address, port: section.port }, () => resolve(undefined))
  })
  if (!error) return
  const { setting, why } = await describeListenFault(error, section)
  throw new AgentError('misconfigured', `${setting}: ${why}`, error)
}

/** How it is reached, as far as that is known. */
function placeOf(server: Server, { url, address, tls }: ApiSection): string {
  if (url !== undefined) return url
  const bound = server.address()
  const port = typeof bound === 'object' && bound ? bound.port : 0
  return `${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

function countOf(tokens: readonly KnownToken[], now: number): string {
  const count = tokens.filter((token) => isCurrent(token, now)).length
  return count === 0 ? 'no tokens' : count === 1 ? '1 token' : `${count} tokens`
}
