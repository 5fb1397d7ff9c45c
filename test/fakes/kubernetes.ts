import type { KubernetesFacts } from '../../src/core/cluster/cluster.ts'
import { AgentError } from '../../src/core/errors.ts'
import { parseLabelSelector } from '../../src/core/cluster/label-selector.ts'
import type { Kubernetes } from '../../src/core/cluster/ports.ts'
import type { ScaledWorkload, StorageSetting, WorkloadSelection } from '../../src/core/cluster/workload.ts'
import { matches } from '../lab/kubernetes/selectors.ts'
import type { FakeWorld } from './homelab.ts'
import { bootIdOf, type FakeMachine, machineIdAt } from './machine.ts'
import { watchReady } from './ready.ts'

/** A workload and how many replicas it has now. */
export interface FakeWorkload extends Omit<ScaledWorkload, 'replicas'> {
  readonly labels: Readonly<Record<string, string>>
  replicas: number
  /** Our note on it, of how many it had. */
  noted?: number | undefined
}

/** A setting of a storage system, what it is now and what it should be while nodes are away. */
export interface FakeStorageSetting extends Omit<StorageSetting, 'before'> {
  value: string
}

/** While one of these is set, storage systems repair nothing. */
const heldBy = new Set(['norecover', 'nobackfill', 'concurrent-replica-rebuild-per-node-limit'])

const staticPods = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']

/** The Kubernetes API of the fake homelab: it needs etcd, and etcd its quorum. */
export function fakeKubernetes(world: FakeWorld): Kubernetes {
  const door = createDoor(world)
  return {
    ...fakeNodes(world, door),
    ...fakeMarks(world, door),
    ...fakeWorkloads(world, door),
    ...fakeStorage(world, door),
    ...fakeLease(world, door),
  }
}

/** What every call asks first. */
interface Door {
  /** @throws AgentError where the API server does not answer */
  apiServer(): void
  /** @throws AgentError where there is no such node */
  nodeObject(name: string): FakeMachine
}

function createDoor(world: FakeWorld): Door {
  function apiServer(): void {
    if (!world.hasQuorum()) throw new AgentError('unreachable', 'the Kubernetes API does not answer')
    if (world.apiStarting <= 0) return
    world.apiStarting -= 1
    throw new AgentError('unreachable', 'the Kubernetes API starts: storage is (re)initializing')
  }
  function nodeObject(name: string): FakeMachine {
    apiServer()
    const found = world.machines.get(name)
    if (!found) throw new AgentError('rejected', `nodes "${name}" not found`)
    return found
  }
  return { apiServer, nodeObject }
}

/** What it tells of the cluster. */
function fakeNodes(
  world: FakeWorld,
  { apiServer }: Door,
): Pick<Kubernetes, 'version' | 'nodes' | 'components' | 'forbidden'> {
  const { machines } = world
  const notReadySince = watchReady(world)

  /** A machine's node object; of one that registers under another name now, also the old object, which nobody renews. */
  function nodeObjectsOf(machine: FakeMachine): readonly [string, KubernetesFacts][] {
    const { name, unschedulable, mark, attempts, staged, zone, paused, hostname, machineId, boots } = machine
    const isLate = machine.kubeletLate > 0
    if (isLate) machine.kubeletLate -= 1
    const facts: KubernetesFacts = {
      ...notReadySince(machine),
      unschedulable,
      cordon: unschedulable ? mark : undefined,
      leftover: unschedulable ? undefined : mark,
      attempts,
      staged,
      zone,
      taints: [],
      paused,
      machineId: isLate && machine.bootsFrom !== undefined ? machineIdAt({ name, boots: boots - 1 }) : machineId,
      bootId: bootIdOf({ name, boots: boots - (isLate ? 1 : 0) }),
    }
    if (hostname === name) return [[name, facts]]
    const fresh = { cordon: undefined, leftover: undefined, attempts: undefined, staged: undefined, paused: undefined }
    return [
      [name, { ...facts, ready: false, bootId: bootIdOf({ name, boots: boots - 1 }) }],
      [hostname, { ...facts, ...fresh, unschedulable: false }],
    ]
  }

  return {
    version: async () => {
      apiServer()
      return world.kubernetesVersion
    },
    nodes: async () => {
      apiServer()
      return new Map([...machines.values()].flatMap(nodeObjectsOf))
    },
    components: async () => {
      apiServer()
      const { kubernetesVersion } = world
      return [...machines.values()].flatMap(({ name, role, components }) =>
        ['kubelet', ...(role === 'controlplane' ? staticPods : [])].map((component) => ({
          component,
          node: name,
          version: components[component] ?? kubernetesVersion,
        })),
      )
    },
    forbidden: async () => {
      apiServer()
      return world.forbidden
    },
  }
}

type Marks = 'cordon' | 'noteMark' | 'noteFailure' | 'noteStaged' | 'forgetAttempts' | 'pause' | 'uncordon'

/** What is written on nodes. */
function fakeMarks({ machines, note }: FakeWorld, { apiServer, nodeObject }: Door): Pick<Kubernetes, Marks> {
  return {
    cordon: async (name, mark, attempts) => {
      const machine = nodeObject(name)
      // What is left of a mark on a schedulable node counts for nothing.
      if (!machine.unschedulable) machine.mark = undefined
      if (machine.unschedulable && !machine.mark) {
        if (mark.why === 'power') return
        throw new AgentError('rejected', `${name} was cordoned by someone else: uncordon it to continue`)
      }
      if (machine.mark?.why === 'upgrade' && mark.why === 'power') return
      if (!machine.unschedulable) await note(`cordon ${name}`)
      Object.assign(machine, { unschedulable: true, mark, ...(attempts ? { attempts } : {}) })
    },
    noteMark: async (name, mark) => {
      const machine = nodeObject(name)
      if (!machine.unschedulable || machine.mark?.why !== 'upgrade')
        throw new AgentError('not-now', 'our cordon is gone, so its pods may have returned')
      machine.mark = mark
    },
    noteFailure: async (name, attempts) => {
      const machine = nodeObject(name)
      machine.attempts = attempts
      if (attempts.rolledBack) machine.staged = undefined
    },
    noteStaged: async (name, mark) => {
      nodeObject(name).staged = mark
    },
    forgetAttempts: async (name) => {
      nodeObject(name).attempts = undefined
    },
    pause: async (name, reason) => {
      nodeObject(name).paused = reason
    },
    uncordon: async (name, why, { forgetAttempts }) => {
      apiServer()
      if (!machines.has(name)) return
      const machine = nodeObject(name)
      if (forgetAttempts) Object.assign(machine, { attempts: undefined, staged: undefined })
      if (machine.unschedulable && machine.mark?.why !== why) return
      if (machine.unschedulable) await note(`uncordon ${name}`)
      Object.assign(machine, { unschedulable: false, mark: undefined })
    },
  }
}

type Workloads = 'drain' | 'workloads' | 'scalable' | 'scaledDown' | 'scale'

function fakeWorkloads(world: FakeWorld, { apiServer }: Door): Pick<Kubernetes, Workloads> {
  const { machines, note } = world
  return {
    drain: async (name, policy, signal) => {
      apiServer()
      await note(`drain ${name}`)
      if (!machines.get(name)!.stubborn || policy.deleteAfter !== undefined) return
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      throw new AgentError('timed-out', 'still on the node: default/db-0: its disruption budget')
    },
    workloads: async () => {
      apiServer()
      return world.workloads
    },
    scalable: async (selections) => {
      apiServer()
      const choose = selections.map(chooser)
      return world.scalables
        .filter((one) => one.replicas > 0 && choose.some((chooses) => chooses(one)))
        .toSorted((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1))
        .map(({ kind, namespace, name: workload, replicas }) => ({ kind, namespace, name: workload, replicas }))
    },
    scaledDown: async () => {
      apiServer()
      return world.scalables
        .filter(({ replicas, noted }) => replicas === 0 && noted !== undefined)
        .map(({ kind, namespace, name: workload, noted }) => ({ kind, namespace, name: workload, replicas: noted! }))
    },
    scale: async ({ kind, namespace, name }, replicas) => {
      apiServer()
      const found = world.scalables.find((one) => orderOf(one) === orderOf({ kind, namespace, name }))
      // What somebody has put back meanwhile is theirs.
      if (!found || (replicas === 0) === (found.replicas === 0)) return
      await note(`scale ${namespace}/${name} to ${replicas}`)
      found.noted = replicas === 0 ? found.replicas : undefined
      found.replicas = replicas
    },
  }
}

type Storage = 'storageSettings' | 'setStorage' | 'storage' | 'unhealed'

function fakeStorage(world: FakeWorld, { apiServer }: Door): Pick<Kubernetes, Storage> {
  const { note } = world
  return {
    storageSettings: async () => {
      apiServer()
      return world.storageSettings
        .filter(({ value, during }) => value !== during)
        .map(({ system, namespace, name, value, during }) => ({ system, namespace, name, before: value, during }))
    },
    setStorage: async ({ system, namespace, name }, value) => {
      apiServer()
      const found = world.storageSettings.find(
        (one) => one.system === system && one.namespace === namespace && one.name === name,
      )
      if (!found || found.value === value) return
      await note(`set ${name} to ${value}`)
      found.value = value
    },
    storage: async () => {
      apiServer()
      return world.storage
    },
    unhealed: async () => {
      apiServer()
      const degraded = world.healing > 0
      const isHeld = world.storageSettings.some(({ name, value, during }) => heldBy.has(name) && value === during)
      if (degraded && !isHeld) world.healing -= 1
      const text = 'placement groups are not whole yet: 3 active+undersized+degraded'
      return [
        ...world.storage.unwell,
        ...(degraded ? [{ name: 'PG_DEGRADED', text, endangers: 'unknown' as const }] : []),
      ]
    },
  }
}

function fakeLease(world: FakeWorld, { apiServer }: Door): Pick<Kubernetes, 'takeLease' | 'releaseLease'> {
  return {
    takeLease: async (claim) => {
      apiServer()
      const { lease } = world
      const left = lease && lease.holder !== claim.holder ? lease.until - Date.now() : 0
      if (lease && left > 0 && !claim.over)
        return { held: false, by: lease.holder, purpose: lease.purpose, endsIn: left }
      world.lease = { ...claim, until: Date.now() + claim.lasts }
      return { held: true }
    },
    releaseLease: async (holder) => {
      apiServer()
      if (world.lease?.holder === holder) world.lease = undefined
    },
  }
}

function chooser({ selector, namespace }: WorkloadSelection): (workload: FakeWorkload) => boolean {
  if (selector.trim() === '')
    throw new AgentError('misconfigured', 'an empty label selector would select every workload')
  const parsed = parseLabelSelector(selector)
  if ('fault' in parsed)
    throw new AgentError('misconfigured', `the label selector "${selector}" was refused: ${parsed.fault}`)
  return (workload) =>
    (namespace ?? workload.namespace) === workload.namespace &&
    parsed.requirements.every((requirement) => matches(requirement, workload.labels))
}

function orderOf({ kind, namespace, name }: Omit<ScaledWorkload, 'replicas'>): string {
  return [namespace, name, kind].join(' ')
}
