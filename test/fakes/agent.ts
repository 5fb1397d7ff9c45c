import { type Agent, createAgent } from '../../src/agent.ts'
import type { Alerts } from '../../src/core/alert.ts'
import { createAlerts } from '../../src/operations/alerts.ts'
import type { Config } from '../../src/config/config.ts'
import type { Job } from '../../src/operations/job.ts'
import type { Timekeeper } from '../../src/operations/timekeeper.ts'
import type { Outcome } from '../../src/core/job.ts'
import type { RegisteredSchematic } from '../../src/core/release/schematic.ts'
import type { Meter } from '../../src/core/metrics/meter.ts'
import { english, type Wording } from '../../src/core/wording.ts'
import type { UpsReading } from '../../src/core/power/ups.ts'
import { loadJobs } from '../../src/engine/catalogue.ts'
import { type ConfigOptions, configOf } from './config.ts'
import type { FakeHomelab } from './homelab.ts'
import { silentLog } from './log.ts'
import { mortalPorts } from './mortal.ts'

export const jobs = await loadJobs<Job>(new URL('../../jobs/', import.meta.url))
export const jobNamed = (name: string): Job => jobs.find((job) => job.name === name)!

export interface StartOptions extends ConfigOptions {
  readonly now?: () => Date
  /** Whether the wall clock is to be believed. */
  readonly timekeeper?: Timekeeper
  /** Its alerts, where something beside the agent reports to them. */
  readonly alerts?: Alerts
  readonly ownNode?: string
  readonly ownMachine?: string
  readonly bootId?: string
  readonly leaseGrace?: number
  readonly schematics?: ReadonlyMap<string, RegisteredSchematic>
  readonly wording?: Wording
  readonly meter?: Meter
}

export interface StartedAgent extends AsyncDisposable {
  /** As by kill -9: from now on it writes nothing down, and nothing that it calls has an effect or an answer. */
  die(): void
  readonly agent: Agent
  readonly config: Config
  /** Jobs that wait in the queue. */
  readonly waiting: Job[]
  /** Runs what is queued until nothing is, and returns how each run ended. Runs that say `later, now` go on at once. */
  runQueue(): Promise<Outcome[]>
  run(name: string): Promise<Outcome>
  /** One reading of the UPS, so many ms after the last. */
  reads(reading: Partial<UpsReading> & { status: readonly string[] }, afterMs?: number, label?: string): Promise<void>
  silent(afterMs?: number, label?: string): Promise<void>
  /** Time passes, and nobody hears of the UPS. */
  passes(ms: number): void
}

/** The whole agent on a fake homelab. Times are short, and the UPS's clock is moved by its readings. */
export function startAgent(homelab: FakeHomelab, options: StartOptions = {}): StartedAgent {
  const { now, timekeeper, alerts, leaseGrace = 50, schematics, bootId, wording = english, meter } = options
  const { ownNode, ownMachine = ownNode, upses = ['ups'] } = options
  const config = configOf(homelab, options)
  const own: RegisteredSchematic = { id: [...homelab.machines.values()][0]?.schematic ?? 'a'.repeat(64), schematic: {} }
  const known = schematics ?? new Map([['homelab', own]])
  const mortal = mortalPorts(homelab.ports)
  const waiting: Job[] = []
  let clock = 0
  const agent = createAgent({
    config: () => config,
    ports: mortal.ports,
    jobs,
    queue: { add: async ({ name }) => void (waiting.some((job) => job.name === name) || waiting.push(jobNamed(name))) },
    alerts: alerts ? mortal.alive(alerts) : createAlerts(mortal.ports.journal, now ?? (() => new Date())),
    log: silentLog,
    wording,
    schematics: () => known,
    pollEvery: 1,
    leaseGrace,
    leaseRetry: 5,
    monotonic: () => clock,
    ...(now ? { now } : {}),
    ...(meter ? { meter } : {}),
    ...(timekeeper ? { clock: timekeeper } : {}),
    ownNode,
    ownMachine,
    bootId,
  })
  const signal = new AbortController().signal

  return {
    die: mortal.die,
    agent,
    config,
    waiting,
    run: (name) => agent.runJob(jobNamed(name), signal),
    runQueue: async () => {
      const outcomes: Outcome[] = []
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        const outcome = await agent.runJob(job, signal)
        outcomes.push(outcome)
        if (outcome.kind === 'later' && outcome.at.getTime() <= Date.now() && !waiting.includes(job)) waiting.push(job)
      }
      return outcomes
    },
    reads: async (reading, afterMs = 1_000, label = upses[0]!) => {
      clock += afterMs
      agent.guard.notice(label, { kind: 'reading', at: clock, reading })
    },
    silent: async (afterMs = 1_000, label = upses[0]!) => {
      clock += afterMs
      agent.guard.notice(label, { kind: 'silence', at: clock, why: 'the UPS does not answer' })
    },
    passes: (ms) => void (clock += ms),
    [Symbol.asyncDispose]: () => agent.stop(),
  }
}
