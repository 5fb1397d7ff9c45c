/** What we saw of the cluster, at one moment. What did not answer is a fact too. */
export interface Cluster {
  readonly nodes: readonly Node[]
  /** The API server's version, `v1.36.3`. */
  readonly kubernetes: Seen<string>
  readonly workloads: Seen<Workloads>
}

/** What of the workloads matters to whoever takes nodes away. */
export interface Workloads {
  /** Disruption budgets that allow no eviction, and never will as their workload stands. */
  readonly blocking: readonly BlockingBudget[]
  /** Pods that find no node: `default/web-1: 0/3 nodes are available`. */
  readonly pending: readonly string[]
}

/** A budget whose every pod has to stay: draining its node would wait for ever. */
export interface BlockingBudget {
  /** `namespace/name`. */
  readonly budget: string
  /** What it asks for: `needs 1 of 1 pods`. */
  readonly why: string
  /** Of the budget's own namespace. */
  readonly pods: readonly { readonly name: string; readonly node: string; readonly owner: string | undefined }[]
}

/** What a storage system inside the cluster says of its data. */
export interface StorageFacts {
  /** `longhorn`, `ceph`: the systems that were found. Empty where there is none. */
  readonly systems: readonly string[]
  /** What its systems warn of. Which of it keeps a further node from being taken away is for `blockingStorage`. */
  readonly unwell: readonly StorageWarning[]
  /** By node: volumes whose last healthy replica it holds. */
  readonly lastReplicas: ReadonlyMap<string, readonly string[]>
}

/** Something that a storage system says of itself. */
export interface StorageWarning {
  /** By which it is known for as long as it lasts: a volume's name, a code of Ceph's (`OSD_NEARFULL`). */
  readonly name: string
  /** What people call it beside that: a volume's claim, `media/films`. */
  readonly alias?: string
  /** `longhorn volume pvc-1 (media/films) is degraded`. */
  readonly text: string
  /**
   * What it endangers. `nothing`: neither data nor their copies. `redundancy`: fewer copies than wanted, or soon. `data`:
   * something is lost, damaged or out of reach. `unknown`: it does not say, or not yet.
   */
  readonly endangers: 'nothing' | 'redundancy' | 'data' | 'unknown'
}

/** A warning that a person puts up with for a time (`storage.accept`). */
export interface AcceptedWarning {
  /** A warning's name or alias. */
  readonly name: string
  /** Until then, epoch ms. */
  readonly until: number
  readonly reason?: string | undefined
}

/** Something that was looked at: what was seen, or why it could not be. */
export type Seen<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }

export const seen = <T>(value: T): Seen<T> => ({ ok: true, value })
export const unseen = (error: string): Seen<never> => ({ ok: false, error })

export type Role = 'controlplane' | 'worker'

export interface Node {
  /** The node's name in Kubernetes. */
  readonly name: string
  readonly role: Role
  readonly talos: Seen<TalosFacts>
  readonly kubernetes: Seen<KubernetesFacts>
}

/** What a node's machine API says of it. */
export interface TalosFacts {
  /** The running release, `v1.13.9`. */
  readonly version: string
  /** `metal`, `aws`, …: part of the installer image's name. */
  readonly platform: string
  readonly secureBoot: boolean
  /** The Image Factory schematic that it runs; undefined where the image was not made by a Factory. */
  readonly schematic: string | undefined
  /** The official extensions of that schematic, as the Factory names them; undefined where the node does not tell. */
  readonly extensions: readonly string[] | undefined
  /** New at every boot. */
  readonly bootId: string
  /** MachineStatus' stage: `booting`, `running`, `rebooting`, `shutting down`, … */
  readonly stage: string
  /** In stage `running`: whether nothing is left to wait for. */
  readonly ready: boolean
  readonly unmet: readonly string[]
  /**
   * META key 0x06 is there: an upgrade was installed whose boot has not been confirmed. On a node that is running and
   * ready this means *armed*: its next boot, for whatever reason, starts another release.
   */
  readonly fallbackPending: boolean
  /** META key 0x07 is there: an upgrade was staged (Talos 1.17 and before), and the next boot installs it. */
  readonly staged: boolean
  /** The boot entry that runs, a UKI's file name; undefined where systemd-boot did not start it. */
  readonly bootedEntry: string | undefined
  /** The machine's own UUID, of its firmware. */
  readonly uuid: string | undefined
  /** The kernel's command line, word by word. */
  readonly kernelArguments: readonly string[]
  /** Services that do not run or are not healthy, by id. */
  readonly ailing: readonly string[]
  /** Control planes only. */
  readonly etcd?: Seen<EtcdFacts>
}

/** One etcd member's own view. Ids are 16 hex digits: they do not fit a JavaScript number. */
export interface EtcdFacts {
  readonly id: string
  readonly leader: string | undefined
  readonly learner: boolean
  readonly errors: readonly string[]
  /** `NOSPACE on 8e9e05c52164694d`. */
  readonly alarms: readonly string[]
  /** Bytes. */
  readonly dbSize: number
  /** Entries in the log that it has, and that it has carried out. */
  readonly raftIndex: number
  readonly raftApplied: number
  /** What the data are written for: `3.6.0`. An etcd that is older refuses them. */
  readonly storageVersion: string | undefined
  readonly members: readonly { readonly id: string; readonly name: string; readonly learner: boolean }[]
}

export interface KubernetesFacts {
  readonly ready: boolean
  readonly unschedulable: boolean
  /** Our own mark, when it was we who cordoned the node. */
  readonly cordon: CordonMark | undefined
  /** Our mark is on it although it is schedulable: somebody has uncordoned it since. */
  readonly leftover: boolean
  readonly attempts: Attempts | undefined
  /** Our note on a node in service that it is armed on purpose, for the next window. */
  readonly staged: CordonMark | undefined
  /** `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined
  /** `key=value:effect`, or `key:effect` where there is no value. */
  readonly taints: readonly string[]
  /** Why a person has paused upgrades of this node. */
  readonly paused: string | undefined
}

/**
 * Written on the node as an annotation when we cordon it: the node itself remembers what we were doing there. A cordon
 * without this mark is somebody else's, and never touched.
 */
export interface CordonMark {
  readonly why: 'upgrade' | 'power'
  /** ISO 8601. */
  readonly at: string
  /** For an upgrade: the release and schematic that it is to get, and the boot that it left. */
  readonly release?: string
  readonly schematic?: string
  readonly bootId?: string
  /** What ran when it was closed, and by what the machine is known again afterwards. */
  readonly from?: string
  readonly uuid?: string
  /** The schematic's own kernel arguments that it booted with: those must be there again. */
  readonly kernelArguments?: readonly string[]
  /** Set just before the call that makes the node reboot. */
  readonly rebooting?: true
  /** It is to go back to the release before, and not on to `release`, which it comes from. */
  readonly back?: true
}

/** How often a release was tried on a node. Outlives the cordon, so that a release that rolls back is not tried for ever. */
export interface Attempts {
  readonly release: string
  readonly count: number
  /** Why the last attempt failed; absent while it is under way. */
  readonly failure?: string
}

/** Answering, in stage `running`, nothing unmet, and Ready in Kubernetes. */
export function isHealthy(node: Node): boolean {
  return whyUnhealthy(node) === undefined
}

/** What is wrong with the node, to follow its name: `does not answer`, `is booting`. Undefined when nothing is. */
export function whyUnhealthy({ talos, kubernetes }: Node): string | undefined {
  if (!talos.ok) return `does not answer (${talos.error})`
  const { stage, ready, unmet, etcd } = talos.value
  if (stage !== 'running') return `is ${stage}`
  if (!ready) return `is not ready (${unmet.join(', ') || 'no reason given'})`
  if (etcd && !etcd.ok) return `has no healthy etcd (${etcd.error})`
  if (!kubernetes.ok) return `is not seen in Kubernetes (${kubernetes.error})`
  if (!kubernetes.value.ready) return 'is not Ready in Kubernetes'
  return undefined
}

/** The release that each node runs, of those that answer. */
export function runningVersions({ nodes }: Pick<Cluster, 'nodes'>): string[] {
  return nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : []))
}

/** Installed and not booted: the next boot starts another release than the running one. */
export function isArmed({ talos }: Node): boolean {
  if (!talos.ok || talos.value.stage !== 'running' || !talos.value.ready) return false
  return talos.value.fallbackPending || talos.value.staged
}
