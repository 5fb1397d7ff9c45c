import type { Attempts, CordonMark } from './cluster.ts'

/**
 * A plan is a list of phases, run one after another; the steps of a phase run together. (Talos calls the same things
 * sequence, phase and task.) A plan is plain data: it can be printed, compared in a test, and thrown away and made
 * again after a crash.
 */
export type Plan = readonly Phase[]

export interface Phase {
  readonly name: string
  readonly steps: readonly Step[]
  /** Carry on with the next phase even if a step of this one fails. */
  readonly bestEffort?: true
}

/** Every step is safe to do twice: it looks before it leaps, or is harmless to repeat. Durations are in ms. */
export type Step =
  | { do: 'pull-image'; node: string; image: string; within: number }
  | { do: 'cordon'; node: string; mark: CordonMark; attempts?: Attempts; within: number }
  | { do: 'note-failure'; node: string; attempts: Attempts }
  | { do: 'drain'; node: string; policy: DrainPolicy; within: number }
  /** Looks once more whether the node can be taken away: much may have happened since that was decided. */
  | { do: 'confirm'; node: string }
  /** Talos 1.13 and later: runs the installer, and nothing else. */
  | { do: 'install'; node: string; image: string; within: number }
  /** `bootId` is the boot that is to end: a node that has another one was rebooted already. */
  | { do: 'reboot'; node: string; bootId: string; mark: CordonMark }
  /** Talos 1.12 and earlier: one call that pulls, installs and reboots. */
  | { do: 'install-and-reboot'; node: string; image: string; bootId: string; mark: CordonMark; within: number }
  | { do: 'await-upgraded'; node: string; version: string; schematic: string; bootId: string; within: number }
  | { do: 'await-etcd'; within: number }
  | { do: 'uncordon'; node: string; why: CordonMark['why']; forgetAttempts?: true }
  | { do: 'settle'; node: string; lasts: number }
  | { do: 'shut-down'; node: string; force: boolean; within: number }
  | { do: 'await-down'; node: string; within: number }
  | { do: 'log-out-of-ups' }
  | { do: 'log-in-to-ups' }
  /**
   * Wakes a node, waits until it is healthy (or only answers, where it was not `ready` before), and takes our cordon for
   * the power away. `afterKubernetes`: not before the API server answers.
   */
  | {
      do: 'bring-back'
      node: string
      mac: string | undefined
      afterKubernetes: boolean
      ready: boolean
      retryEvery: number
      within: number
    }
  | { do: 'stage-image'; image: ImageOrder; publish: boolean }

/** What a drain does about pods that a disruption budget protects. */
export interface DrainPolicy {
  /** After this many ms of refused evictions pods are deleted all the same; undefined: never, the drain fails instead. */
  readonly deleteAfter?: number
  /** No pod gets longer than this to stop, whatever it asks for, in ms. */
  readonly maxGrace?: number
}

/** A UKI to bring onto the share. */
export interface ImageOrder {
  /** The schematic's id, 64 hex digits. */
  readonly schematic: string
  readonly version: string
  readonly architecture: Architecture
  /** The schematic's own kernel arguments, which the UKI's command line must hold. */
  readonly kernelArguments: readonly string[]
}

export type Architecture = 'amd64' | 'arm64'

export function phase(name: string, ...steps: readonly Step[]): Phase {
  return { name, steps }
}

export function bestEffort(phase: Phase): Phase {
  return { ...phase, bestEffort: true }
}

/** The step in a few words: `drain w-1`. */
export function describeStep(step: Step): string {
  const words = step.do.replaceAll('-', ' ')
  if ('node' in step) return `${words} ${step.node}`
  return step.do === 'stage-image' ? `${words} ${step.image.version}` : words
}
