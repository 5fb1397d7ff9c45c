import type { Config } from './config/config.ts'
import type { Activity } from './core/activity.ts'
import type { Alerts } from './core/alert.ts'
import { describeFailure, messageOf } from './core/errors.ts'
import { describeEvent, type Event } from './core/event.ts'
import type { Job, JobContext } from './operations/job.ts'
import { later, type Outcome } from './core/job.ts'
import type { RegisteredSchematic } from './core/release/schematic.ts'
import type { RunOutcome } from './core/journal.ts'
import type { Logger } from './core/log.ts'
import type { Step } from './core/plan.ts'
import { english, type Wording } from './core/wording.ts'
import type { Ports } from './core/ports.ts'
import { machinesOf } from './core/power/machines.ts'
import { settleStale } from './operations/alerts.ts'
import { remembered } from './operations/facts.ts'
import { carryOut } from './engine/carry-out.ts'
import { createKubernetesLease } from './engine/kubernetes-lease.ts'
import { createUpsMonitor } from './engine/ups-monitor.ts'
import { createInProcess } from './engine/in-process.ts'
import { createTakeoverLock } from './engine/takeover-lock.ts'
import { observe } from './engine/observe.ts'

/** Where jobs wait their turn: BullMQ in production, memory in tests. */
export interface Queue {
  add(job: Job): Promise<void>
}

export interface AgentOptions {
  readonly config: Config
  readonly ports: Ports
  readonly jobs: readonly Job[]
  readonly queue: Queue
  readonly alerts: Alerts
  readonly log: Logger
  readonly schematics: () => ReadonlyMap<string, RegisteredSchematic>
  /** How plans are put into words, for people. */
  readonly wording?: Wording
  readonly now?: () => Date
  /** ms of a clock that never jumps. */
  readonly monotonic?: () => number
  /** Between two looks of a wait, in ms. */
  readonly pollEvery?: number
  /** How long a holder that is taken over may take to let go, in ms. */
  readonly leaseGrace?: number
  /** When a job that found the lease taken looks again, in ms. */
  readonly leaseRetry?: number
  /** The name by which this agent holds the cluster's Lease: the same over its restarts. */
  readonly holder?: string
  /** The node of the cluster that this agent runs on, if it does. */
  readonly ownNode?: string | undefined
  /** The node or the host that it runs on, if it is one of the configuration. */
  readonly ownMachine?: string | undefined
  /** The present boot of the machine that it runs on. */
  readonly bootId?: string | undefined
}

/** Why a run ended when the agent was told to stop: the job is given back, and has not failed. */
export class Stopping extends Error {
  override readonly name = 'Stopping'
}

/** What became of one run of a job. */
export interface RunReport {
  readonly job: string
  readonly outcome: RunOutcome
  readonly detail: string
  /** On the agent's monotonic clock, in ms. */
  readonly startedAt: number
}

/**
 * The whole agent, less the process that it runs in. main.ts makes one with the real ports, a test makes one with fakes;
 * nothing else differs.
 */
export function createAgent(options: AgentOptions) {
  const { config, ports, jobs, queue, alerts, log, schematics } = options
  const {
    wording = english,
    now = () => new Date(),
    monotonic = () => performance.now(),
    pollEvery = 1_000,
    leaseGrace = 10_000,
    leaseRetry = 15_000,
    holder = 'caretaker',
    ownNode,
    ownMachine = ownNode,
    bootId,
  } = options
  const { journal } = ports
  const machines = machinesOf(config, ownMachine)
  settleStale(alerts, { jobs, nodes: config.nodes, hasOutage: journal.openOutage() !== undefined })
  const lease = createTakeoverLock(leaseGrace)
  const lock = createKubernetesLease(ports.kubernetes, holder, log)
  /** The steps that are being carried out, for people to see. */
  const activities = new Map<Step, Activity>()
  /** Jobs that run here and found the cluster held. */
  const turnedAway = new Set<Job>()
  const stopping = new AbortController()
  /** What the last run of each job came to. */
  const lastSaid = new Map<string, string>()
  const lastAnswer = new Map<string, number>()
  const listeners = new Set<(report: RunReport) => void>()
  const guard = createUpsMonitor({
    upses: config.upses.map(({ label }) => label),
    policy: config.power,
    journal,
    alerts,
    ordered: {
      get: () => remembered.ordered.recall(journal),
      set: (at) => remembered.ordered.remember(journal, at),
    },
    emit: (event) => emit(event),
    monotonic,
    bootId,
  })

  const here = createInProcess({
    run: (job) => runJob(job, stopping.signal),
    failed: (job, error) => later(`${job.name} failed: ${messageOf(error)}`, new Date(now().getTime() + leaseRetry)),
    now,
  })

  async function emit(event: Event): Promise<void> {
    const text = describeEvent(event)
    log.info({ event }, text)
    const woken = jobs.filter((job) => job.triggers.some((trigger) => 'on' in trigger && trigger.on === event.type))
    // Those that run here come first: what the queue's store does must not keep them waiting.
    for (const job of woken) if (job.runs === 'in-process') here.wake(job)
    const kind = event.type.startsWith('power.') ? 'power' : 'event'
    // What is an alert as well has its sentence from there.
    if (!alerting.includes(event.type)) journal.write({ kind, subject: subjectOf(event), text })
    await Promise.all(woken.filter((job) => job.runs === 'queue').map(enqueue))
  }

  /** By the door that every trigger uses. A queue that is away is no reason to fail: its schedules catch up later. */
  async function enqueue(job: Job): Promise<void> {
    await queue
      .add(job)
      .catch((error: unknown) => log.warn({ job: job.name, reason: messageOf(error) }, 'job not queued'))
  }

  /** Runs a job, whoever asks: a worker of the queue, an event, the CLI or a test. */
  async function runJob(job: Job, signal: AbortSignal): Promise<Outcome> {
    const run = journal.beginRun(job.name)
    const startedAt = monotonic()
    const report = (outcome: RunOutcome, detail: string) => {
      journal.endRun(run, outcome, detail)
      for (const listener of listeners) listener({ job: job.name, outcome, detail, startedAt })
    }
    try {
      const outcome = await underLease(job, AbortSignal.any([signal, stopping.signal]))
      const text = outcome.kind === 'later' ? outcome.reason : outcome.summary
      report(outcome.kind, text)
      alerts.settle(`job.failed:${job.name}`)
      // One that waits for the same thing every few seconds is no news.
      const isRepeated = outcome.kind === 'later' && lastSaid.get(job.name) === text
      log[isRepeated ? 'debug' : 'info']({ job: job.name, outcome: outcome.kind }, text)
      lastSaid.set(job.name, text)
      return outcome
    } catch (error) {
      if (stopping.signal.aborted || signal.aborted) {
        const why = stopping.signal.aborted ? 'the agent was stopped' : messageOf(signal.reason ?? 'called off')
        report('stopped', `${why}; the job goes on later`)
        throw new Stopping('the agent is stopping')
      }
      report('failed', describeFailure(error))
      alerts.open(`job.failed:${job.name}`, {
        // Nobody else brings the cluster down, or back.
        severity: job.purpose === 'shutdown' ? 'critical' : 'warning',
        subject: job.name,
        text: `${job.name} failed: ${describeFailure(error)}`,
      })
      log.error({ job: job.name, err: error }, 'job failed')
      throw error
    }
  }

  async function underLease(job: Job, signal: AbortSignal): Promise<Outcome> {
    const nothing = await job.idle?.(contextOf(job, signal))
    if (nothing) return nothing
    if (!job.purpose) return job.run(contextOf(job, signal))
    const soon = () => new Date(now().getTime() + leaseRetry)
    using stack = new DisposableStack()
    const held = await lease.acquire(job.purpose)
    if (!held) {
      if (job.runs === 'in-process') turnedAway.add(job)
      return later(`the cluster is held for ${lease.holder ?? 'something else'}`, soon())
    }
    // In this order when it ends: the cluster is free, and who waited for it hears of it at once.
    stack.defer(() => {
      for (const waiting of turnedAway) here.wake(waiting)
      turnedAway.clear()
    })
    stack.use(held)
    const locked = await lock.take(job.purpose, AbortSignal.any([signal, held.signal]))
    const isRollback = (remembered.rollbacks.recall(journal) ?? []).length > 0
    if ('why' in locked) {
      // After our own shutdown the API is away because we wanted it so.
      if (!journal.openOutage())
        alerts.open('cluster.lease', { severity: 'warning', subject: 'cluster', text: locked.why })
      // A control plane that hangs may have taken the API with it, and taking it back is what makes it whole.
      if (locked.held || !isRollback) return later(locked.why, soon())
      return job.run(contextOf(job, AbortSignal.any([signal, held.signal])))
    }
    alerts.settle('cluster.lease')
    let goesOn = false
    try {
      const outcome = await job.run(contextOf(job, AbortSignal.any([signal, held.signal, locked.lost])))
      goesOn = outcome.kind === 'later' && outcome.at <= now()
      return outcome
    } catch (error) {
      // Taken over: what was begun is taken up again from what is then seen.
      const taken = [held.signal, locked.lost].find(({ aborted }) => aborted)
      if (taken && !signal.aborted) return later(messageOf(taken.reason), soon())
      throw error
    } finally {
      await locked.release({ keep: goesOn })
    }
  }

  function contextOf(job: Job, signal: AbortSignal): JobContext {
    const jobLog = log.child({ job: job.name })
    return {
      config,
      machines,
      log: jobLog,
      signal,
      ports,
      alerts,
      now,
      monotonic,
      emit,
      schematics: schematics(),
      power: guard.power,
      whenPower: guard.when,
      observe: (within) => observe(config.nodes, ports, signal, within),
      ownNode,
      bootId,
      wording,
      answeredWithin: (ms) => new Set([...lastAnswer].filter(([, at]) => monotonic() - at <= ms).map(([name]) => name)),
      carryOut: (plan, choices = {}) =>
        carryOut(plan, ports, {
          inventory: config.nodes,
          log: jobLog,
          wording,
          pollEvery,
          ...choices,
          signal: choices.signal ? AbortSignal.any([signal, choices.signal]) : signal,
          onHint: (node, text) => {
            for (const [step, activity] of activities) {
              if ('node' in step && step.node === node) activities.set(step, { ...activity, hint: text })
            }
          },
          onStep: (step, state) => {
            choices.onStep?.(step, state)
            const text = wording.describeStep(step)
            if (state.kind === 'started')
              activities.set(step, { job: job.name, step: text, since: now().toISOString() })
            else activities.delete(step)
            if (state.kind === 'started') jobLog.info({ step: step.do }, text)
            const subject = 'node' in step ? { subject: step.node } : {}
            if (state.kind === 'done' && !choices.isRoutine)
              journal.write({ kind: 'step', ...subject, text: `${text}: done` })
            if (state.kind === 'failed') {
              const calledOff = signal.aborted || choices.signal?.aborted === true
              journal.write({
                kind: 'step',
                ...subject,
                text: calledOff ? `${text}: called off, ${state.error.message}` : `failed: ${state.error.message}`,
              })
            }
          },
        }),
    }
  }

  /** Takes note of whether a node answers; `undefined` from a node that was never heard is nothing new. */
  function noticeNode(name: string, answers: boolean): void {
    const known = lastAnswer.has(name)
    if (answers) lastAnswer.set(name, monotonic())
    const returned = answers && !answering.has(name)
    const lost = !answers && answering.has(name)
    if (answers) answering.add(name)
    else answering.delete(name)
    if (returned && known) void emit({ type: 'node.returned', node: name })
    if (lost) void emit({ type: 'node.lost', node: name })
  }
  const answering = new Set<string>()

  return {
    emit,
    alerts,
    runJob,
    guard,
    machines,
    noticeNode,
    jobs,
    monotonic,
    get leaseHolder() {
      return lease.holder
    },
    /** What is being done at this moment. */
    get activities(): readonly Activity[] {
      return [...activities.values()]
    },
    observe: (signal: AbortSignal) => observe(config.nodes, ports, signal),
    /** For looking at what a job would decide, without running it. */
    preview: (job: Job, signal: AbortSignal): JobContext => contextOf(job, signal),
    /** Starts a job that runs here, or queues one that doesn't. */
    start: async (job: Job): Promise<void> => {
      if (job.runs === 'in-process') here.wake(job)
      else await queue.add(job)
    },
    onRun: (listener: (report: RunReport) => void): (() => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    /** Resolves when no job runs here and none is about to. */
    idle: () => here.idle(),
    /** Calls off what runs, and waits until it has let go. Nothing begins after that. */
    stop: async (): Promise<void> => {
      stopping.abort(new Stopping('the agent is stopping'))
      await here.stop()
    },
  }
}

export type Agent = ReturnType<typeof createAgent>

/** Events that open an alert in the same words. */
const alerting: readonly Event['type'][] = ['power.latched']

function subjectOf(event: Event): string {
  if ('node' in event) return event.node
  if ('ups' in event) return event.ups
  if ('version' in event) return event.version
  if ('schematic' in event) return event.schematic
  return event.type === 'agent.started' ? 'agent' : 'cluster'
}
