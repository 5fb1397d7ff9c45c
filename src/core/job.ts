import type { Config } from '../config.ts'
import type { Cluster } from './cluster.ts'
import type { Event, EventType } from './event.ts'
import type { Purpose } from './lease.ts'
import type { Logger } from './log.ts'
import type { Machine } from './machines.ts'
import type { Plan, Step } from './plan.ts'
import type { Ports } from './ports.ts'
import type { Power } from './feeds.ts'
import type { Schematic } from './schematic.ts'

/** A job is one file in jobs/: what it is called, what starts it, and what it does. */
export interface Job {
  /** Also the file's name, the queue's job name, and the CLI's word for it. */
  readonly name: string
  /** One sentence for `caretaker jobs`. */
  readonly about: string
  readonly triggers: readonly Trigger[]
  /** Set when the job changes the cluster: it then runs alone, under the lease. */
  readonly purpose?: Purpose
  /**
   * Where it runs. `queue`: through BullMQ, with retries and a record. `here`: in this process at once, because it must
   * work while the queue store is away; an outcome `later` is then kept by a timer.
   */
  readonly runs: 'queue' | 'here'
  /** Looks, before the lease is taken, whether there is anything to do; an outcome says that there is not. */
  idle?(context: JobContext): Promise<Outcome | undefined>
  run(context: JobContext): Promise<Outcome>
}

export type Trigger = { on: EventType } | { every: string } | { cron: string }

/** Everything that a job may use. There is nothing to import but the pure core. */
export interface JobContext {
  readonly config: Config
  /** Every node and host of the configuration, as the power sees it. */
  readonly machines: readonly Machine[]
  readonly log: Logger
  readonly signal: AbortSignal
  /** How the power is; what it holds changes with every reading. */
  readonly power: Power
  /** Aborts as soon as the test, made at once and then at each reading, gives a reason; until it is disposed of. */
  whenPower(test: (power: Power) => string | undefined): PowerWatch
  /** For looking. What changes the cluster goes through `carryOut`. */
  readonly ports: Ports
  /** The schematics of config/schematics as they are now, by name. */
  readonly schematics: ReadonlyMap<string, RegisteredSchematic>
  now(): Date
  /** ms of a clock that never jumps. */
  monotonic(): number
  emit(event: Event): Promise<void>
  /** Looks at the cluster; what has not answered after so many ms counts as silent. */
  observe(within?: number): Promise<Cluster>
  /** The node of the cluster that this agent itself runs on, if it does. */
  readonly ownNode: string | undefined
  /** The present boot of the machine that this agent runs on, where it tells. */
  readonly bootId: string | undefined
  /** Names of the nodes that answered at most this many ms ago. */
  answeredWithin(ms: number): ReadonlySet<string>
  carryOut(plan: Plan, options?: CarryOutChoices): Promise<void>
}

export interface PowerWatch extends Disposable {
  readonly signal: AbortSignal
}

export interface RegisteredSchematic {
  /** As we compute it; the Factory's own answer is what counts when an image is asked for. */
  readonly id: string
  readonly schematic: Schematic
}

export interface CarryOutChoices {
  /** Joined with the run's own signal. */
  readonly signal?: AbortSignal
  /** Called before each phase; a reason ends the plan there, with an AgentError `rejected`. */
  readonly mayGoOn?: (phase: string) => string | undefined
  /** Called, and done, before a step's first effect and after its end: what must be durable is written here. */
  readonly onStep?: (step: Step, state: StepState) => void
  /** Called when a phase has ended well, with how long it took, in ms. */
  readonly onPhase?: (phase: string, ms: number) => void
}

export type StepState = { kind: 'started' } | { kind: 'done' } | { kind: 'failed'; error: Error }

export type Outcome = { kind: 'done'; summary: string } | { kind: 'later'; reason: string; at: Date }

export const done = (summary: string): Outcome => ({ kind: 'done', summary })
export const later = (reason: string, at: Date): Outcome => ({ kind: 'later', reason, at })

export const on = (event: EventType): Trigger => ({ on: event })
export const every = (interval: string): Trigger => ({ every: interval })
export const cron = (pattern: string): Trigger => ({ cron: pattern })

export function defineJob(job: Job): Job {
  return job
}

/** `at`, this many ms from now. */
export function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms)
}
