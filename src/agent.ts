import type { Journal } from './core/journal.ts'
import { policyFor } from './core/power/triggers.ts'
import type { Config } from './config/config.ts'
import type { Alerts } from './core/alert.ts'
import { messageOf } from './core/errors.ts'
import { after, later, type Queue } from './core/job.ts'
import type { Logger } from './core/log.ts'
import type { Ports } from './core/ports.ts'
import { createMeter, type Meter } from './core/metrics/meter.ts'
import { english, type Wording } from './core/wording.ts'
import { type Machine, machinesOf } from './core/power/machines.ts'
import type { RegisteredSchematic } from './core/release/schematic.ts'
import { createActivities } from './engine/activities.ts'
import { createAnswering } from './engine/answering.ts'
import { createEvents } from './engine/events.ts'
import { createFollowUp } from './engine/follow-up.ts'
import { createInProcess } from './engine/in-process.ts'
import { createKubernetesLease } from './engine/kubernetes-lease.ts'
import { createLooking } from './engine/looking.ts'
import type { LookLimits } from './engine/observe.ts'
import { createRunner, type Runner } from './engine/runner.ts'
import { meterAgent } from './engine/metering.ts'
import { createTakeoverLock } from './engine/takeover-lock.ts'
import { createUpsMonitor } from './engine/ups-monitor.ts'
import { settleStale } from './operations/alerts.ts'
import { believedClock, type Timekeeper } from './operations/timekeeper.ts'
import { remembered } from './operations/facts.ts'
import { type PowerFailureContext, powerFailed, powerSignature, reportPowerFailure } from './operations/power-failed.ts'
import { followRenames } from './operations/machine-names.ts'
import type { Job, JobContext } from './operations/job.ts'

export interface AgentOptions {
  /** The configuration as it is now: what can change at once is asked for each time. */
  readonly config: () => Config
  readonly ports: Ports
  readonly jobs: readonly Job[]
  readonly queue: Queue
  readonly alerts: Alerts
  readonly log: Logger
  readonly schematics: () => ReadonlyMap<string, RegisteredSchematic>
  /** The wording of plans, for people. */
  readonly wording?: Wording
  readonly now?: () => Date
  /** Monotonic clock, in ms. */
  readonly monotonic?: () => number
  /** Where what happens is counted. */
  readonly meter?: Meter
  /** Whether the wall clock is to be believed; it is unless this says otherwise. */
  readonly clock?: Timekeeper
  /** Poll interval of a wait, in ms. */
  readonly pollEvery?: number
  /** How long a holder that is taken over may take to release the lease, in ms. */
  readonly leaseGrace?: number
  /** When a job that found the lease taken tries again, in ms. */
  readonly leaseRetry?: number
  /** The holder identity of this agent in the cluster's Lease: the same after a restart. */
  readonly holder?: string
  /** The node that this agent runs on, if it runs on one. */
  readonly ownNode?: string | undefined
  /** The configured node or host that this agent runs on, if any. */
  readonly ownMachine?: string | undefined
  /** The current boot of the machine that it runs on. */
  readonly bootId?: string | undefined
}

/**
 * The whole agent, without its process and its services. main.ts makes one with the real ports, a test makes
 * one with fakes; nothing else differs.
 */
export function createAgent(options: AgentOptions) {
  const { config, ports, jobs, queue, alerts, log, schematics } = options
  const { wording = english, now = () => new Date(), monotonic = () => performance.now() } = options
  const { pollEvery = 1_000, leaseGrace = 10_000, leaseRetry = 15_000, clock = believedClock } = options
  const { meter = createMeter() } = options
  const { holder = 'caretaker', ownNode, ownMachine = ownNode, bootId } = options
  const { journal } = ports
  const inventory = () => config().nodes
  followRenames(journal, config())
  settleStale(alerts, { job: namesOf(jobs), node: namesOf(inventory()), hasOutage: journal.openOutage() !== undefined })

  const shared = { journal, alerts, now, monotonic, meter }
  const lock = createTakeoverLock(leaseGrace)
  const lease = createKubernetesLease(ports.kubernetes, holder, log)
  const { look, onLook } = createLooking(inventory, ports)
  const activities = createActivities({ ...shared, ports, confirm: lease.confirm, inventory, wording, pollEvery })
  const inProcess = createInProcess<Job>({
    run: (job) => runner.run(job, runner.stopping),
    failed: (job, error) => later(`${job.name} failed: ${messageOf(error)}`, after(now(), leaseRetry)),
    now,
  })
  const events = createEvents<Job>({ jobs, queue, wake: inProcess.wake, journal, log })
  const { emit } = events
  const answering = createAnswering(monotonic, emit)
  const guard = createUpsMonitor({ ...upsesOf(config, journal), ...shared, emit, bootId })
  const runner: Runner<Job> = createRunner<JobContext, Job>({
    ...shared,
    contextOf,
    lock,
    lease,
    isRollbackWanted: () => (remembered.rollbacks.recall(journal) ?? []).length > 0,
    wake: inProcess.wake,
    log,
    leaseRetry,
  })
  meterAgent({ ...shared, onRun: runner.onRun, onEvent: events.subscribe })
  const machines = lastFor(config, (current) => machinesOf(current, ownMachine))
  const powerCut = followPower(
    () => ({ config: config(), machines: machines(), ports, power: guard.power, now, monotonic, wording, alerts }),
    log,
  )
  guard.onChange(powerCut.note)

  function contextOf(job: Job, signal: AbortSignal): JobContext {
    const jobLog = log.child({ job: job.name })
    return {
      get config() {
        return config()
      },
      get machines() {
        return machines()
      },
      log: jobLog,
      signal,
      ports,
      alerts,
      now,
      monotonic,
      clock,
      emit,
      schematics: schematics(),
      power: guard.power,
      whenPower: guard.when,
      observe: (within) => look(signal, { within }),
      ownNode,
      bootId,
      wording,
      answeredWithin: answering.within,
      carryOut: (plan, choices) => activities.carryOut(plan, { job: job.name, log: jobLog, signal }, choices),
    }
  }

  return {
    emit,
    alerts,
    /** Called with each event, in this process, until it is disposed of. */
    onEvent: events.subscribe,
    runJob: runner.run,
    onRun: runner.onRun,
    guard,
    get machines(): readonly Machine[] {
      return machines()
    },
    noticeNode: answering.notice,
    jobs,
    running: runner.running,
    now,
    monotonic,
    get leaseHolder() {
      return lock.holder
    },
    get activities() {
      return activities.all
    },
    get steps() {
      return activities.steps
    },
    observe: (signal: AbortSignal, limits?: LookLimits) => look(signal, limits),
    onLook,
    onActivity: activities.onChange,
    /** Shows what a job would decide, without running it. */
    preview: contextOf,
    /** Starts a job that runs in process, or queues one that doesn't. */
    start: async (job: Job): Promise<void> => {
      if (job.runs === 'in-process') inProcess.wake(job)
      else await queue.add(job)
    },
    goOn: (work: (signal: AbortSignal) => Promise<void>) =>
      void work(runner.stopping).catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'not finished')),
    /** Resolves when no job runs in process and none is about to. */
    idle: () => inProcess.idle(),
    /** Cancels what runs, and waits until it has ended. Nothing starts after that. */
    stop: async (): Promise<void> => {
      runner.stop()
      await inProcess.stop()
      powerCut.stop()
      guard.rest()
    },
  }
}

export type Agent = ReturnType<typeof createAgent>

const namesOf = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name)

/** The UPSes that are guarded, each by its policy as it is now. */
function upsesOf(config: () => Config, journal: Journal) {
  return {
    upses: config().upses.map(({ label }) => label),
    policy: (label: string) => policyFor(config(), label),
    ordered: standingOrder(journal),
  }
}

/** A person's order to shut everything down, kept over restarts: when it was given, ISO 8601. */
function standingOrder(journal: Journal) {
  return {
    get: () => remembered.ordered.recall(journal),
    set: (at: string | undefined): void => {
      remembered.ordered.remember(journal, at)
      // Whoever wants everything down no longer wants it up at any price.
      if (at !== undefined) remembered.wakeNow.remember(journal, undefined)
    },
  }
}

/** A shutdown that has to begin goes before what is said of it, in ms. */
const shutdownFirst = 1_000
/** Between two looks at a power cut for as long as it lasts, in ms. */
const powerLookEvery = 5_000

/** Keeps the alert on a power cut true, from the first reading on battery until everything is as it was. */
function followPower(context: () => PowerFailureContext, log: Logger) {
  let last = ''
  const followUp = createFollowUp({
    look: () => reportPowerFailure(context()),
    goesOn: () => {
      const { alerts, ports } = context()
      return alerts.find(powerFailed) !== undefined || ports.journal.openOutage() !== undefined
    },
    every: powerLookEvery,
    log,
  })
  followUp.soon(0)
  return {
    note: (): void => {
      const { power } = context()
      const signature = powerSignature(power)
      if (signature === last) return
      last = signature
      const isUrgent = power.ordered !== undefined || [...power.upses.values()].some(({ mode }) => mode === 'critical')
      followUp.soon(isUrgent ? shutdownFirst : 0)
    },
    stop: followUp.stop,
  }
}

/** Made from the current configuration; made again only when the configuration changes. */
function lastFor<T>(config: () => Config, make: (current: Config) => T): () => T {
  let made: { readonly of: Config; readonly value: T } | undefined
  return () => {
    const current = config()
    if (made?.of !== current) made = { of: current, value: make(current) }
    return made.value
  }
}
