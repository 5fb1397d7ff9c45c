import { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { stringify } from 'yaml'
import type { Identity, LabAuthority } from '../authority.ts'
import { createCluster, type Cluster } from './cluster.ts'
import { describeApi, describeVersion } from './discovery.ts'
import { readCommand, serveExec } from './exec.ts'
import { pods, resources } from './objects.ts'
import { createPermissions, type Permissions } from './permissions.ts'
import { carryOut } from './requests.ts'
import type { DiaryEntry } from './undertaking.ts'
import { parseRoute, type Route, type User } from './routes.ts'
import {
  authenticate,
  contentTypeOf,
  listen,
  negotiate,
  readBody,
  sendJson,
  sendText,
  type Listener,
} from './server.ts'
import { badRequest, notFound, refuse } from './status.ts'
import { startWatch, type Watch } from './watch.ts'
import { accessReviews } from './workloads.ts'
import type { Faults } from './faults.ts'
import { createStarting, type StartUp } from './startup.ts'
import type { Pace } from './world.ts'

export interface KubernetesApiOptions {
  /** The IP address it listens on; also its certificate's. */
  readonly address: string
  /** 6443 unless said. */
  readonly port?: number
  readonly authority: LabAuthority
  /** 'v1.36.3' unless said. */
  readonly serverVersion?: string
  /** All in milliseconds. */
  readonly pace?: Partial<Pace>
  /** Groups whose members may only read. */
  readonly denyWrites?: readonly string[]
  /** Bearer tokens, and whose they are. */
  readonly tokens?: Readonly<Record<string, User>>
  /** How each of its starts goes; see `startUp`. */
  readonly startUp?: StartUp
}

/**
 * 'no-quorum': etcd has lost its majority, so requests hang and then fail; 'down': nothing listens and open connections
 * are cut.
 */
export type Availability = 'serving' | 'no-quorum' | 'down'

type Lab = Pick<
  Cluster,
  | 'addNode'
  | 'setNodeReady'
  | 'setNodeInfo'
  | 'runControlPlane'
  | 'componentsOf'
  | 'addNamespace'
  | 'addPod'
  | 'addDeployment'
  | 'addStatefulSet'
  | 'addCronJob'
  | 'addCeph'
  | 'addPodDisruptionBudget'
  | 'removePodDisruptionBudget'
  | 'holdVolume'
  | 'defineCustom'
  | 'putCustom'
  | 'removeCustom'
  | 'rollOut'
  | 'rollBack'
  | 'replicaSets'
  | 'node'
  | 'workload'
  | 'pods'
>

export interface KubeconfigOptions {
  readonly user?: string
  readonly groups?: readonly string[]
  /** From when to when its certificate is good: a year from now unless said. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** A Kubernetes API server with the controllers and kubelets behind it, which plain kubectl can talk to. */
export interface KubernetesApi
  extends Lab, Pick<Permissions, 'deny'>, Pick<Faults, 'throttle' | 'expireContinue' | 'keepBusy'>, AsyncDisposable {
  /** Resolves when it is ready. */
  start(): Promise<void>
  /** How it behaves for a while after its next starts: from `down`, and when it is ready again. */
  startUp(next: StartUp): void
  /** Goes down and comes up again; resolves when it listens, and is not ready yet. */
  restart(): Promise<void>
  /** The lab sets it from its control planes' state. Takes effect in order, without being waited for. */
  setAvailability(state: Availability): void
  /** What clients did, in order. */
  readonly diary: readonly DiaryEntry[]
  /** A kubeconfig with a new client certificate: user 'admin' in 'system:masters' unless said. */
  kubeconfig(options?: KubeconfigOptions): Promise<string>
  /** Every client certificate that was made up to now counts as ended, and is answered with 401. */
  expireCredentials(): void
}

export function createKubernetesApi(options: KubernetesApiOptions): KubernetesApi {
  const {
    address,
    port = 6443,
    authority,
    serverVersion = 'v1.36.3',
    pace = {},
    denyWrites = [],
    tokens = {},
    startUp = {},
  } = options
  const cluster = createCluster(serverVersion, pace)
  const { world, faults } = cluster
  const starting = createStarting(startUp)
  /** The process is a new one, and has not served yet. */
  let isFresh = true
  const permissions = createPermissions(denyWrites)
  const diary: DiaryEntry[] = []
  const waiting = new Set<() => void>()
  const watches = new Set<() => void>()
  const issued = new Set<string>()
  const expired = new Set<string>()
  let availability: Availability = 'serving'
  let identity: Identity | undefined
  let listener: Listener | undefined
  let turn = Promise.resolve()
  let waited = 0

  /** Brings the socket in line with the availability; one after the other, because closing takes a moment. */
  function align(): Promise<void> {
    // Whoever asked for the turn before has been told of its error.
    const before = turn.catch(() => {})
    turn = before.then(async () => {
      const wanted = availability === 'down' ? undefined : identity
      if (wanted !== undefined && listener === undefined)
        listener = await listen({ address, port, identity: wanted, ca: authority.ca, answer, upgrade })
      else if (wanted === undefined && listener !== undefined) {
        const old = listener
        listener = undefined
        await old.close()
      }
      beginIfServing()
    })
    return turn
  }

  /** A new process that has its etcd begins to serve, and is not ready for a while. */
  function beginIfServing(): void {
    if (!isFresh || availability !== 'serving' || listener === undefined) return
    isFresh = false
    starting.begin()
  }

  /** Waits for etcd's majority as long as the API server does, then fails as it does (etcd client v3 rpctypes). */
  async function quorum(): Promise<void> {
    if (world.isWritable()) return
    waited += 1
    const name = `etcd ${waited}`
    await new Promise<void>((resolve) => {
      waiting.add(resolve)
      world.timers.once(name, world.pace.etcdTimeout, () => {
        waiting.delete(resolve)
        resolve()
      })
    })
    world.timers.cancel(name)
    if (!world.isWritable()) throw refuse(500, 'etcdserver: request timed out')
  }

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
    const description = describeApi(path, `${address}:${listener?.port ?? port}`, shown)
    if (description !== undefined) return sendJson(response, 200, description)
    if (route === undefined || (isCustom && starting.hides())) return sendText(response, 404, '404 page not found\n')
    return serve({ request, response, route, user, query: url.searchParams })
  }

  interface Exchange {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly route: Route
    readonly user: User
    readonly query: URLSearchParams
  }

  async function serve({ request, response, route, user, query }: Exchange): Promise<void> {
    permissions.authorize(user, route)
    if (route.subresource === 'exec') throw badRequest('Upgrade request required')
    const form = negotiate(request)
    const body = await readBody(request)
    // The watch cache answers these without asking etcd, so an API without quorum still shows what it saw last.
    const fromCache = ['get', 'list'].includes(route.verb) && query.get('resourceVersion') === '0'
    if (!fromCache && route.verb !== 'watch') await quorum()
    // What the client gave up waiting for must not be done after all.
    if (response.destroyed) return
    if (route.resource === accessReviews) return sendJson(response, 201, permissions.review(user, body))
    const reply = carryOut(cluster, diary, { route, query, contentType: contentTypeOf(request), body, user, form })
    if ('watch' in reply) stream(response, reply.watch)
    else sendJson(response, reply.code, reply.body)
  }

  /** The only requests that become WebSockets are commands in pods. */
  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const user = authenticate(request, tokens, expired)
    const url = new URL(request.url ?? '/', `https://${address}`)
    const route = parseRoute(request.method ?? '', url, [...resources, ...cluster.custom.resources])
    if (route?.subresource !== 'exec') throw badRequest('unable to upgrade: this is no stream')
    if (starting.forbids(user.groups)) permissions.forbid(user, route, 'GET')
    permissions.authorize(user, route)
    // From Kubernetes 1.35 on, as if it had been a POST (kubernetes/kubernetes#134577).
    permissions.authorize(user, { ...route, verb: 'create' })
    await quorum()
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
    const isWell = availability === 'serving' && (path === '/livez' || starting.isReady())
    if (isWell) return sendText(response, 200, 'ok')
    const check = path.slice(1)
    const failed = availability === 'serving' ? 'poststarthook/rbac/bootstrap-roles' : 'etcd'
    sendText(response, 500, `[+]ping ok\n[-]${failed} failed: reason withheld\n${check} check failed\n`)
  }

  return {
    ...cluster,
    diary,
    deny: permissions.deny,
    throttle: faults.throttle,
    expireContinue: faults.expireContinue,
    keepBusy: faults.keepBusy,
    startUp: starting.plan,
    async start() {
      identity ??= await authority.issueServer({
        common: 'kube-apiserver',
        ips: [address],
        dns: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'],
      })
      cluster.start()
      await align()
      await starting.over()
    },
    async restart() {
      this.setAvailability('down')
      this.setAvailability('serving')
      await align()
    },
    setAvailability(state) {
      if (state === availability) return
      availability = state
      if (state === 'down') isFresh = true
      cluster.setWritable(state === 'serving')
      for (const resolve of state === 'serving' ? waiting : []) resolve()
      if (state === 'serving') waiting.clear()
      // A port that somebody else took meanwhile is the lab's mistake: it ends the run, as an unhandled rejection.
      void align()
    },
    async kubeconfig({ user = 'admin', groups = ['system:masters'], from, to } = {}) {
      const { cert, key } = await authority.issueClient({ common: user, organizations: groups, from, to })
      issued.add(new X509Certificate(cert).fingerprint256)
      const base64 = (text: string): string => Buffer.from(text).toString('base64')
      const server = `https://${address}:${listener?.port ?? port}`
      return stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': base64(authority.ca) } }],
        users: [{ name: user, user: { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) } }],
        contexts: [{ name: `${user}@lab`, context: { cluster: 'lab', namespace: 'default', user } }],
        'current-context': `${user}@lab`,
      })
    },
    expireCredentials() {
      for (const fingerprint of issued) expired.add(fingerprint)
    },
    async [Symbol.asyncDispose]() {
      availability = 'down'
      cluster.stop()
      watches.forEach((finish) => finish())
      for (const resolve of waiting) resolve()
      await align()
      cluster.stop()
    },
  }
}
