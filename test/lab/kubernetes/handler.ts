import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Cluster } from './cluster.ts'
import { describeApi, describeVersion } from './discovery.ts'
import { readCommand, serveExec } from './exec.ts'
import type { Lifecycle } from './lifecycle.ts'
import { pods, resources } from './objects.ts'
import type { Permissions } from './permissions.ts'
import { carryOut } from './requests.ts'
import { parseRoute, type Route, type User } from './routes.ts'
import { authenticate, contentTypeOf, negotiate, readBody, sendJson, sendText } from './server.ts'
import type { Starting } from './startup.ts'
import { badRequest, notFound } from './status.ts'
import type { DiaryEntry } from './undertaking.ts'
import { startWatch, type Watch } from './watch.ts'
import { accessReviews } from './workloads.ts'

/** What answers the requests. */
export interface Handler {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The only requests that become WebSockets are commands in pods. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  endWatches(): void
}

export interface HandlerParts {
  readonly cluster: Cluster
  readonly lifecycle: Lifecycle
  readonly starting: Starting
  readonly permissions: Permissions
  readonly diary: DiaryEntry[]
  readonly address: string
  readonly serverVersion: string
  /** Bearer tokens, and whose they are. */
  readonly tokens: Readonly<Record<string, User>>
  /** Fingerprints of certificates that count as ended. */
  readonly expired: ReadonlySet<string>
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly route: Route
  readonly user: User
  readonly query: URLSearchParams
}

export function createHandler(parts: HandlerParts): Handler {
  const { cluster, lifecycle, starting, permissions, diary, address, serverVersion, tokens, expired } = parts
  const { world, faults } = cluster
  const watches = new Set<() => void>()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const user = authenticate(request, tokens, expired)
    const url = new URL(request.url ?? '/', `https://${address}`)
    const path = url.pathname.replace(/(?<=.)\/$/, '')
    if (['/livez', '/readyz', '/healthz'].includes(path)) return sendHealth(response, path)
    faults.turnAway(`${request.method} ${path}`)
    const served = [...resources, ...cluster.custom.resources]
    // Whether one may is asked before whether there is such a thing.
    const route = parseRoute(request.method ?? '', url, served)
    if (starting.forbids(user.groups)) permissions.forbid(user, route ?? path, request.method ?? '')
    if (path === '/version') return sendJson(response, 200, describeVersion(serverVersion))
    const isCustom = cluster.custom.resources.some((each) => path.startsWith(`/apis/${each.group}/`))
    starting.refuse({ isCustom, isList: route?.verb === 'list' })
    const shown = starting.hides() ? resources : served
    const description = describeApi(path, `${address}:${lifecycle.port}`, shown)
    if (description !== undefined) return sendJson(response, 200, description)
    if (route === undefined || (isCustom && starting.hides())) return sendText(response, 404, '404 page not found\n')
    return serve({ request, response, route, user, query: url.searchParams })
  }

  async function serve({ request, response, route, user, query }: Exchange): Promise<void> {
    permissions.authorize(user, route)
    if (route.subresource === 'exec') throw badRequest('Upgrade request required')
    const form = negotiate(request)
    const body = await readBody(request)
    // The watch cache answers these without asking etcd, so an API without quorum still shows what it saw last.
    const fromCache = ['get', 'list'].includes(route.verb) && query.get('resourceVersion') === '0'
    if (!fromCache && route.verb !== 'watch') await lifecycle.quorum()
    // What the client gave up waiting for must not be done after all.
    if (response.destroyed) return
    if (route.resource === accessReviews) return sendJson(response, 201, permissions.review(user, body))
    const reply = carryOut(cluster, diary, { route, query, contentType: contentTypeOf(request), body, user, form })
    if ('watch' in reply) stream(response, reply.watch)
    else sendJson(response, reply.code, reply.body)
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const user = authenticate(request, tokens, expired)
    const url = new URL(request.url ?? '/', `https://${address}`)
    const route = parseRoute(request.method ?? '', url, [...resources, ...cluster.custom.resources])
    if (route?.subresource !== 'exec') throw badRequest('unable to upgrade: this is no stream')
    if (starting.forbids(user.groups)) permissions.forbid(user, route, 'GET')
    permissions.authorize(user, route)
    // From Kubernetes 1.35 on, as if it had been a POST (kubernetes/kubernetes#134577).
    permissions.authorize(user, { ...route, verb: 'create' })
    await lifecycle.quorum()
    const pod = world.store.get(pods, route.namespace, route.name ?? '')
    if (pod === undefined) throw notFound(pods, route.name ?? '')
    const command = readCommand(pod, url.searchParams)
    serveExec(request, socket, head, () => {
      const text = `exec ${command.namespace}/${command.pod} ${command.words.join(' ')}`
      diary.push({ at: Date.now(), text, by: user.name })
      return cluster.cephs.run(command.namespace, command.words)
    })
  }

  function stream(response: ServerResponse, watch: Watch): void {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    response.flushHeaders()
    const stop = startWatch(
      world.store,
      watch,
      (line) => response.write(line),
      () => response.end(),
    )
    const seconds = Number(watch.query.get('timeoutSeconds') ?? 0)
    const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000).unref() : undefined
    const finish = (): void => {
      stop()
      clearTimeout(timer)
      watches.delete(finish)
    }
    watches.add(finish)
    response.once('close', finish)
  }

  function sendHealth(response: ServerResponse, path: string): void {
    const isWell = lifecycle.availability === 'serving' && (path === '/livez' || starting.isReady())
    if (isWell) return sendText(response, 200, 'ok')
    const check = path.slice(1)
    const failed = lifecycle.availability === 'serving' ? 'poststarthook/rbac/bootstrap-roles' : 'etcd'
    sendText(response, 500, `[+]ping ok\n[-]${failed} failed: reason withheld\n${check} check failed\n`)
  }

  return { answer, upgrade, endWatches: () => watches.forEach((finish) => finish()) }
}
