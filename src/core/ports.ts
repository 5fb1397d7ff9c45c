import type { Check } from './check.ts'
import type { Attempts, CordonMark, KubernetesFacts, StorageFacts, TalosFacts, Workloads } from './cluster.ts'
import type { KubernetesComponent } from './components.ts'
import type { ExpectedMachine } from './identity.ts'
import type { Journal } from './journal.ts'
import type { Purpose } from './lease.ts'
import type { DrainPolicy, ImageOrder, RebootMode } from './plan.ts'
import type { UpsReading } from './ups.ts'
import type { Schematic } from './schematic.ts'
import type { Blackout } from './window.ts'

/**
 * The outside world, as the agent needs it, and no wider. Every call rejects with an AgentError and with nothing else,
 * and ends soon after its signal aborts.
 */
export interface Ports {
  readonly factory: Factory
  readonly share: Share
  readonly talos: Talos
  readonly kubernetes: Kubernetes
  /** By their label in the configuration. Empty where none is configured. */
  readonly upses: ReadonlyMap<string, Ups>
  readonly hosts: Hosts
  readonly waker: Waker
  readonly snapshots: Snapshots
  readonly checks: Checks
  /** Absent where none is configured. */
  readonly calendar?: Calendar
  readonly journal: Journal
}

/** The Talos Image Factory. */
export interface Factory {
  /** Its host, and port where it isn't 443: the registry that serves installer images. */
  readonly registry: string
  /** Every release that it offers, oldest first, with their `v`. */
  versions(signal: AbortSignal): Promise<readonly string[]>
  /**
   * The releases that it has withdrawn, with their `v`: its word for "do not use this one". Undefined where it does not
   * know that question: before v1.3.3 it answers what it offers, as `versions` has told.
   */
  withdrawn(offered: readonly string[], signal: AbortSignal): Promise<readonly string[] | undefined>
  /** Makes the schematic known and answers its id, 64 hex digits: the Factory's own, whatever we compute. */
  register(schematic: Schematic, signal: AbortSignal): Promise<string>
  /** Has the image built if need be, which can take minutes; answers its size in bytes where the Factory says it. */
  warm(image: ImageOrder, signal: AbortSignal): Promise<number | undefined>
  /** Starts the download; `resume` asks for the rest of one that broke off. */
  open(image: ImageOrder, resume: Resume | undefined, signal: AbortSignal): Promise<Download>
}

export interface Resume {
  readonly offset: number
  /** What the first part was served with: the rest must be of the same bytes. */
  readonly etag: string
}

export interface Download {
  /** Where the body starts: 0, or the offset that was asked for. */
  readonly offset: number
  /** Size of the whole file in bytes; undefined where the server doesn't say. */
  readonly size: number | undefined
  readonly etag: string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/** The directory that the NAS serves over TFTP. */
export interface Share {
  /** What is staged, newest first; the first is what the fixed name serves. Has a limit of its own: a mount can hang. */
  staged(): Promise<readonly StagedImage[]>
  /**
   * Brings an image onto the share, checked. With `publish` the fixed name then serves it, swapped atomically. What is
   * there already is not brought again.
   */
  stage(
    image: ImageOrder,
    options: { publish: boolean },
    factory: Pick<Factory, 'warm' | 'open'>,
    signal: AbortSignal,
  ): Promise<StagedImage>
}

export interface StagedImage {
  readonly version: string
  readonly schematic: string
  readonly architecture: string
  readonly sha256: string
  readonly bytes: number
  /** ISO 8601. */
  readonly stagedAt: string
  /** The path below the share's directory. */
  readonly path: string
  /** Whether the fixed name serves this one. */
  readonly published: boolean
}

/**
 * The nodes' machine APIs. Nodes are named as in the configuration. `machine`, where it is given, is what must answer at
 * the node's address: it is asked for that on the very connection that the order then goes over, because an address may
 * lead to another machine from one moment to the next. Rejects with `timed-out` where it is another one.
 */
export interface Talos {
  look(node: string, signal: AbortSignal): Promise<TalosFacts>
  /** The running release: the cheapest question, for finding out who answers. */
  version(node: string, signal: AbortSignal): Promise<string>
  /** The stage that it is in (`running`, `shutting down`), and the phase of its sequence where its events show one. */
  activity(node: string, signal: AbortSignal): Promise<NodeActivity>
  pullImage(node: string, image: string, signal: AbortSignal): Promise<void>
  /** Talos 1.13 and later: runs the installer. Rejects with its exit code and last lines when it fails. */
  install(node: string, image: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Talos 1.12 and earlier: returns when the node has accepted; it pulled and checked the image by then. */
  installAndReboot(
    node: string,
    image: string,
    mode: RebootMode,
    signal: AbortSignal,
    machine?: ExpectedMachine,
  ): Promise<void>
  reboot(node: string, mode: RebootMode, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Makes the other boot entry the default and reboots. Rejected where there is no other one. */
  rollback(node: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Hands the leadership of etcd over; answers the new leader's name, or undefined where the node did not lead. */
  forfeitLeadership(node: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<string | undefined>
  /** The whole database of etcd, as it comes. Ends early, or throws, when the node breaks off. */
  snapshotEtcd(node: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * What the node says that it does, for showing and for looking sooner: `phase stopServices`, `sequence reboot was not
   * started: …`. Never proof of anything. Ends when the stream does.
   */
  follow(node: string, signal: AbortSignal): AsyncIterable<string>
  /** Returns when the node has accepted. `force` leaves Talos' own cordon and drain out. */
  shutDown(node: string, options: { force: boolean }, signal: AbortSignal): Promise<void>
}

export interface NodeActivity {
  readonly stage: string
  /** `stopServices`; undefined where no sequence runs, or where nobody tells. */
  readonly phase: string | undefined
}

export interface Kubernetes {
  /** The API server's version, `v1.36.3`. */
  version(signal: AbortSignal): Promise<string>
  nodes(signal: AbortSignal): Promise<ReadonlyMap<string, KubernetesFacts>>
  /** Of which version the kubelets are, and the static pods of the control planes. */
  components(signal: AbortSignal): Promise<readonly KubernetesComponent[]>
  /**
   * Makes the node unschedulable and leaves our mark on it. A node that somebody else has cordoned is left alone:
   * rejected for an upgrade, fine for a power cut. A mark for an upgrade is not overwritten by one for the power.
   */
  cordon(node: string, mark: CordonMark, attempts: Attempts | undefined, signal: AbortSignal): Promise<void>
  /**
   * Rewrites our mark on a node that we cordoned for its upgrade. Rejects with `timed-out` where that cordon is gone: pods
   * may be back on it.
   */
  noteMark(node: string, mark: CordonMark, signal: AbortSignal): Promise<void>
  /**
   * Writes why the present attempt failed beside its count. Of a node that booted its old system the note that it is
   * staged goes with it: it is armed no longer.
   */
  noteFailure(node: string, attempts: Attempts, signal: AbortSignal): Promise<void>
  /**
   * Takes our own cordon with this reason away; any other is left alone. A leftover goes whatever its reason, and a node
   * that there is no longer has nothing to take away.
   */
  uncordon(
    node: string,
    why: CordonMark['why'],
    options: { forgetAttempts: boolean },
    signal: AbortSignal,
  ): Promise<void>
  /** Evicts what runs on the node and waits until it is gone. Rejects naming the pods that would not go. */
  drain(node: string, policy: DrainPolicy, signal: AbortSignal): Promise<void>
  /** Notes on a node that stays in service that an upgrade was installed on purpose; uncordoning forgets it with the attempts. */
  noteStaged(node: string, mark: CordonMark, signal: AbortSignal): Promise<void>
  /** Takes the count of attempts off the node, so that a release is tried there anew. */
  forgetAttempts(node: string, signal: AbortSignal): Promise<void>
  /** Writes on the node why it is not to be upgraded; undefined takes it away. */
  pause(node: string, reason: string | undefined, signal: AbortSignal): Promise<void>
  workloads(signal: AbortSignal): Promise<Workloads>
  /** What these label selectors choose that runs now and can be scaled to nothing. Only looks. */
  scalable(selections: readonly WorkloadSelection[], signal: AbortSignal): Promise<readonly ScaledWorkload[]>
  /** Makes it run with so many replicas. One that there is no longer, or that has them, is left alone. */
  scale(
    workload: Pick<ScaledWorkload, 'kind' | 'namespace' | 'name'>,
    replicas: number,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * What keeps storage systems from copying data about while their nodes are away on purpose, as it is now and as it
   * should be meanwhile. What is so already is left out. Only looks.
   */
  storageSettings(signal: AbortSignal): Promise<readonly StorageSetting[]>
  /** Gives one of them this value. */
  setStorage(
    setting: Pick<StorageSetting, 'system' | 'namespace' | 'name'>,
    value: string,
    signal: AbortSignal,
  ): Promise<void>
  /** Of these, what the API server would not let us do: `evict pods`. Only asks. */
  forbidden(signal: AbortSignal): Promise<readonly string[]>
  /** What Longhorn and Rook say of their data; of systems that the cluster doesn't have, nothing. */
  storage(signal: AbortSignal): Promise<StorageFacts>
  /**
   * Takes or renews the cluster's Lease object, so that two agents never work at the same time. One that has run out is
   * anybody's; `over` takes one that hasn't.
   */
  takeLease(claim: LeaseClaim, signal: AbortSignal): Promise<LeaseAnswer>
  /** Gives it back, where it is this holder's. */
  releaseLease(holder: string, signal: AbortSignal): Promise<void>
}

/** Which workloads to choose: `tier=batch`, in one namespace or in all. */
export interface WorkloadSelection {
  /** A label selector in Kubernetes' words. */
  readonly selector: string
  readonly namespace?: string | undefined
}

/** A workload and how many replicas it had; a CronJob has 1, or 0 while it is suspended. */
export interface ScaledWorkload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'CronJob'
  readonly namespace: string
  readonly name: string
  readonly replicas: number
}

/** One setting of a storage system: Longhorn's `node-drain-policy`, Ceph's flag `noout` (`set` or `unset`). */
export interface StorageSetting {
  readonly system: 'longhorn' | 'ceph'
  readonly namespace: string
  readonly name: string
  readonly before: string
  readonly during: string
}

export interface LeaseClaim {
  /** Who: the same over restarts of the same agent. */
  readonly holder: string
  readonly purpose: Purpose
  /** For how long it is good without being renewed, in ms. */
  readonly lasts: number
  readonly over?: true
}

export type LeaseAnswer =
  | { readonly held: true }
  | { readonly held: false; readonly by: string; readonly purpose: string; /** ms from now. */ readonly endsIn: number }

/** Where snapshots of etcd are kept. */
export interface Snapshots {
  /** Newest first; what is damaged or half-written is left out. */
  list(): Promise<readonly EtcdSnapshot[]>
  /** Brings one onto the disk, checked and flushed, and lets the oldest go. Rejects where it is not whole. */
  keep(
    about: { readonly node: string; readonly release: string },
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<EtcdSnapshot>
}

export interface EtcdSnapshot {
  /** Its absolute path. */
  readonly file: string
  /** ISO 8601. */
  readonly at: string
  readonly node: string
  /** The release that the cluster was about to go to. */
  readonly release: string
  readonly bytes: number
  readonly sha256: string
}

/** What the user has chosen to be asked before and after each node. */
export interface Checks {
  /** Undefined when it passes, else why not. Only what can't be asked at all is thrown. */
  run(check: Check, signal: AbortSignal): Promise<string | undefined>
}

/** A calendar of days on which nothing is to be touched. */
export interface Calendar {
  /** Of the next weeks. Rejects where it can't be read. */
  blackouts(now: Date, signal: AbortSignal): Promise<readonly Blackout[]>
}

/** A UPS as NUT's upsd tells of it. */
export interface Ups {
  readonly name: string
  read(signal: AbortSignal): Promise<UpsReading>
  /** Says to the primary that this cluster is down. Harmless where we are not logged in. */
  logOut(signal: AbortSignal): Promise<void>
  /** Counts as a secondary again, for which the primary waits. Harmless where no user is configured. */
  logIn(signal: AbortSignal): Promise<void>
  /**
   * Runs an instant command (`shutdown.return`) and waits until the driver has said that it is done, where upsd can
   * tell. Needs a user that may.
   */
  command(name: string, signal: AbortSignal): Promise<void>
}

/** Machines that are no nodes: a NAS, a hypervisor. Named as in the configuration. */
export interface Hosts {
  /** Whether it is up: something answers where the configuration says. */
  answers(host: string, signal: AbortSignal): Promise<boolean>
  /** Returns when it has taken the order. */
  shutDown(host: string, signal: AbortSignal): Promise<void>
  /** Whether the order would be taken, without giving it: rejects with what would go wrong. */
  rehearse(host: string, signal: AbortSignal): Promise<void>
}

/** Brings nodes and hosts up, by their names in the configuration. */
export interface Waker {
  /** Sends magic packets. That they were sent says nothing about the machine. Rejects `misconfigured` without a MAC address. */
  wake(machine: string, signal: AbortSignal): Promise<void>
  /** The way that the user has set up for a machine that packets do not wake: IPMI, a smart plug. Rejects where there is none. */
  powerOn(machine: string, signal: AbortSignal): Promise<void>
}
