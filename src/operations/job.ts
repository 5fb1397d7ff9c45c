import type { Alerts } from '../core/alert.ts'
import type { Config } from '../config/config.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import type { Event } from '../core/event.ts'
import type { Logger } from '../core/log.ts'
import type { Machine } from '../core/power/machines.ts'
import type { CarryOutChoices, Plan } from '../core/plan.ts'
import type { Ports } from '../core/ports.ts'
import type { Power, PowerWatch } from '../core/power/feeds.ts'
import type { JobSpec, Outcome } from '../core/job.ts'
import type { RegisteredSchematic } from '../core/release/schematic.ts'
import type { Timekeeper } from './timekeeper.ts'
import type { Wording } from '../core/wording.ts'

/** A job is one file in jobs/: what it is called, what starts it, and what it does. */
export interface Job extends JobSpec {
  /** Looks, before the lease is taken, whether there is anything to do; an outcome says that there is not. */
  idle?(context: JobContext): Promise<Outcome | undefined>
  run(context: JobContext): Promise<Outcome>
}

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
  readonly alerts: Alerts
  /** The schematics of config/schematics as they are now, by name. */
  readonly schematics: ReadonlyMap<string, RegisteredSchematic>
  now(): Date
  /** Monotonic clock, in ms. */
  monotonic(): number
  /** Whether `now` is to be believed. */
  readonly clock: Timekeeper
  emit(event: Event): Promise<void>
  /** Looks at the cluster; what has not answered after so many ms counts as silent. */
  observe(within?: number): Promise<Cluster>
  /** The node of the cluster that this agent itself runs on, if it does. */
  readonly ownNode: string | undefined
  /** The current boot of the machine that this agent runs on, where it tells. */
  readonly bootId: string | undefined
  /** Names of the nodes that answered at most this many ms ago. */
  answeredWithin(ms: number): ReadonlySet<string>
  carryOut(plan: Plan, options?: CarryOutChoices): Promise<void>
  /** The wording of phases and steps, for people. */
  readonly wording: Wording
}

export function defineJob(job: Job): Job {
  return job
}
