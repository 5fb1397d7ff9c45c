import type { Purpose } from '../lease.ts'
import type { Check } from './check.ts'
import type {
  Attempts,
  CordonMark,
  KubernetesFacts,
  StorageFacts,
  StorageWarning,
  TalosFacts,
  Workloads,
} from './cluster.ts'
import type { KubernetesComponent } from './components.ts'
import type { DrainPolicy, RebootMode } from './drain.ts'
import type { ExpectedMachine } from './identity.ts'
import type { EtcdSnapshot } from './snapshot.ts'
import type { ScaledWorkload, StorageSetting, WorkloadSelection } from './workload.ts'

/**
 * The nodes' machine APIs. Nodes are named as in the configuration. `machine`, if given, must answer at
 * the node's address: it is asked for that on the very connection that the order then goes over, because an address may
 * lead to another machine from one moment to the next. Rejects with `not-now` where it is another one.
 */
export interface Talos {
  observe(node: string, signal: AbortSignal): Promise<TalosFacts>
  /** The running release: the cheapest call, to find out which nodes answer. */
  version(node: string, signal: AbortSignal): Promise<string>
  /** The stage that it is in (`running`, `shutting down`), and the phase of its sequence where its events show one. */
  activity(node: string, signal: AbortSignal): Promise<NodeActivity>
  pullImage(node: string, image: string, signal: AbortSignal): Promise<void>
  /** Talos 1.13 and later: runs the installer. Rejects with its exit code and last lines when it fails. */
  install(node: string, image: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Talos 1.12 and earlier: returns when the node has accepted; it pulled and checked the image by then. */
  installAndReboot(
    node: string,
    order: { readonly image: string; readonly mode: RebootMode },
    signal: AbortSignal,
    machine?: ExpectedMachine,
  ): Promise<void>
  reboot(node: string, mode: RebootMode, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Makes the other boot entry the default and reboots. Rejected where there is no other one. */
  rollback(node: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<void>
  /** Forfeits etcd leadership; returns the new leader's name, or undefined if the node was not the leader. */
  forfeitLeadership(node: string, signal: AbortSignal, machine?: ExpectedMachine): Promise<string | undefined>
  /** A snapshot of etcd's database, as a stream. Ends early, or throws, if the node breaks off. */
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
  /** `stopServices`; undefined where no sequence runs, or where no one tells. */
  readonly phase: string | undefined
}

export interface Kubernetes {
  /** The API server's version, `v1.36.3`. */
  version(signal: AbortSignal): Promise<string>
  nodes(signal: AbortSignal): Promise<ReadonlyMap<string, KubernetesFacts>>
  /** Of which version the kubelets are, and the static pods of the control planes. */
  components(signal: AbortSignal): Promise<readonly KubernetesComponent[]>
  /**
   * Makes the node unschedulable and leaves our mark on it. A node that someone else has cordoned is left alone:
   * rejected for an upgrade, fine for a power cut. A mark for an upgrade is not overwritten by one for the power.
   */
  cordon(node: string, mark: CordonMark, attempts: Attempts | undefined, signal: AbortSignal): Promise<void>
  /**
   * Rewrites our mark on a node that we cordoned for its upgrade. Rejects with `not-now` where that cordon is gone: pods
   * may be back on it.
   */
  noteMark(node: string, mark: CordonMark, signal: AbortSignal): Promise<void>
  /**
   * Writes why the current attempt failed beside its count. Of a node that booted its previous release the note that it is
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
  /** Evicts the pods of the node and waits until they are gone. Rejects with the names of those that remain. */
  drain(node: string, policy: DrainPolicy, signal: AbortSignal): Promise<void>
  /** Notes on a node that stays in service that an upgrade was installed on purpose; uncordoning forgets it with the attempts. */
  noteStaged(node: string, mark: CordonMark, signal: AbortSignal): Promise<void>
  /** Takes the count of attempts off the node, so that a release is tried there again. */
  forgetAttempts(node: string, signal: AbortSignal): Promise<void>
  /** Annotates the node with why it is paused; undefined removes the annotation. */
  pause(node: string, reason: string | undefined, signal: AbortSignal): Promise<void>
  workloads(signal: AbortSignal): Promise<Workloads>
  /** What these label selectors choose that runs now and can be scaled to zero. Only looks. */
  scalable(selections: readonly WorkloadSelection[], signal: AbortSignal): Promise<readonly ScaledWorkload[]>
  /** What we have scaled to zero and is so still, by the note that we left on it. Only looks. */
  scaledDown(signal: AbortSignal): Promise<readonly ScaledWorkload[]>
  /** Scales a workload. One that is gone, or has these replicas already, is left alone. */
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
  /** What the API server forbids of what Caretaker needs: `evict pods`. Reads only. */
  forbidden(signal: AbortSignal): Promise<readonly string[]>
  /** The state of Longhorn and Rook; nothing for systems that the cluster doesn't have. */
  storage(signal: AbortSignal): Promise<StorageFacts>
  /**
   * What of their data is not whole, as the systems themselves say now: after a power cut Kubernetes has their state from
   * before it until their operators have looked again. Empty where all is whole.
   */
  unhealed(signal: AbortSignal): Promise<readonly StorageWarning[]>
  /**
   * Takes or renews the cluster's Lease object, so that two agents never work at the same time. One that has expired is
   * anyone's; `over` takes one that hasn't.
   */
  takeLease(claim: LeaseClaim, signal: AbortSignal): Promise<LeaseAnswer>
  /** Gives it back, where it is this holder's. */
  releaseLease(holder: string, signal: AbortSignal): Promise<void>
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
  /** Saves a snapshot, verified and flushed, and prunes the oldest. Rejects if it is incomplete. */
  keep(
    about: { readonly node: string; readonly release: string },
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<EtcdSnapshot>
}

/** User-defined checks, run before and after each node. */
export interface Checks {
  /** Undefined if it passes, else why not. Throws only if it can't be evaluated at all. */
  run(check: Check, signal: AbortSignal): Promise<string | undefined>
}
