import {
  type Cluster,
  type EtcdFacts,
  type KubernetesFacts,
  type Node,
  type NodeIdentity,
  type Observed,
  observed,
  type TalosFacts,
  notObserved,
} from '../../../src/core/cluster/cluster.ts'

export const schematic = 'ca3fbb9c3bb73ff71b7629ef5b487c827b93878609f361b0e1e555342378b595'

export interface NodeChoices {
  readonly talos?: Partial<TalosFacts> | 'silent'
  readonly kubernetes?: Partial<KubernetesFacts> | 'silent'
  readonly etcd?: Partial<EtcdFacts> | 'silent'
  readonly identity?: NodeIdentity
}

/** A worker that runs v1.13.8, in good health; what is chosen is different. */
export function worker(
  name: string,
  { talos = {}, kubernetes = {}, identity = { kind: 'same' } }: NodeChoices = {},
): Node {
  return {
    name,
    role: 'worker',
    configuredRole: 'worker',
    talos: talosFacts(talos),
    kubernetes: kubernetesFacts(kubernetes),
    identity,
  }
}

/** A control plane of an etcd with these members, led by the first of them. */
export function controlPlane(name: string, members: readonly string[], choices: NodeChoices = {}): Node {
  const { talos = {}, kubernetes = {}, etcd = {}, identity = { kind: 'same' } } = choices
  const facts = talosFacts(talos)
  const view: Observed<EtcdFacts> =
    etcd === 'silent'
      ? notObserved('etcd is not running')
      : observed({
          id: idOf(name),
          leader: idOf(members[0] ?? name),
          learner: false,
          errors: [],
          alarms: [],
          dbSize: 20_000_000,
          raftIndex: 5_000,
          raftApplied: 5_000,
          storageVersion: '3.6.0',
          members: members.map((member) => ({ id: idOf(member), name: member, learner: false })),
          ...etcd,
        })
  return {
    name,
    role: 'controlplane',
    configuredRole: 'controlplane',
    talos: facts.ok ? observed({ ...facts.value, etcd: view }) : facts,
    kubernetes: kubernetesFacts(kubernetes),
    identity,
  }
}

/** As many control planes as there are choices: cp-1, cp-2, … cp-1 leads. */
export function controlPlanes(...choices: readonly NodeChoices[]): Node[] {
  const names = choices.map((_, index) => `cp-${index + 1}`)
  return choices.map((choice, index) => controlPlane(names[index]!, names, choice))
}

export function clusterOf(...nodes: readonly Node[]): Cluster {
  return { nodes, kubernetes: observed('v1.36.3'), workloads: observed({ blocking: [], pending: [] }) }
}

/** What an armed node says: another release is installed, and systemd-boot starts it next. */
export const armedEntries = { defaultEntry: 'Talos-v1.13.9.efi' } as const

/** The id of an etcd member, as it would be: 16 hex digits. */
export function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padStart(16, '0')
}

function talosFacts(choice: Partial<TalosFacts> | 'silent'): Observed<TalosFacts> {
  if (choice === 'silent') return notObserved('no route to host')
  return observed({
    version: 'v1.13.8',
    platform: 'metal',
    machineType: undefined,
    machineId: undefined,
    nodename: undefined,
    secureBoot: false,
    schematic,
    extensions: ['siderolabs/i915'],
    provides: { kernelArguments: [], overlay: undefined, embeddedConfig: false },
    bootId: 'boot-1',
    stage: 'running',
    ready: true,
    unmet: [],
    fallbackPending: false,
    staged: false,
    bootedEntry: 'Talos-v1.13.8.efi',
    defaultEntry: 'Talos-v1.13.8.efi',
    uuid: undefined,
    kernelArguments: ['talos.platform=metal'],
    ailing: [],
    ...choice,
  })
}

/** What Kubernetes says of a node that is well and that nobody has touched. */
export const wellInKubernetes: KubernetesFacts = {
  ready: true,
  unschedulable: false,
  cordon: undefined,
  leftover: undefined,
  attempts: undefined,
  staged: undefined,
  zone: undefined,
  taints: [],
  paused: undefined,
  machineId: undefined,
  bootId: undefined,
}

function kubernetesFacts(choice: Partial<KubernetesFacts> | 'silent'): Observed<KubernetesFacts> {
  if (choice === 'silent') return notObserved('connection refused')
  return observed({ ...wellInKubernetes, ...choice })
}
