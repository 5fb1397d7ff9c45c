import type { TokenRequests } from './access/requests.ts'
import type { Activity } from './activity.ts'
import type { Alert, AlertChange } from './alert.ts'
import type { Node, SeenCluster } from './cluster/cluster.ts'
import type { EtcdSnapshot } from './cluster/snapshot.ts'
import type { DoctorRequests } from './doctor/requests.ts'
import type { FailedEntry, JobSpec } from './job.ts'
import type { Entry, Run, RunOutcome } from './journal.ts'
import type { EntryFilter } from './journal-filter.ts'
import type { KnownAnswer } from './known.ts'
import type { Purpose } from './lease.ts'
import type { NamesAnswer } from './names.ts'
import type { BootChange, NetbootRequests } from './netboot/requests.ts'
import type { Delivery } from './notify/delivery.ts'
import type { Page, PageRequest } from './page.ts'
import type { DrillReportAnswer, TimelineRowAnswer, UnreadUps, UpsAnswer, UpsDetailsAnswer } from './power/answers.ts'
import type { Outage } from './power/outage.ts'
import type { UpsReadingsAnswer } from './power/readings.ts'
import type { ShutdownPlan } from './power/shutdown.ts'
import type { ImageStatus, StagedImage } from './release/image.ts'
import type { UkiSection } from './release/uki.ts'
import type { ReleaseAnswer } from './release/release-answer.ts'
import type { VerificationRequests } from './release/verification.ts'
import type { RequestAnswer } from './request-answer.ts'
import type { MachineConfigRequests } from './provision/config-requests.ts'
import type { MachineRequests } from './provision/requests.ts'
import type { Requester } from './requester.ts'
import type { TargetDecision } from './release/target.ts'
import type { Abort } from './upgrade/abort.ts'
import type { UpgradeDecision } from './upgrade/decision.ts'
import type { UpgradePreview } from './upgrade/preview.ts'
import type { Pause } from './upgrade/paused.ts'
import type { Rollout } from './upgrade/record.ts'
import type { ServiceStatus } from './service.ts'
import type { TestAnswer } from './notify/test-answer.ts'

/**
 * Everything that a person may ask or request. Every door (socket and CLI, API, dashboard, phone) leads here, and knows
 * nothing else. Answers are plain JSON: times are ISO 8601 in UTC, and numbers have their unit in their name.
 *
 * Every call rejects with an AgentError: `not-found` where a node, a machine or a job does not exist, `misconfigured`
 * where the request itself is wrong, `rejected` where it must not be done.
 */
export interface Operator {
  /** Called with each change from now on, until it is disposed of. Nothing is looked at for it. */
  subscribe(listener: (change: Change) => void): Disposable
  /** How everything is. `known`: the cluster as seen last, so that nobody waits; `followed`: looked at again meanwhile. */
  status(signal: AbortSignal, freshness?: 'recent' | 'known' | 'followed'): Promise<StatusAnswer>
  /** What is known without asking nodes, UPSes or the Factory: for whoever asks all the time. */
  known(): Promise<KnownAnswer>
  /** Open alerts, the most severe first. */
  alerts(): readonly Alert[]
  /** Settled alerts, those that were opened last first. */
  settledAlerts(page: PageRequest): Page<Alert>
  /** Newest first, those that are wanted. */
  journal(page: PageRequest & EntryFilter): Page<Entry>
  /** What can be named in a request, as it is known without looking. */
  names(): NamesAnswer
  /** The steps that are being carried out now. */
  activities(): readonly Activity[]
  readonly jobs: JobRequests
  readonly rollouts: RolloutRequests
  readonly nodes: NodeRequests
  readonly power: PowerRequests
  readonly staging: StagingRequests
  readonly notifications: NotificationRequests
  readonly tokens: TokenRequests<Asked>
  readonly doctor: DoctorRequests<Asked>
  readonly netboot: NetbootRequests<Asked>
  readonly machines: MachineRequests<Asked>
  readonly machineConfigs: MachineConfigRequests<Asked>
}

/**
 * What has changed: an alert, what a UPS tells, an entry that was written, what a machine does that boots from the network,
 * or anything else of the status.
 */
export type Change =
  | { readonly type: 'alert'; readonly change: AlertChange; readonly alert: Alert }
  | { readonly type: 'power'; readonly power: PowerAnswer }
  | { readonly type: 'journal'; readonly entry: Entry }
  | { readonly type: 'status'; readonly status: StatusAnswer }
  | { readonly type: 'boot'; readonly boot: BootChange }

/** What every request carries. */
export interface Asked {
  readonly by: Requester
  /** Aborts when no one waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface JobRequests {
  list(): readonly JobAnswer[]
  /** Newest first. */
  runs(page: PageRequest): Page<Run>
  /** Starts a job; with `wait` resolves when a run that started after the call has ended. */
  run(request: { readonly job: string; readonly wait: boolean }, asked: Asked): Promise<RunAnswer>
  /** What the queue has given up on, newest first. */
  failed(): Promise<readonly FailedEntry[]>
  /** Removes it from the queue. */
  clearFailed(asked: Asked): Promise<RequestAnswer>
}

export interface RolloutRequests {
  /** What the Image Factory offers now, and what it has withdrawn; newest first. */
  releases(signal: AbortSignal): Promise<readonly ReleaseAnswer[]>
  status(signal: AbortSignal): Promise<RolloutAnswer>
  plan(signal: AbortSignal): Promise<PlanAnswer>
  /** Newest first. */
  history(page: PageRequest): Page<Rollout>
  /** No further node is started. */
  pause(request: { readonly reason?: string | undefined }, asked: Asked): Promise<RequestAnswer>
  resume(asked: Asked): Promise<RequestAnswer>
  /** Withdraws a pause, an abort and requests to roll back. */
  start(asked: Asked): Promise<RequestAnswer>
  /** Aborts the rollout that is under way or to come; without a release the one that a person sees as coming. */
  abort(request: { readonly version?: string | undefined }, asked: Asked): Promise<RequestAnswer>
  approve(request: Approval, asked: Asked): Promise<RequestAnswer>
  /** Opens an upgrade window now. */
  openWindow(request: { readonly lastsMs: number }, asked: Asked): Promise<RequestAnswer>
}

export interface Approval {
  /** Without a release: the one that a person sees as coming. */
  readonly version?: string | undefined
  /** What nodes may lose with it, by name: extensions, kernel arguments. */
  readonly losing?: readonly string[] | undefined
}

export interface NodeRequests {
  list(signal: AbortSignal): Promise<readonly Node[]>
  find(request: { readonly node: string }, signal: AbortSignal): Promise<Node>
  /** Pauses upgrades of a node. */
  pause(request: { readonly node: string; readonly reason?: string | undefined }, asked: Asked): Promise<RequestAnswer>
  resume(request: { readonly node: string }, asked: Asked): Promise<RequestAnswer>
  /** Forgets failed attempts of one node, or of all nodes. */
  retry(request: { readonly node?: string | undefined }, asked: Asked): Promise<RequestAnswer>
  /** Rolls a node back to what it ran before, or disarms it. */
  rollback(request: { readonly node: string; readonly force: boolean }, asked: Asked): Promise<RequestAnswer>
}

export interface PowerRequests {
  state(): PowerAnswer
  plan(): PowerPlanAnswer
  /** Of the plan, how long it takes at the most, and how long the batteries last. */
  fit(): Pick<PowerPlanAnswer, 'needsMs' | 'leftMs'>
  /** Each UPS with everything that upsd tells of it now. */
  upses(signal: AbortSignal): Promise<readonly UpsDetailsAnswer[]>
  readings(): readonly UpsReadingsAnswer[]
  ups(request: { readonly ups: string }, signal: AbortSignal): Promise<UpsDetailsAnswer>
  /** Newest first. */
  outages(page: PageRequest): Page<Outage>
  /** Shuts everything down now, until someone wakes it. */
  shutDown(asked: Asked): Promise<RequestAnswer>
  cancel(asked: Asked): Promise<RequestAnswer>
  wake(request: WakeRequest, asked: Asked): Promise<RequestAnswer>
  drill(request: { readonly dryRun: boolean; readonly until?: string | undefined }, asked: Asked): Promise<DrillAnswer>
}

export interface WakeRequest {
  /** Wakes one machine, whatever is on record; without a name everything that an outage has shut down. */
  readonly machine?: string | undefined
  /** Those too that were off before. */
  readonly all?: boolean | undefined
}

export interface StagingRequests extends VerificationRequests<Asked> {
  staged(): Promise<readonly StagedImage[]>
  /** What the UKIs on the share are made of, by their paths; what could not be read is left out. */
  sections(signal: AbortSignal): Promise<ReadonlyMap<string, readonly UkiSection[]>>
  /** Without a release: the target release. */
  stage(request: { readonly version?: string | undefined; readonly wait: boolean }, asked: Asked): Promise<RunAnswer>
  /** Publishes what an image's name served before. It stays so until another release is to be published, or `stage`. */
  rollBack(request: { readonly image?: string | undefined; readonly wait: boolean }, asked: Asked): Promise<RunAnswer>
  /** Takes an image whose bytes are not those of before, by the beginning of its SHA-256. */
  accept(request: { readonly sha256: string }, asked: Asked): Promise<RequestAnswer>
}

export interface NotificationRequests {
  /** Sends a test message to one channel, or to all; answers when each has taken or refused it. */
  test(request: { readonly channel?: string | undefined }, asked: Asked): Promise<readonly TestAnswer[]>
  /** What was sent, and what waits, newest first. */
  log(page: PageRequest): Page<Delivery>
}

export interface StatusAnswer {
  readonly version: string
  readonly pid: number
  /** ISO 8601. */
  readonly startedAt: string
  readonly cluster: SeenCluster
  readonly power: PowerAnswer
  readonly target: string | undefined
  /** What the last look at releases came to, as a sentence. */
  readonly news: string | undefined
  /** Nodes that stay behind, and why, one sentence each. */
  readonly leftBehind: readonly string[]
  /** Why the cluster is being changed. */
  readonly leaseHolder: Purpose | undefined
  /** The steps that are being carried out. */
  readonly activities: readonly Activity[]
  readonly alerts: {
    /** How many are open. */
    readonly open: number
    /** The first of them: see `compareAlerts`. */
    readonly worst: Alert | undefined
  }
  readonly outage: Outage | undefined
  /** That rollouts are paused. */
  readonly paused: Pause | undefined
  /** Why the last run of `upgrade-node` ended early: what it waits for, or what it is stuck at. */
  readonly waiting?: string | undefined
  readonly published: StagedImage | undefined
  readonly images: readonly ImageStatus[]
  /** Jobs by state; undefined when the queue's store does not answer. */
  readonly queue: Readonly<Record<string, number>> | undefined
  /** The daemon's services. */
  readonly services: readonly ServiceStatus[]
  /** What is missing for more, and how to provide it, a sentence each. */
  readonly missing: readonly string[]
  /** What is wrong with the configuration file, or which changes need a restart; undefined if it is in use as it is. */
  readonly configuration: string | undefined
  /** Why the journal is kept in memory; undefined if the disk works. */
  readonly journalDegraded: string | undefined
}

export interface PowerAnswer {
  readonly upses: readonly UpsAnswer[]
  /** When a person requested the shutdown of everything, ISO 8601. */
  readonly shutdownRequestedAt: string | undefined
}

/** What a shutdown would do now, or does. */
export interface PowerPlanAnswer {
  readonly form: ShutdownPlan['form']
  readonly reason: string
  /** What the battery has left; null where it is not known (JSON has no Infinity). */
  readonly leftMs: number | null
  /** Why it is not known, as a clause. */
  readonly leftUnknown?: string | undefined
  /** What the whole takes at most. */
  readonly needsMs: number
  readonly timeline: readonly TimelineRowAnswer[]
  /** UPSes that do not answer, each with what can't start a shutdown because of it. */
  readonly unread?: readonly UnreadUps[]
}

export interface DrillAnswer {
  readonly run: RunAnswer
  readonly report: DrillReportAnswer | undefined
}

export interface JobAnswer extends Pick<JobSpec, 'name' | 'about' | 'triggers' | 'runs'> {
  readonly lastRun: Run | undefined
}

export interface RunAnswer {
  readonly outcome: RunOutcome | 'started'
  readonly detail: string
}

/** A preview whose times are ISO 8601. */
export interface PlanAnswer extends Omit<UpgradePreview, 'cluster' | 'decision' | 'release' | 'takes'> {
  readonly release:
    | Exclude<TargetDecision, { kind: 'wait' }>
    | (Omit<TargetDecision & { kind: 'wait' }, 'until'> & { readonly until?: string })
  /** How long all of the nodes take, by what was measured before. */
  readonly takesMs: number
  readonly decision:
    | Exclude<UpgradeDecision, { kind: 'wait' }>
    | { readonly kind: 'wait'; readonly reason: string; readonly until?: string }
}

/** Requests about rollouts, and the open rollout. */
export interface RolloutAnswer {
  readonly plan: PlanAnswer
  /** The record of the open rollout. */
  readonly current: Rollout | undefined
  readonly approved: string | undefined
  /** The rollouts that were aborted, oldest first. */
  readonly aborted: readonly Abort[]
  readonly paused: Pause | undefined
  /** ISO 8601: until when a person has opened a window. */
  readonly openUntil: string | undefined
  /** The newest snapshot of etcd. */
  readonly snapshot: EtcdSnapshot | undefined
}
