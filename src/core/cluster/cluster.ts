/** The observed state of the cluster at one moment. No answer is an observation too. */
export interface Cluster {
  readonly nodes: readonly Node[]
  /** The API server's version, `v1.36.3`. */
  readonly kubernetes: Observed<string>
  readonly workloads: Observed<Workloads>
}

/** With when that was, ISO 8601. */
export interface SeenCluster extends Cluster {
  readonly observedAt: string
}

/** What matters about workloads when nodes are taken out of service. */
export interface Workloads {
  /** Disruption budgets that allow no eviction, and never will as their workload stands. */
  readonly blocking: readonly BlockingBudget[]
  /** Unschedulable pods: `default/web-1: 0/3 nodes are available`. */
  readonly pending: readonly string[]
}

/** A PodDisruptionBudget that allows no eviction: a drain of its node would wait for ever. */
export interface BlockingBudget {
  /** `namespace/name`. */
  readonly budget: string
  /** What it asks for: `needs 1 of 1 pods`. */
  readonly why: string
  /** Of the budget's own namespace. */
  readonly pods: readonly { readonly name: string; readonly node: string; readonly owner: string | undefined }[]
}

/** The state of the storage systems in the cluster. */
export interface StorageFacts {
  /** `longhorn`, `ceph`: the systems that were found. Empty where there is none. */
  readonly systems: readonly string[]
  /** Their warnings. `blockingStorage` decides which of them keep another node from going down. */
  readonly unwell: readonly StorageWarning[]
  /** By node: the volumes whose last healthy replica is there. */
  readonly lastReplicas: ReadonlyMap<string, readonly string[]>
}

/** A warning of a storage system. */
export interface StorageWarning {
  /** Its identity while it lasts: a volume's name, a Ceph health code (`OSD_NEARFULL`). */
  readonly name: string
  /** The name that people know: a volume's claim, `media/films`. */
  readonly alias?: string
  /** `longhorn volume pvc-1 (media/films) is degraded`. */
  readonly text: string
  /**
   * What it endangers. `nothing`: neither data nor their copies. `redundancy`: fewer copies than wanted, or soon. `data`:
   * something is lost, damaged or out of reach. `unknown`: it does not say, or not yet.
   */
  readonly endangers: 'nothing' | 'redundancy' | 'data' | 'unknown'
}

/** A warning that a person accepts for a time (`storage.accept`). */
export interface AcceptedWarning {
  /** A warning's name or alias. */
  readonly name: string
  /** Until then, epoch ms. */
  readonly until: number
  readonly reason?: string | undefined
}

/** An observation: the value, or why it could not be observed. */
export type Observed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }

export const observed = <T>(value: T): Observed<T> => ({ ok: true, value })
export const notObserved = (error: string): Observed<never> => ({ ok: false, error })

export type Role = 'controlplane' | 'worker'

export interface Node {
  /** The node's name in Kubernetes. */
  readonly name: string
  /** As the node itself runs (Talos' MachineType); as configured where it does not say. */
  readonly role: Role
  /** As configured. A node that runs in another role holds upgrades. */
  readonly configuredRole: Role
  readonly talos: Observed<TalosFacts>
  readonly kubernetes: Observed<KubernetesFacts>
  /** Whether Talos at the node's address and Kubernetes under its name are the same machine. */
  readonly identity: NodeIdentity
}

/** What a node's machine API reports. */
export interface TalosFacts {
  /** The running release, `v1.13.9`. */
  readonly version: string
  /** `metal`, `aws`, …: part of the installer image's name. */
  readonly platform: string
  /** The role that it runs in (Talos' MachineType); undefined where it does not say. */
  readonly machineType: Role | undefined
  /** The machine id, 32 hex digits, which the kubelet reports as well; undefined where it does not say. */
  readonly machineId: string | undefined
  /** The name that it registers under in Kubernetes; undefined where it does not say. */
  readonly nodename: string | undefined
  /**
   * It runs a signed UKI: only the SecureBoot installer will do, because the disk may be sealed to that signature whether
   * or not the firmware enforces it now.
   */
  readonly secureBoot: boolean
  /** The Image Factory schematic that it runs; undefined where the image was not made by a Factory. */
  readonly schematic: string | undefined
  /** The official extensions of that schematic, as the Factory names them; undefined if the node reports none. */
  readonly extensions: readonly string[] | undefined
  /** What else that schematic provides; undefined where the node does not report it. */
  readonly provides: SchematicParts | undefined
  /** New at every boot. */
  readonly bootId: string
  /** MachineStatus' stage: `booting`, `running`, `rebooting`, `shutting down`, … */
  readonly stage: string
  /** In stage `running`: whether it is ready. */
  readonly ready: boolean
  readonly unmet: readonly string[]
  /**
   * META key 0x06 is shown: the node boots a new release that has not proven itself yet. Before that boot it is not shown,
   * although it is on the disk (Talos 1.13 and 1.14 read META again only after Install), so it proves nothing there.
   */
  readonly fallbackPending: boolean
  /** META key 0x07 is there: an upgrade was staged (Talos 1.17 and before), and the next boot installs it. */
  readonly staged: boolean
  /** The boot entry that runs, a UKI's file name; undefined where systemd-boot did not start it. */
  readonly bootedEntry: string | undefined
  /** The boot entry that systemd-boot starts next (the EFI variable LoaderEntryDefault); undefined where it can't be read. */
  readonly defaultEntry: string | undefined
  /** Whether a rollback would find another entry to boot; undefined where systemd-boot does not tell. */
  readonly hasOtherEntry?: boolean | undefined
  /** Whether Talos is installed on a disk; undefined where the node does not tell. */
  readonly onDisk?: boolean | undefined
  /** The machine's own UUID, of its firmware. */
  readonly uuid: string | undefined
  /** The kernel's command line, word by word. */
  readonly kernelArguments: readonly string[]
  /** Services that are not running or not healthy, by id. */
  readonly ailing: readonly string[]
  /** Control planes only. */
  readonly etcd?: Observed<EtcdFacts>
}

/** What a schematic gives to an image beside extensions (siderolabs/image-factory pkg/schematic). */
export interface SchematicParts {
  /** Its own kernel arguments, as written. */
  readonly kernelArguments: readonly string[]
  /** Of a board: its name in the overlay image, `rpi_generic`. */
  readonly overlay: string | undefined
  /** What the overlay is told, as `configTxtAppend`: the value of each, in one spelling. An upgrade writes them again. */
  readonly overlayOptions?: Readonly<Record<string, string>>
  /** A machine configuration is embedded in the image. */
  readonly embeddedConfig: boolean
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
  /** Of a node that Caretaker cordoned: since when it is not Ready, in ms since the epoch; absent where nobody tells. */
  readonly notReadySince?: number
  readonly unschedulable: boolean
  /** Our annotation, if Caretaker cordoned the node. */
  readonly cordon: CordonMark | undefined
  /** Our annotation on a schedulable node: someone else has uncordoned it since. */
  readonly leftover: CordonMark | undefined
  readonly attempts: Attempts | undefined
  /** Our annotation on an uncordoned node that is armed on purpose, for the next window. */
  readonly staged: CordonMark | undefined
  /** `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined
  /** `key=value:effect`, or `key:effect` where there is no value. */
  readonly taints: readonly string[]
  /** Why a person paused upgrades of this node. */
  readonly paused: string | undefined
  /** The machine id and the kernel's boot id as the kubelet reported them last; undefined where it did not. */
  readonly machineId: string | undefined
  readonly bootId: string | undefined
}

/**
 * | kind    | means                                                                                         |
 * |---------|-----------------------------------------------------------------------------------------------|
 * | same    | one machine                                                                                   |
 * | unknown | one side is silent, or does not report its machine id                                         |
 * | late    | one machine, whose kubelet has not reported the current boot yet                              |
 * | renamed | one machine, which is registered in Kubernetes under another name, `as`                       |
 * | another | two machines: the address leads to one that Kubernetes knows as `as`, or does not know at all |
 */
export type NodeIdentity =
  | { readonly kind: 'same' | 'unknown' | 'late' }
  | { readonly kind: 'renamed'; readonly as: string; readonly machineId: string | undefined }
  | { readonly kind: 'another'; readonly as: string | undefined; readonly machineId: string }

/**
 * Written on the node as an annotation when we cordon it: the node itself remembers what we were doing there. A cordon
 * without this mark is someone else's, and never touched.
 */
export interface CordonMark {
  readonly why: 'upgrade' | 'power'
  /** ISO 8601. */
  readonly at: string
  /** For an upgrade: the release and schematic that it is to get, and the boot that it left. */
  readonly release?: string
  readonly schematic?: string
  readonly bootId?: string
  /** What ran when it was cordoned, and by what the machine is known again afterwards. */
  readonly from?: string
  readonly uuid?: string
  readonly machineId?: string
  /** The schematic's own kernel arguments that it booted with: those must be there again. */
  readonly kernelArguments?: readonly string[]
  /** From right before the installer runs: in the boot `bootId` the node is armed, or may be, whatever else shows. */
  readonly installer?: 'started' | 'succeeded'
  /** For the power: a person has ordered the shutdown, so it stays down until a person wakes it. */
  readonly ordered?: true
  /** Set right before the call that reboots the node. */
  readonly rebooting?: true
  /** The node is being rolled back from `release`, not upgraded to it. */
  readonly back?: true
  /** With `back`: only what was installed is undone. It reboots into `release`, which runs already. */
  readonly disarm?: true
  /** Without an installation on a disk: it boots what the share serves, from now on what this mark names. */
  readonly diskless?: true
  /** With `back`: the release that it goes back to, where that is known. */
  readonly to?: string
}

/** How often a release was tried on a node. Kept after the uncordon, so that a failing release is not tried for ever. */
export interface Attempts {
  readonly release: string
  readonly count: number
  /** Why the last attempt failed; absent while it is under way. */
  readonly failure?: string
  /** It booted its previous release after the upgrade: retried by a person, or once with a power cycle by policy. */
  readonly rolledBack?: true
  /** The one retry with a power cycle has been used. */
  readonly powercycled?: true
}

/** It answers, is running and ready, is Ready in Kubernetes, and both are the same machine. */
export function isHealthy(node: Node): boolean {
  return whyUnhealthy(node) === undefined
}

/** What is wrong with the node, worded to follow its name: `does not answer`, `is booting`. Undefined if nothing is. */
export function whyUnhealthy(node: Node): string | undefined {
  // Another machine at the address explains all other faults.
  return describeIdentity(node) ?? whyNotReady(node)
}

/**
 * The same by what Talos at its address and Kubernetes under its name say, without asking whether they are one machine:
 * what is woken after an outage must not wait for that.
 */
export function whyNotReady({ talos, kubernetes, identity }: Node): string | undefined {
  if (!talos.ok) return `does not answer (${talos.error})`
  const { stage, ready, unmet, etcd } = talos.value
  if (stage !== 'running') return `is ${stage}`
  if (!ready) return `is not ready (${unmet.join(', ') || 'no reason given'})`
  if (etcd && !etcd.ok) return `has no healthy etcd (${etcd.error})`
  if (!kubernetes.ok) return `could not be read from Kubernetes (${kubernetes.error})`
  if (!kubernetes.value.ready) return 'is not Ready in Kubernetes'
  if (identity.kind === 'late') return 'has not reported its current boot to Kubernetes yet'
  return undefined
}

/** Why Talos and Kubernetes do not mean the same machine by this node, to follow its name; undefined where they do. */
export function describeIdentity({ name, identity }: Pick<Node, 'name' | 'identity'>): string | undefined {
  if (identity.kind === 'renamed') {
    const proof = identity.machineId === undefined ? '' : ` (the same machine id, ${short(identity.machineId)})`
    return `is registered in Kubernetes as ${identity.as}${proof}: give it the hostname ${name} again, or rename it in caretaker.yaml`
  }
  if (identity.kind !== 'another') return undefined
  const owner = identity.as === undefined ? 'a machine that Kubernetes does not know' : identity.as
  return `is not the machine that answers at its address: that is ${owner} (machine id ${short(identity.machineId)}). Correct the addresses in caretaker.yaml or in DHCP`
}

function short(machineId: string): string {
  return `${machineId.slice(0, 8)}…`
}

/** The release that each node runs, of those that answer. */
export function runningVersions({ nodes }: Pick<Cluster, 'nodes'>): string[] {
  return nodes.flatMap(({ talos }) => (talos.ok ? [talos.value.version] : []))
}
