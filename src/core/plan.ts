import type { Check } from './cluster/check.ts'
import type { AcceptedWarning, Attempts, CordonMark } from './cluster/cluster.ts'
import type { DisruptionPolicy } from './cluster/disruption.ts'
import type { ExpectedMachine } from './cluster/identity.ts'
import type { DrainPolicy, RebootMode } from './cluster/drain.ts'
import type { ScaledWorkload, StorageSetting } from './cluster/workload.ts'
import type { PhaseId } from './phase-id.ts'
import type { ImageOrder } from './release/image.ts'

/**
 * A plan is a list of phases, run one after another; the steps of a phase run together. (Talos calls the same things
 * sequence, phase and task.) A plan is plain data: it can be printed, compared in a test, and thrown away and made
 * again after a crash.
 */
export type Plan = readonly Phase[]

export interface Phase {
  readonly id: PhaseId
  readonly steps: readonly Step[]
  /** What stops it before or while it runs. */
  readonly stops: readonly StopReason[]
  /** Carry on with the next phase even if a step of this one fails. */
  readonly bestEffort?: true
}

/**
 * | reason           | means                                                                                   |
 * |------------------|-----------------------------------------------------------------------------------------|
 * | failing-power    | the UPS could not feed what follows                                                     |
 * | pause            | a person, or the configuration, has paused rollouts                                     |
 * | abort            | the rollout was aborted, or its release is withdrawn                                    |
 * | rollback-request | a person has requested to roll the node back                                            |
 * | power-change     | the power has changed: mains is back, has failed again, or has failed for more machines |
 * | short-battery    | the battery has no time left for it                                                     |
 */
export type StopReason = 'failing-power' | 'pause' | 'abort' | 'rollback-request' | 'power-change' | 'short-battery'

/** The reasons to stop that hold now, each worded to follow "because". */
export type StopReasons = Readonly<Partial<Record<StopReason, string | undefined>>>

/**
 * Why this phase may not start or continue, most urgent first. Reasons that do not stop this phase are not even
 * evaluated.
 */
export function whyNotBegin({ stops }: Pick<Phase, 'stops'>, present: StopReasons): string | undefined {
  for (const reason of severest) {
    const why = stops.includes(reason) ? present[reason] : undefined
    if (why !== undefined) return why
  }
  return undefined
}

const severest: readonly StopReason[] = [
  'failing-power',
  'power-change',
  'short-battery',
  'abort',
  'pause',
  'rollback-request',
]

/** Every step is safe to do twice: it checks first, or is harmless to repeat. Durations are in ms. */
export type Step =
  | { do: 'pull-image'; node: string; image: string; within: number }
  | { do: 'cordon'; node: string; mark: CordonMark; attempts?: Attempts; within: number }
  | { do: 'note-failure'; node: string; attempts: Attempts }
  | { do: 'drain'; node: string; policy: DrainPolicy; within: number }
  /** Checks once more that the node may go down and that our cordon is still there: the cluster may have changed. */
  | { do: 'confirm'; node: string; machine: ExpectedMachine; limits: DisruptionPolicy }
  /** Streams etcd's database to the disk, checked. From `node`, which need not be the leader. */
  | { do: 'snapshot-etcd'; node: string; release: string; within: number }
  | { do: 'forfeit-leadership'; node: string; machine: ExpectedMachine }
  /** Notes on a node that stays in service that it is armed on purpose. */
  | { do: 'note-staged'; node: string; mark: CordonMark }
  /**
   * Talos 1.13 and later: runs the installer, and nothing else. `mark` is noted on a cordoned node before and after. It
   * runs in the mark's boot alone, or in `bootId` where no mark is to be noted.
   */
  | {
      do: 'install'
      node: string
      machine: ExpectedMachine
      image: string
      mark?: CordonMark
      bootId?: string
      within: number
    }
  /** `bootId` is the boot that is to end: a node that has another one was rebooted already. */
  | {
      do: 'reboot'
      node: string
      machine: ExpectedMachine
      bootId: string
      mark: CordonMark
      mode: RebootMode
    }
  /** Talos 1.12 and earlier: one call that pulls, installs and reboots. */
  | {
      do: 'install-and-reboot'
      node: string
      machine: ExpectedMachine
      image: string
      bootId: string
      mark: CordonMark
      mode: RebootMode
      within: number
    }
  /** Makes the other boot entry the default and reboots into it. */
  | {
      do: 'roll-back'
      node: string
      machine: ExpectedMachine
      bootId: string
      mark: CordonMark
      /** Although etcd may lose its quorum by it. */
      force: boolean
      twoMembers: DisruptionPolicy['twoMembers']
    }
  | {
      do: 'await-upgraded'
      node: string
      version: string
      schematic: string
      bootId: string
      within: number
      identity: Identity
    }
  /** A new boot, whole and healthy, of what the mark says that the node goes back to. */
  | { do: 'await-rolled-back'; node: string; bootId: string; mark: CordonMark; within: number }
  | { do: 'await-checks'; node: string; checks: readonly Check[]; within: number }
  | { do: 'await-etcd'; within: number }
  | { do: 'uncordon'; node: string; why: CordonMark['why']; forgetAttempts?: true }
  | { do: 'settle'; node: string; lasts: number }
  | { do: 'shut-down'; node: string; force: boolean; within: number }
  | { do: 'await-down'; node: string; within: number }
  | { do: 'shut-down-host'; host: string; within: number }
  | { do: 'await-host-down'; host: string; within: number }
  | { do: 'scale'; workload: ScaledWorkload; replicas: number; within: number }
  | { do: 'set-storage'; setting: StorageSetting; value: string; within: number }
  | { do: 'await-storage'; within: number; accepted?: readonly AcceptedWarning[] }
  /** An instant command to the UPS itself. */
  | { do: 'ups-command'; ups: string; command: string; within: number }
  | { do: 'log-out-of-ups'; ups: string }
  | { do: 'log-in-to-ups'; ups: string }
  /**
   * Wakes a node, waits until it is healthy (or only answers, where it was not `ready` before), and takes our cordon for
   * the power away. `afterKubernetes`: not before the API server answers.
   */
  | (Waking & { do: 'bring-back'; node: string; afterKubernetes: boolean; ready: boolean })
  /** `stopsWithin`: it was told, and not seen silent since; how long it may take to be, in ms. */
  | (Waking & { do: 'bring-back-host'; host: string; stopsWithin?: number })
  /** `publishAs`: the name that serves it from then on. */
  | { do: 'stage-image'; image: ImageOrder; publishAs?: string | undefined }

/** How a machine is woken; times in ms. */
export interface Waking {
  /** Magic packets can reach it. */
  readonly hasMac: boolean
  readonly retryInterval: number
  /** What else switches it on is tried after so long; undefined where there is nothing else. */
  readonly powerOnAfter: number | undefined
  readonly within: number
}

/** By what a machine is known again after a reboot; what isn't given is not asked for. */
export interface Identity {
  readonly machineId?: string
  readonly uuid?: string
  /** Official extensions that it must have. */
  readonly extensions: readonly string[]
  readonly kernelArguments?: readonly string[]
}

/** A phase that ends the plan where one of its steps fails. What may stop it is said for each: `[]` for nothing. */
export function phase(id: PhaseId, stops: readonly StopReason[], ...steps: readonly Step[]): Phase {
  return { id, stops, steps }
}

export function bestEffort<P extends Phase>(phase: P): P & { readonly bestEffort: true } {
  return { ...phase, bestEffort: true }
}

export interface CarryOutChoices {
  /** Joined with the run's own signal. */
  readonly signal?: AbortSignal
  /** Called before each phase; a reason ends the plan there, with a retryable AgentError. */
  readonly whyNotBegin?: (phase: Phase) => string | undefined
  /** Called, and done, before a step's first effect and after its end: what must be durable is written here. */
  readonly onStep?: (step: Step, state: StepState) => void
  /** Called when a phase has ended well, with how long it took, in ms. */
  readonly onPhase?: (phase: PhaseId, ms: number) => void
  /** It only verifies what is so already: the journal records failures only. */
  readonly isRoutine?: boolean
}

export type StepState = { kind: 'started' } | { kind: 'done' } | { kind: 'failed'; error: Error }
