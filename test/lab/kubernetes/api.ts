import type { Identity, LabAuthority } from '../authority.ts'
import { createClients, type Clients } from './clients.ts'
import { createCluster, type Cluster } from './cluster.ts'
import type { Faults } from './faults.ts'
import { createHandler } from './handler.ts'
import { createLifecycle, type Availability } from './lifecycle.ts'
import { createPermissions, type Permissions } from './permissions.ts'
import type { User } from './routes.ts'
import { createStarting, type StartUp } from './startup.ts'
import type { DiaryEntry } from './undertaking.ts'
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

/** A Kubernetes API server with the controllers and kubelets behind it, which plain kubectl can talk to. */
export interface KubernetesApi
  extends
    Lab,
    Omit<Clients, 'expired'>,
    Pick<Permissions, 'deny'>,
    Pick<Faults, 'throttle' | 'expireContinue' | 'keepBusy'>,
    AsyncDisposable {
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
  } = options
  const cluster = createCluster(serverVersion, pace)
  const { faults } = cluster
  const starting = createStarting(options.startUp ?? {})
  const permissions = createPermissions(denyWrites)
  const diary: DiaryEntry[] = []
  let identity: Identity | undefined
  const lifecycle = createLifecycle({
    address,
    port,
    ca: authority.ca,
    cluster,
    starting,
    answer: (request, response) => handler.answer(request, response),
    upgrade: (request, socket, head) => handler.upgrade(request, socket, head),
  })
  const { expired, ...clients } = createClients(authority, () => `https://${address}:${lifecycle.port}`)
  const parts = { cluster, lifecycle, starting, permissions, diary, address, serverVersion, tokens, expired }
  const handler = createHandler(parts)

  return {
    ...cluster,
    ...clients,
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
      await lifecycle.start(identity)
      await starting.over()
    },
    async restart() {
      this.setAvailability('down')
      this.setAvailability('serving')
      await lifecycle.align()
    },
    setAvailability: lifecycle.set,
    async [Symbol.asyncDispose]() {
      cluster.stop()
      handler.endWatches()
      await lifecycle.end()
      cluster.stop()
    },
  }
}
